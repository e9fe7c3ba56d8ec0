"""``readback demo``: the sample project from end to end, without a browser."""

from __future__ import annotations

from pathlib import Path

import click

from core.bootstrap import Workbench, new_request_id
from core.commands.common import note, open_workbench, progress_bar, run_job
from core.commands.output import Outputs
from core.services.records import RecordingRecord
from core.services.sample import SAMPLE_MODEL
from core.speech.metrics import wer
from core.speech.repeats import find_repeats
from core.speech.subtitles import FORMATS
from core.speech.units import clock


@click.command("demo")
@click.option("--out", "-o", type=click.Path(path_type=Path, file_okay=False), help="Folder for the files it writes.")
@click.option("--force", is_flag=True, help="Transcribe again even if that was done before.")
def command(out: Path | None, force: bool) -> None:
    """Makes the sample project, transcribes it with the embedded model, and says what it found.

    Needs no network. The app shows the same project.
    """
    with open_workbench() as workbench:
        folder = out or workbench.settings.data_dir / "exports" / "sample"
        project = workbench.sample.ensure()
        click.echo(f"{project.title}: {project.recording_count} recordings, {clock(project.duration_ms)}")
        spoken = {each.name: each.spoken for each in workbench.sample.spoken()}
        outputs = Outputs(folder, many=True, quiet=True)
        for recording in workbench.library.list_recordings(project_id=project.id).items:
            transcript_id = _transcribe(workbench, recording, force)
            _tell(workbench, recording, transcript_id, spoken.get(recording.name, ""))
            for name in FORMATS:
                outputs.write(workbench.exports.export(transcript_id, name))
        click.echo(f"\nFiles ({', '.join(FORMATS)}): {folder}")
        note("The embedded model knows only the words of this sample. For real recordings: readback models list")


def _transcribe(workbench: Workbench, recording: RecordingRecord, force: bool) -> int:
    config = workbench.transcription.default_config(recording.id).model_copy(
        update={"model": SAMPLE_MODEL, "language": "en"}
    )
    submission = workbench.transcription.submit(recording.id, config, force=force, request_id=new_request_id())
    if submission.job is not None:
        with progress_bar(recording.name) as show:
            run_job(workbench, submission.job, show)
    return submission.transcript_id


def _tell(workbench: Workbench, recording: RecordingRecord, transcript_id: int, spoken: str) -> None:
    record = workbench.transcription.get(transcript_id)
    segments = tuple(workbench.transcription.iter_segments(transcript_id))
    words = [word for segment in segments for word in segment.words]
    click.echo(f"\n{recording.name} ({clock(recording.duration_ms)})")
    for segment in segments:
        click.echo(f"  {clock(segment.start_ms)}  {segment.text}")
    click.echo(f"  Words: {record.word_count} in {len(segments)} segments")
    if spoken:
        compared = wer(spoken, " ".join(segment.text for segment in segments))
        click.echo(
            f"  Word errors: {compared.rate:.1%} ({compared.errors} of {compared.reference_words} words; letter case "
            "and punctuation do not count)"
        )
    repeats = find_repeats(words)
    click.echo(f"  Said twice in a row: {len(repeats)}")
    for repeat in repeats:
        click.echo(f"    {clock(repeat.start_ms)}  {repeat.text}")
    if record.real_time_factor is not None:
        click.echo(f"  Time: {record.wall_ms / 1_000:.1f} s, {record.real_time_factor:.2f} of the recording's length")
    versions = ", ".join(f"{record.versions[name]}" for name in ("engine", "model", "compute_type"))
    click.echo(f"  By: {versions}")
