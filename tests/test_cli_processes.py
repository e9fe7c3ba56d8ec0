"""The command line and its surroundings: Ctrl-C, SIGTERM, terminals, pipes, a server on the same data (B14)."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from core.bootstrap import Workbench
from core.demo import NARRATION_FILE
from tests.app_process import RunningApp
from tests.console import READBACK, TIMEOUT_S, environment, readback
from tests.services.speaking import clip, working


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all: what one test has transcribed another need not."""
    return tmp_path_factory.mktemp("cli") / "data"


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("media") / "clip.wav")


@pytest.mark.slow
def test_the_demo_says_what_it_found(tmp_path: Path) -> None:
    """The newcomer's second command: the sample from end to end, with its repeats kept and its words right."""
    done = readback(tmp_path / "data", "demo")
    assert done.returncode == 0, done.stderr
    assert "Every morning he walked." in done.stdout
    rates = [
        float(line.split("Word errors: ")[1].split("%")[0])
        for line in done.stdout.splitlines()
        if "Word errors" in line
    ]
    assert len(rates) == 2
    assert max(rates) < 5
    repeats = [int(line.split(":")[1]) for line in done.stdout.splitlines() if "Said twice in a row" in line]
    assert repeats[0] >= 5
    folder = Path(done.stdout.split("Files (srt, vtt, txt, json): ")[1].strip())
    assert sorted(path.suffix for path in folder.iterdir()) == sorted([".srt", ".vtt", ".txt", ".json"] * 2)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    process = subprocess.Popen(
        [READBACK, "transcribe", NARRATION_FILE], env=environment(data_dir), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with working(data_dir) as bench:
        wait_for_segments(bench, process)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 130
        assert "is kept" in error
        job = bench.system.jobs().items[0]
        assert job.state == "cancelled"
        kept = bench.transcription.segments(job.payload["transcript_id"]).total
        assert kept >= 1
        again = readback(data_dir, "transcribe", NARRATION_FILE)
        assert again.returncode == 0
        assert bench.system.jobs().total == 1
        assert bench.system.job(job.id).state == "completed"
        assert len(again.stdout.splitlines()) == bench.transcription.segments(job.payload["transcript_id"]).total > kept


def wait_for_segments(bench: Workbench, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        jobs = bench.system.jobs().items
        if jobs and bench.transcription.segments(jobs[0].payload["transcript_id"]).total >= 1:
            return
        assert process.poll() is None
        time.sleep(0.05)
    raise AssertionError("no segment in time")


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals on Windows")
def test_a_terminal_gets_a_bar(data_dir: Path, tmp_path: Path) -> None:
    other = clip(tmp_path / "short.wav", end_ms=5_900)
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [READBACK, "transcribe", other], env={**environment(data_dir), "TERM": "xterm"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=terminal, text=True,
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(main, 4_096):
            shown += chunk
    except OSError:
        pass  # Linux: the other side has gone
    output, _ = process.communicate(timeout=TIMEOUT_S)
    os.close(main)
    assert process.returncode == 0
    assert b"Transcribing" in shown
    assert b"\x1b[" in shown
    assert "harbour" in output
    assert "\x1b" not in output


def test_a_pipe_that_closes_early_is_no_crash(data_dir: Path, speech: Path) -> None:
    assert readback(data_dir, "transcribe", speech).returncode == 0
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [READBACK, "transcribe", speech], env=environment(data_dir), stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    _, error = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 141
    assert "Traceback" not in error


@pytest.mark.slow
def test_a_worker_does_what_waits_and_gives_it_back_on_sigterm(tmp_path: Path) -> None:
    """B14: SIGTERM drains; the job goes back to the queue at its checkpoint."""
    with working(tmp_path / "data") as bench:
        project = bench.library.create_project("Tests")
        recording = bench.importing.import_file(project.id, NARRATION_FILE).recording
        submission = bench.transcription.submit(recording.id, bench.transcription.default_config(recording.id))
        assert submission.job is not None
        process = subprocess.Popen(
            [READBACK, "worker"], env=environment(tmp_path / "data"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        wait_for_segments(bench, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
        assert process.stdout is not None
        process.stdout.close()
        assert bench.system.job(submission.job.id).state == "queued"
        kept = bench.transcription.segments(submission.transcript_id).total
        assert bench.run_job(submission.job.id).state == "completed"
        assert bench.transcription.segments(submission.transcript_id).total > kept


@pytest.mark.slow
def test_serve_answers_ends_well_and_the_command_line_works_beside_it(tmp_path: Path, speech: Path) -> None:
    app = RunningApp(data_dir=tmp_path / "data")
    app.start()
    try:
        done = readback(app.data_dir, "transcribe", speech)
        assert done.returncode == 0, done.stderr
        assert "harbour" in done.stdout
        taken = readback(app.data_dir, "serve", "--port", str(app.port))
        assert taken.returncode == 1
        assert f"Port {app.port}" in taken.stderr
        assert "Traceback" not in taken.stderr
    finally:
        assert app.stop() == 0
    for line in app.log.splitlines():
        assert line.startswith(("{", "Readback:"))  # one form of log, whoever writes it
