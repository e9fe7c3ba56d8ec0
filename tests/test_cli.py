"""What commands print, and the codes they end with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli import run
from core.demo import MODEL_DIR
from core.speech.metrics import wer
from tests.console import READBACK, TIMEOUT_S, environment, readback
from tests.logging_state import restored_logging
from tests.services.speaking import CLIP_TEXT, clip


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all: what one test has transcribed another need not."""
    return tmp_path_factory.mktemp("cli") / "data"


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("media") / "clip.wav")


def test_json_goes_to_stdout_in_the_documented_shape_and_nothing_else(data_dir: Path, speech: Path) -> None:
    done = readback(data_dir, "transcribe", speech, "--format", "json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert list(data) == ["language", "duration_ms", "segments"]
    assert list(data["segments"][0]) == ["start_ms", "end_ms", "text", "words"]
    assert list(data["segments"][0]["words"][0]) == ["text", "start_ms", "end_ms", "probability"]
    assert (data["language"], data["duration_ms"]) == ("en", 10_600)
    assert wer(CLIP_TEXT, " ".join(segment["text"] for segment in data["segments"])).errors == 0
    assert "\x1b" not in done.stdout + done.stderr  # no bar, no colours in a pipe
    assert "vocabulary of the sample" in done.stderr


def test_several_files_go_on_after_an_error_and_end_with_the_worst_code(
    data_dir: Path, speech: Path, tmp_path: Path
) -> None:
    text = tmp_path / "letter.mp3"
    text.write_text("This is no sound.")
    out = tmp_path / "out"
    done = readback(data_dir, "transcribe", text, tmp_path / "gone.wav", speech, "--out", f"{out}/", "--format", "srt")
    assert done.returncode == 4
    assert [path.name for path in out.iterdir()] == ["clip.srt"]
    assert "letter.mp3" in done.stderr
    assert "gone.wav" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert (out / "clip.srt").read_text(encoding="utf-8").startswith("1\n00:00:0")


@pytest.fixture
def here(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data folder, for commands that run in this process: many are quicker that way."""
    for name, value in environment(data_dir).items():
        monkeypatch.setenv(name, value)
    with restored_logging():
        yield data_dir


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["transcribe"], 2, "MEDIA"),
        (["transcribe", "x.wav", "--language", "xx-yy"], 2, "--language"),
        (["transcribe", "x.wav", "--language", "de"], 2, "English only"),
        (["transcribe", "x.wav", "--model", "no-such-model"], 7, "no-such-model"),
        (["transcribe", "no-such-file.wav"], 4, "no-such-file.wav"),
        (["jobs", "show", "4711"], 4, "4711"),
        (["jobs", "cancel", "4711"], 4, "4711"),
        (["models", "pull", "tiny"], 7, "tiny"),
        (["models", "remove", "demo"], 2, "part of the program"),
        (["no-such-command"], 2, "no-such-command"),
    ],
)
def test_errors_are_one_line_with_a_code(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert says in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_settings_that_cannot_work_are_named(tmp_path: Path) -> None:
    """B10, E5."""
    done = readback(tmp_path / "data", "jobs", "list", env={"READBACK_PORT": "many"})
    assert done.returncode == 2
    assert "READBACK_PORT" in done.stderr


def test_what_nobody_expected_is_one_line_with_a_log_reference(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The traceback is in the log file, under the reference that is shown."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom hf_abcdefghijklmnop")

    monkeypatch.setattr("core.services.system.SystemService.jobs", broken)
    assert run(["jobs", "list"]) == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    reference = error.split("Log reference: ")[1].split()[0]
    (line,) = [
        json.loads(line) for line in (here / "logs" / "readback.log").read_text().splitlines() if reference in line
    ]
    assert "RuntimeError: boom ***" in line["exception"]


def test_version_and_help() -> None:
    done = subprocess.run([READBACK, "--version"], capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    assert done.stdout.startswith("readback 0.")
    helped = subprocess.run([READBACK, "-h"], capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    for command in ("serve", "demo", "transcribe", "models", "jobs", "worker", "db"):
        assert f"  {command} " in helped.stdout


def test_models_jobs_and_database(here: Path, speech: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The lists, for people and for programs."""

    def says(*arguments: str) -> str:
        assert run(arguments) == 0
        return capsys.readouterr().out

    says("transcribe", str(speech))
    assert "large-v3-turbo" in says("models", "list")
    models = [json.loads(line) for line in says("models", "list", "--json").splitlines()]
    assert (models[0]["name"], models[0]["state"]) == ("demo", "ready")
    job = json.loads(says("jobs", "list", "--json", "--limit", "1"))
    assert (job["state"], job["kind"]) == ("completed", "transcribe")
    assert "completed" in says("jobs", "list", "--state", "completed")
    assert says("jobs", "list", "--state", "failed") == "There are no jobs.\n"
    assert json.loads(says("jobs", "show", str(job["id"])))["id"] == job["id"]
    assert run(["jobs", "retry", str(job["id"])]) == 1  # it is done
    assert "revision" in says("db", "check")
    assert "revision" in says("db", "upgrade")


def test_an_old_database_is_noticed(
    tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("READBACK_DATA_DIR", str(tmp_path / "data"))
    assert run(["db", "check"]) == 6
    assert "readback db upgrade" in capsys.readouterr().err
    assert run(["db", "upgrade"]) == 0
    done = readback(tmp_path / "data", "db", "downgrade", "base")
    assert done.returncode == 130  # nobody is there to say yes
    assert run(["db", "downgrade", "base", "--yes"]) == 0
    assert run(["db", "check"]) == 6


def test_models_of_ones_own(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "add", "mine", str(MODEL_DIR)]) == 0
    assert run(["models", "add", "hub", "someone/some-model"]) == 0
    assert "readback models pull hub" in capsys.readouterr().err
    assert run(["models", "add", "mine", str(MODEL_DIR)]) == 1
    assert run(["models", "pull", "mine"]) == 0
    capsys.readouterr()
    assert run(["models", "list"]) == 0
    assert "mine" in capsys.readouterr().out
    assert run(["models", "remove", "mine", "hub"]) == 0
    assert run(["models", "list"]) == 0
    assert "mine " not in capsys.readouterr().out.replace("removed", "")
