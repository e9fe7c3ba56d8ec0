"""``readback transcribe``: files in, text out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from core.bootstrap import Workbench, check_default_model, new_request_id
from core.commands.common import note, open_workbench, progress_bar, run_job
from core.commands.inputs import Brought, bring_in
from core.commands.output import DEFAULT_FORMAT, Outputs, chosen_format
from core.errors import ReadbackError, ValidationFailedError
from core.speech.config import TranscriptionConfig
from core.speech.subtitles import FORMATS

DEFAULT_PROJECT = "Command line"
#: Before what waits in the app: somebody sits at the terminal.
_PRIORITY = -10


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What the command line asks for besides the settings of the transcription."""

    force: bool
    fmt: str
    request_id: str


@click.command("transcribe")
@click.argument("media", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    "-m",
    help="Name from `readback models list`, a folder, or a hub id. Default: "
    "as chosen on the Settings page, else READBACK_DEFAULT_MODEL, else demo.",
)
@click.option("--mode", type=click.Choice(["accurate", "fast"]), help="Exact, or several windows at once.")
@click.option("--language", "-l", help="Code of the language spoken, e.g. en. Default: detected.")
@click.option("--task", type=click.Choice(["transcribe", "translate"]), help="Write it down, or into English.")
@click.option("--verbatim/--no-verbatim", default=None, help="Keep every repeat and false start, or not.")
@click.option("--hotwords", help="Names and terms to expect, separated by commas.")
@click.option("--prompt", help="Text in the style you want.")
@click.option(
    "--format",
    "-f",
    "fmt",
    type=click.Choice(list(FORMATS)),
    help=f"What to write. Default: as the name of --out ends, or {DEFAULT_FORMAT}.",
)
@click.option("--out", "-o", type=click.Path(), help="File, or folder/ for several. Default: stdout.")
@click.option("--track", type=click.IntRange(min=1), help="Which audio track of the file. Default: 1, the first.")
@click.option("--force", is_flag=True, help="Transcribe again even if it was done before.")
@click.option("--project", default=DEFAULT_PROJECT, show_default=True, help="Project to bring the files into.")
def command(
    media: tuple[Path, ...], fmt: str | None, out: str | None, track: int | None, force: bool, project: str,
    hotwords: str | None, **settings: Any,
) -> int:  # fmt: skip
    """Transcribes files and folders (audio or video) and writes the text to stdout or --out.

    Files are brought into a project, where the app shows them too. What was transcribed before with the same settings
    is not computed again; what was stopped goes on where it stopped.
    """
    if hotwords is not None:
        settings["hotwords"] = tuple(word.strip() for word in hotwords.split(",") if word.strip())
    many = len(media) > 1 or media[0].is_dir()
    wishes = Wishes(force=force, fmt=chosen_format(out, fmt, many=many), request_id=new_request_id())
    worst = 0
    with open_workbench() as workbench:
        project_id, kind = _project(workbench, project)
        config = _config(workbench, kind, {name: value for name, value in settings.items() if value is not None})
        if settings["model"] is None and config.model == workbench.settings.default_model:
            check_default_model(workbench.settings, workbench.catalogue)
        workbench.transcription.validate(config)
        _warn_of_model(workbench, config.model)
        outputs = Outputs(out, many=many)
        for found in bring_in(workbench, project_id, media, track=None if track is None else track - 1):
            try:
                if isinstance(found, ReadbackError):
                    raise found
                _transcribe(workbench, found, config, wishes, outputs)
            except ReadbackError as error:
                note(f"readback: {error.message}")
                worst = max(worst, error.exit_code)
    return worst


def _transcribe(
    workbench: Workbench, brought: Brought, config: TranscriptionConfig, wishes: Wishes, outputs: Outputs
) -> None:
    submission = workbench.transcription.submit(
        brought.recording.id, config, priority=_PRIORITY, force=wishes.force, request_id=wishes.request_id
    )
    if submission.job is not None:
        with progress_bar(str(brought.name)) as show:
            run_job(workbench, submission.job, show)
    for warning in workbench.transcription.get(submission.transcript_id).warnings:
        note(f"{brought.name}: {warning}")
    outputs.write(workbench.exports.export(submission.transcript_id, wishes.fmt), brought.name)


def _project(workbench: Workbench, title: str) -> tuple[int, str]:
    for project in (*workbench.library.list_projects(), *workbench.library.list_projects(archived=True)):
        if project.title == title.strip():
            return project.id, project.kind
    project = workbench.library.create_project(title)
    return project.id, project.kind


def _config(workbench: Workbench, kind: str, wanted: dict[str, Any]) -> TranscriptionConfig:
    defaults = workbench.transcription.default_config(kind=kind)
    try:
        return TranscriptionConfig.model_validate({**defaults.model_dump(), **wanted})
    except ValidationError as error:
        problem = error.errors()[0]
        raise ValidationFailedError(f"--{problem['loc'][0]}", problem["msg"]) from error


def _warn_of_model(workbench: Workbench, name: str) -> None:
    warning = next((model.warning for model in workbench.modelling.list() if model.name == name), "")
    if warning:
        note(f"Model {name}: {warning}")
