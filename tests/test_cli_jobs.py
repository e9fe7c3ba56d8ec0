"""``readback jobs`` and ``readback models list``: what the tables say, and what is said of jobs that cannot change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.bootstrap import Workbench
from core.cli import run
from core.infra.jobs import EmbeddedExecutor
from tests.console import environment
from tests.logging_state import restored_logging
from tests.services.speaking import bring_in, clip, working

LONG = "The model small is not on this machine,\nand the model hub may not be contacted. " * 4


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """A data folder with one recording, for commands that run in this process."""
    for name, value in environment(tmp_path / "data").items():
        monkeypatch.setenv(name, value)
    with restored_logging(), working(tmp_path / "data") as bench:
        yield bench


def failed_job(bench: Workbench, tmp_path: Path) -> int:
    recording = bring_in(bench, clip(tmp_path / "clip.wav"))
    job = bench.transcription.submit(recording.id, bench.transcription.default_config(recording.id)).job
    assert job is not None
    claim = bench.queue.claim("a test", job_id=job.id)
    assert claim is not None
    bench.queue.fail(claim, code="model_not_downloaded", message=LONG, retryable=False)
    return job.id


def test_the_list_shows_what_a_job_is_about(
    bench: Workbench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = failed_job(bench, tmp_path)
    capsys.readouterr()  # before a command runs, logging is not set up
    assert run(["jobs", "list"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["JOB", "STATE", "RECORDING", "MODEL", "DONE", "STAGE", "TRIES", "CREATED", "ERROR"]
    assert row.split()[:4] == [str(job_id), "failed", "clip.wav", "demo"]
    error = row[head.index("ERROR") :]
    assert error.startswith("The model small is not on this machine, and")
    assert error.endswith("…")
    assert len(error) <= 100
    assert row[head.index("TRIES") :].split()[0] == "1"


def test_what_cannot_change_is_said_in_words(
    bench: Workbench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = str(failed_job(bench, tmp_path))
    assert run(["jobs", "cancel", job_id]) == 1
    assert "The job has failed already; there is nothing to cancel." in capsys.readouterr().err
    assert run(["jobs", "show", "999"]) == 4
    assert "Job 999 does not exist.\n" in capsys.readouterr().err
    assert run(["jobs", "retry", job_id]) == 0
    assert "Nothing runs yet" in capsys.readouterr().err
    assert run(["jobs", "retry", job_id]) == 1
    assert "The job is waiting already; there is nothing to try again." in capsys.readouterr().err


def test_with_a_worker_nothing_is_said_of_waiting(
    bench: Workbench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = failed_job(bench, tmp_path)
    executor = EmbeddedExecutor(bench.queue, {}, slots=1)
    executor.start()
    try:
        assert run(["jobs", "retry", str(job_id)]) == 0
    finally:
        executor.stop(5)
    assert "Nothing runs yet" not in capsys.readouterr().err


def test_the_list_of_models_says_what_demo_knows(bench: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("demo ")]
    assert "Knows only the vocabulary of the sample project." in row


def test_transcribe_names_its_default_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["transcribe", "-h"]) == 0
    assert "READBACK_DEFAULT_MODEL" in capsys.readouterr().out
