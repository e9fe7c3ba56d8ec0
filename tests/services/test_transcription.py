"""Transcription jobs with the real model: text and times, checkpoints, cancel, kill -9, bad media (A4 C7 C13 C14)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update

from core.bootstrap import Workbench
from core.demo import NARRATION_FILE
from core.infra.jobs.context import RunningJob
from core.infra.jobs.runner import run_claimed
from core.infra.tables import Run, SegmentRow
from core.services.records import JobRecord
from core.speech.config import TranscriptionConfig
from core.speech.metrics import wer
from core.speech.transcript import Segment
from tests.services.speaking import CLIP_MS, CLIP_TEXT, bring_in, clip, working, write_wav

CONFIG = TranscriptionConfig(model="demo", language="en")
DEADLINE_S = 120


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with working(tmp_path / "data") as bench:
        yield bench


def transcribed(bench: Workbench, recording_id: int, config: TranscriptionConfig = CONFIG) -> tuple[JobRecord, int]:
    """The job as it ended, and its transcript."""
    submission = bench.transcription.submit(recording_id, config)
    assert submission.job is not None
    return bench.run_job(submission.job.id), submission.transcript_id


def segments(bench: Workbench, transcript_id: int) -> list[Segment]:
    return list(bench.transcription.iter_segments(transcript_id))


def text(found: list[Segment]) -> str:
    return " ".join(segment.text for segment in found)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["accurate", "fast"])
def test_a_recording_becomes_text_with_times(tmp_path: Path, database_url: str, mode: str) -> None:
    """A4: on both databases; repeats are kept (A7 builds on them), words have times, the run can be reproduced."""
    with working(tmp_path / "data", database_url=database_url) as bench:
        recording = bring_in(bench, clip(tmp_path / "clip.wav"))
        config = CONFIG.model_copy(update={"mode": mode})
        job, transcript_id = transcribed(bench, recording.id, config)
        assert (job.state, job.error_message) == ("completed", "")
        found = segments(bench, transcript_id)
        assert wer(CLIP_TEXT, text(found)).errors == 0
        record = bench.transcription.get(transcript_id)
        assert record.complete
        assert record.done_ms == record.audio_ms == recording.duration_ms == CLIP_MS
        assert record.word_count == sum(len(segment.words) for segment in found) == len(CLIP_TEXT.split())
        assert record.config == config
        assert record.fingerprint == config.fingerprint()
        assert {"engine", "model_revision", "device", "compute_type"} <= set(record.versions)
        assert record.wall_ms > 0
        assert record.language == "en"
        assert job.result is not None
        assert job.result["words"] == record.word_count
        words = [word for segment in found for word in segment.words]
        assert all(0 <= word.start_ms <= word.end_ms <= CLIP_MS for word in words)
        assert [word.start_ms for word in words] == sorted(word.start_ms for word in words)
        assert bench.transcription.load(transcript_id).duration_ms == CLIP_MS
        shown = bench.library.get_recording(recording.id)
        assert (shown.transcript_id, shown.job_state) == (transcript_id, "completed")


class Watched(RunningJob):
    """A running job that is looked at after each window it stored, as a page would."""

    bench: Workbench
    seen: list[tuple[bool, int, int]]

    def save(self, *arguments: Any, **more: Any) -> None:
        super().save(*arguments, **more)
        transcript_id = int(self.payload["transcript_id"])
        record = self.bench.transcription.get(transcript_id)
        total = self.bench.transcription.segments(transcript_id).total
        self.seen.append((record.complete, record.done_ms, total))


@pytest.mark.slow
def test_the_text_grows_while_the_job_runs(bench: Workbench, tmp_path: Path) -> None:
    """A4: partial text is readable, and says how far it goes."""
    recording = bring_in(bench, clip(tmp_path / "long.wav", end_ms=30_000))
    submission = bench.transcription.submit(recording.id, CONFIG)
    assert submission.job is not None
    claim = bench.queue.claim("tests", job_id=submission.job.id)
    assert claim is not None
    job = Watched(bench.queue, claim, threading.Event())
    job.bench, job.seen = bench, []
    bench.handlers[claim.record.kind](job)
    partial = [(done_ms, total) for complete, done_ms, total in job.seen if not complete]
    assert len(partial) >= 3, "one for each window"
    assert 0 < partial[0][0] < recording.duration_ms
    assert partial[0][1] > 0
    assert partial == sorted(partial)
    assert job.seen[-1][:2] == (True, recording.duration_ms)


class Stopped(RunningJob):
    """A running job that the user stops once it has stored its first window."""

    bench: Workbench

    def save(self, *arguments: Any, **more: Any) -> None:
        super().save(*arguments, **more)
        self.bench.system.cancel(self.job_id)
        self.beat()  # as the executor's supervisor does: this is how a job hears of it
        self.check()


def stopped_after_one_window(bench: Workbench, job_id: int) -> JobRecord:
    """Runs the job, and cancels it at its first checkpoint."""
    claim = bench.queue.claim("tests", job_id=job_id)
    assert claim is not None
    job = Stopped(bench.queue, claim, threading.Event())
    job.bench = bench
    run_claimed(bench.queue, bench.handlers, job)
    return bench.system.job(job_id)


@pytest.mark.slow
def test_cancel_keeps_what_is_done_and_asking_again_goes_on(bench: Workbench, tmp_path: Path) -> None:
    """The second run starts at the checkpoint; together they give what one uninterrupted run gives."""
    long = clip(tmp_path / "long.wav", end_ms=30_000)
    recording = bring_in(bench, long)
    submission = bench.transcription.submit(recording.id, CONFIG)
    assert submission.job is not None
    assert stopped_after_one_window(bench, submission.job.id).state == "cancelled"
    record = bench.transcription.get(submission.transcript_id)
    kept = segments(bench, submission.transcript_id)
    assert kept
    assert not record.complete
    assert 0 < record.done_ms < 30_000
    again = bench.transcription.submit(recording.id, CONFIG)
    assert again.job is not None
    assert (again.job.id, again.transcript_id) == (submission.job.id, submission.transcript_id)
    assert bench.run_job(again.job.id).state == "completed"
    resumed = segments(bench, submission.transcript_id)
    assert resumed[: len(kept)] == kept
    whole = bench.transcription.submit(recording.id, CONFIG, force=True)
    assert whole.job is not None
    assert bench.run_job(whole.job.id).state == "completed"
    assert segments(bench, whole.transcript_id) == resumed


@pytest.mark.slow
def test_a_changed_model_starts_over(bench: Workbench, tmp_path: Path) -> None:
    """Half a transcript by one model and half by another would be nobody's result."""
    recording = bring_in(bench, clip(tmp_path / "clip.wav"))
    submission = bench.transcription.submit(recording.id, CONFIG)
    assert submission.job is not None
    assert stopped_after_one_window(bench, submission.job.id).state == "cancelled"
    run_id = bench.transcription.get(submission.transcript_id).run_id
    with bench.database.write() as session:
        session.execute(update(Run).where(Run.id == run_id).values(versions={"model_revision": "another"}))
        session.execute(update(SegmentRow).values(avg_logprob=-99.0))
    assert bench.transcription.submit(recording.id, CONFIG).job is not None
    assert bench.run_job(submission.job.id).state == "completed"
    found = segments(bench, submission.transcript_id)
    assert wer(CLIP_TEXT, text(found)).errors == 0
    assert all(segment.avg_logprob > -99 for segment in found)


WORKER = """
import sys
from pathlib import Path
from tests.services.speaking import working
with working(Path(sys.argv[1])) as bench:
    bench.run_job(int(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_kill_9_loses_and_doubles_nothing(bench: Workbench) -> None:
    """A process killed in the middle of the sample; another one goes on, and the result is that of one whole run."""
    recording = bring_in(bench, NARRATION_FILE)
    submission = bench.transcription.submit(recording.id, CONFIG)
    assert submission.job is not None
    arguments = [sys.executable, "-c", WORKER, str(bench.settings.data_dir), str(submission.job.id)]
    worker = subprocess.Popen(arguments, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while bench.transcription.segments(submission.transcript_id, limit=1).total < 3:
            assert worker.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    left = segments(bench, submission.transcript_id)
    assert bench.system.job(submission.job.id).state == "running"  # nobody has noticed yet
    ended = bench.run_job(submission.job.id)
    assert (ended.state, ended.attempt) == ("completed", 2)
    found = segments(bench, submission.transcript_id)
    assert found[: len(left)] == left
    with bench.database.read() as session:
        positions = session.scalars(
            select(SegmentRow.position)
            .where(SegmentRow.transcript_id == submission.transcript_id)
            .order_by(SegmentRow.position)
        ).all()
    assert list(positions) == list(range(len(found)))
    whole = bench.transcription.submit(recording.id, CONFIG, force=True)
    assert whole.job is not None
    assert bench.run_job(whole.job.id).state == "completed"
    assert segments(bench, whole.transcript_id) == found
    (said,) = [each for each in bench.sample.spoken() if each.name == "narration.flac"]
    assert wer(said.spoken, text(found)).rate < 0.05


def test_the_language_is_detected_once_and_kept(bench: Workbench, tmp_path: Path) -> None:
    recording = bring_in(bench, clip(tmp_path / "clip.wav"))
    job, transcript_id = transcribed(bench, recording.id, TranscriptionConfig(model="demo"))
    assert job.state == "completed"
    record = bench.transcription.get(transcript_id)
    assert (record.language, record.language_probability) == ("en", 1.0)


def test_a_recording_without_speech_gives_an_empty_transcript_that_says_so(bench: Workbench, tmp_path: Path) -> None:
    """C7: never an empty transcript without a word of why."""
    noise = np.random.default_rng(1).normal(0, 200, 5 * 16_000)
    recording = bring_in(bench, write_wav(tmp_path / "noise.wav", noise))
    job, transcript_id = transcribed(bench, recording.id)
    assert job.state == "completed"
    record = bench.transcription.get(transcript_id)
    assert record.complete
    assert record.done_ms == recording.duration_ms
    assert segments(bench, transcript_id) == []
    assert "No speech was found" in record.warnings[0]
    assert [each.id for each in bench.transcription.list_for(recording.id)] == [transcript_id]


@pytest.mark.slow
def test_media_that_turns_bad_halfway_keeps_what_came_before(bench: Workbench) -> None:
    """C13, C14: the job fails with its reason, the text until then stays; with the file whole again all is heard."""
    recording = bring_in(bench, NARRATION_FILE)
    stored = bench.media.path(recording.media_key)
    content = stored.read_bytes()
    stored.chmod(0o600)
    stored.write_bytes(content[: len(content) // 6])
    job, transcript_id = transcribed(bench, recording.id)
    record = bench.transcription.get(transcript_id)
    found = segments(bench, transcript_id)
    assert job.state == "failed"
    assert job.error_code.startswith("media")
    assert job.error_message
    assert not record.complete
    assert text(found).lower().startswith("the old keeper lived")
    assert max(segment.end_ms for segment in found) > recording.duration_ms // 10, "up to where the file is bad"
    stored.write_bytes(content)
    assert bench.system.retry(job.id).state == "queued"
    assert bench.run_job(job.id).state == "completed"
    (said,) = [each for each in bench.sample.spoken() if each.name == "narration.flac"]
    assert wer(said.spoken, text(segments(bench, transcript_id))).rate < 0.05


def test_media_that_has_gone_fails_with_its_reason(bench: Workbench, tmp_path: Path) -> None:
    recording = bring_in(bench, clip(tmp_path / "clip.wav"))
    bench.media.delete(recording.media_key)
    job, _ = transcribed(bench, recording.id)
    assert (job.state, job.error_code) == ("failed", "media_missing")


def test_warnings_of_the_run_are_kept(bench: Workbench, tmp_path: Path) -> None:
    """A vocabulary too long for the model is cut, and the result says so."""
    recording = bring_in(bench, clip(tmp_path / "clip.wav", end_ms=3_900))
    config = CONFIG.model_copy(update={"hotwords": tuple(f"harbour{number}" for number in range(400))})
    job, transcript_id = transcribed(bench, recording.id, config)
    assert job.state == "completed"
    assert bench.transcription.get(transcript_id).warnings != ()


def test_a_deleted_recording_takes_its_job_and_runs_with_it(bench: Workbench, tmp_path: Path) -> None:
    recording = bring_in(bench, clip(tmp_path / "clip.wav"))
    assert bench.transcription.submit(recording.id, CONFIG).job is not None
    bench.library.delete_recording(recording.id)
    assert bench.system.jobs().total == 0
    with bench.database.read() as session:
        assert session.scalars(select(Run)).all() == []
