"""Asking for a transcription: checked early, never computed twice unless asked (C5 C9 E2), also under concurrency."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from core.bootstrap import Workbench
from core.errors import NotFoundError, QueueFullError, UnknownModelError, ValidationFailedError
from core.infra.tables import Config, Run, SegmentRow, TranscriptRow
from core.services.records import RecordingRecord
from core.services.transcription import Submission
from core.speech.config import TranscriptionConfig
from core.speech.packing import WordsUnreadableError, pack_words
from core.speech.transcript import Segment, Word
from tests.services.speaking import bring_in, clip, working

CONFIG = TranscriptionConfig(model="demo", language="en")


@pytest.fixture
def bench(tmp_path: Path, database_url: str) -> Iterator[Workbench]:
    with working(tmp_path / "data", database_url=database_url, queue_limit=3) as bench:
        yield bench


@pytest.fixture
def recording(bench: Workbench, tmp_path: Path) -> RecordingRecord:
    return bring_in(bench, clip(tmp_path / "clip.wav", end_ms=3_900))


def count(bench: Workbench, table: Any) -> int:
    with bench.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def finish(bench: Workbench, submission: Submission, number: int = 3) -> None:
    """What the job's handler leaves behind, without listening to anything."""

    def row(position: int) -> dict[str, Any]:
        words = (Word(text=f"word{position}", start_ms=position * 10, end_ms=position * 10 + 9, probability=1.0),)
        segment = Segment(start_ms=position * 10, end_ms=position * 10 + 9, text=f"word{position}", words=words)
        return {
            "transcript_id": submission.transcript_id, "position": position, "start_ms": segment.start_ms,
            "end_ms": segment.end_ms, "text": segment.text, "words": pack_words(segment),
        }  # fmt: skip

    with bench.database.write() as session:
        session.execute(insert(SegmentRow), [row(position) for position in range(number)])
        transcript = session.get_one(TranscriptRow, submission.transcript_id)
        transcript.complete, transcript.done_ms, transcript.word_count, transcript.language = True, 3_900, number, "en"
        run = session.get_one(Run, transcript.run_id)
        run.versions, run.language = {"model_revision": bench.transcription._revision("demo")}, "en"
    assert submission.job is not None
    claim = bench.queue.claim(bench.queue.workers.register(slots=1), job_id=submission.job.id)
    assert claim is not None
    bench.queue.complete(claim)


def test_a_job_is_queued_with_its_config_stored_once(bench: Workbench, recording: RecordingRecord) -> None:
    first = bench.transcription.submit(recording.id, CONFIG, priority=-1, request_id="abc")
    assert first.job is not None
    assert (first.job.state, first.job.priority, first.job.request_id) == ("queued", -1, "abc")
    assert first.job.recording_id == recording.id
    assert TranscriptionConfig.model_validate(first.job.payload["config"]) == CONFIG
    second = bench.transcription.submit(recording.id, CONFIG.model_copy(update={"beam_size": 2}))
    assert second.job is not None
    assert second.job.id != first.job.id
    assert (count(bench, Config), count(bench, Run)) == (2, 2)
    # Nothing has been heard yet: there is nothing to show.
    assert bench.transcription.list_for(recording.id) == ()
    assert bench.transcription.latest(recording.id) is None
    assert not bench.transcription.get(first.transcript_id).complete


def test_an_equal_request_joins_the_job_that_waits(bench: Workbench, recording: RecordingRecord) -> None:
    first = bench.transcription.submit(recording.id, CONFIG)
    second = bench.transcription.submit(recording.id, CONFIG, force=True)
    assert (second.job, second.transcript_id, second.reused) == (first.job, first.transcript_id, False)
    assert count(bench, Run) == 1


def test_those_who_ask_at_the_same_moment_get_one_job(bench: Workbench, recording: RecordingRecord) -> None:
    found: list[Submission] = []
    barrier = threading.Barrier(6)

    def ask() -> None:
        barrier.wait()
        found.append(bench.transcription.submit(recording.id, CONFIG))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({submission.transcript_id for submission in found}) == 1
    assert len(found) == 6
    assert bench.system.jobs().total == count(bench, Run) == 1


def test_a_finished_result_is_handed_out_unless_it_is_forced(bench: Workbench, recording: RecordingRecord) -> None:
    first = bench.transcription.submit(recording.id, CONFIG)
    finish(bench, first)
    again = bench.transcription.submit(recording.id, CONFIG)
    assert (again.job, again.transcript_id, again.reused) == (None, first.transcript_id, True)
    forced = bench.transcription.submit(recording.id, CONFIG, force=True)
    assert forced.job is not None
    assert forced.transcript_id != first.transcript_id


def test_the_same_audio_in_another_project_is_not_computed_again(
    bench: Workbench, recording: RecordingRecord, tmp_path: Path
) -> None:
    """D1: recognised by content; the other project gets a copy of its own."""
    first = bench.transcription.submit(recording.id, CONFIG)
    finish(bench, first)
    other = bring_in(bench, clip(tmp_path / "same.wav", end_ms=3_900), title="Another project")
    assert other.id != recording.id
    copied = bench.transcription.submit(other.id, CONFIG)
    assert copied.reused
    assert copied.transcript_id != first.transcript_id
    assert list(bench.transcription.iter_segments(copied.transcript_id)) == list(
        bench.transcription.iter_segments(first.transcript_id)
    )
    assert bench.transcription.get(copied.transcript_id).config == CONFIG
    bench.library.delete_recording(recording.id)
    assert bench.transcription.segments(copied.transcript_id).total == 3


def test_a_result_of_another_model_revision_is_not_handed_out(bench: Workbench, recording: RecordingRecord) -> None:
    first = bench.transcription.submit(recording.id, CONFIG)
    finish(bench, first)
    with bench.database.write() as session:
        run = session.scalars(select(Run)).one()
        run.versions = {"model_revision": "older"}
    assert not bench.transcription.submit(recording.id, CONFIG).reused


def test_a_full_queue_leaves_nothing_behind(bench: Workbench, recording: RecordingRecord) -> None:
    """C9."""
    for beam_size in range(1, 4):
        bench.transcription.submit(recording.id, CONFIG.model_copy(update={"beam_size": beam_size}))
    with pytest.raises(QueueFullError):
        bench.transcription.submit(recording.id, CONFIG.model_copy(update={"beam_size": 9}))
    assert (count(bench, Run), count(bench, TranscriptRow), count(bench, Config)) == (3, 3, 3)


def test_a_cancelled_job_that_never_ran_is_replaced(bench: Workbench, recording: RecordingRecord) -> None:
    first = bench.transcription.submit(recording.id, CONFIG)
    assert first.job is not None
    bench.system.cancel(first.job.id)
    second = bench.transcription.submit(recording.id, CONFIG)
    assert second.job is not None
    assert second.job.state == "queued"


@pytest.mark.parametrize(
    ("change", "field"),
    [({"language": "xx"}, "Language"), ({"language": "de"}, "Language"), ({"task": "translate"}, "Task")],
)
def test_what_a_model_cannot_do_is_said_before_it_waits(
    bench: Workbench, recording: RecordingRecord, change: dict[str, str], field: str
) -> None:
    with pytest.raises(ValidationFailedError) as caught:
        bench.transcription.submit(recording.id, CONFIG.model_copy(update=change))
    assert caught.value.field == field
    assert bench.system.jobs().total == 0


def test_unknown_models_and_recordings_are_refused(bench: Workbench, recording: RecordingRecord) -> None:
    with pytest.raises(UnknownModelError):
        bench.transcription.submit(recording.id, CONFIG.model_copy(update={"model": "no-such-model"}))
    with pytest.raises(NotFoundError):
        bench.transcription.submit(10_000, CONFIG)
    for ask in (
        bench.transcription.get,
        bench.transcription.segments,
        bench.transcription.load,
        bench.transcription.source,
    ):
        with pytest.raises(NotFoundError):
            ask(10_000)  # type: ignore[operator]  # four methods of one shape
    with pytest.raises(NotFoundError):
        bench.transcription.default_config(10_000)


def test_pages_of_segments_fit_together(bench: Workbench, recording: RecordingRecord) -> None:
    """B16: read in pages by position; 1,234 segments take several batches."""
    submission = bench.transcription.submit(recording.id, CONFIG)
    finish(bench, submission, number=1_234)
    transcript_id = submission.transcript_id
    page = bench.transcription.segments(transcript_id, offset=1_200, limit=100)
    assert (page.total, page.offset, len(page.items)) == (1_234, 1_200, 34)
    assert page.items[0].text == "word1200"
    assert page.items[0].words[0].start_ms == 12_000
    whole = list(bench.transcription.iter_segments(transcript_id))
    assert [segment.text for segment in whole] == [f"word{number}" for number in range(1_234)]
    assert bench.transcription.load(transcript_id).segments == tuple(whole)
    assert bench.transcription.position_at(transcript_id, 5_005) == 500
    assert bench.transcription.position_at(transcript_id, 0) == 0
    assert bench.transcription.position_at(transcript_id, 99_999_999) == 1_233
    assert bench.transcription.source(transcript_id) == ("clip.wav", 3_900)


def test_damaged_words_are_an_error_not_nonsense(bench: Workbench, recording: RecordingRecord) -> None:
    submission = bench.transcription.submit(recording.id, CONFIG)
    finish(bench, submission)
    with bench.database.write() as session:
        session.scalars(select(SegmentRow)).first().words = b"\x01xx"  # type: ignore[union-attr]  # it is there
    with pytest.raises(WordsUnreadableError):
        bench.transcription.segments(submission.transcript_id)


def test_a_config_of_another_version_does_not_hide_its_transcript(bench: Workbench, recording: RecordingRecord) -> None:
    submission = bench.transcription.submit(recording.id, CONFIG)
    finish(bench, submission)
    with bench.database.write() as session:
        session.scalars(select(Config)).one().params = {"model": "demo", "from_the_future": 1}
    record = bench.transcription.get(submission.transcript_id)
    assert record.config is None
    assert record.complete


def test_defaults_follow_what_is_recorded_and_what_the_user_prefers(bench: Workbench, tmp_path: Path) -> None:
    """Verbatim for narration, smoother text for the rest; everything else as the Settings page says."""
    bench.preferences.set_transcription_defaults(TranscriptionConfig(model="small", beam_size=2))
    interview = bench.library.create_project("Interview", kind="conversation")
    talk = bench.importing.import_file(interview.id, clip(tmp_path / "talk.wav", end_ms=1_500)).recording
    config = bench.transcription.default_config(talk.id)
    assert (config.model, config.beam_size, config.verbatim) == ("small", 2, False)
    assert bench.transcription.default_config().verbatim
    assert not bench.transcription.default_config(kind="other").verbatim
    bench.preferences.reset_transcription_defaults()
    assert bench.preferences.transcription_defaults() == TranscriptionConfig(model="demo")


def test_preferences_of_another_version_fall_back_to_the_defaults(bench: Workbench) -> None:
    bench.preferences._set("transcription_defaults", {"model": "small", "from_the_future": 1})
    assert bench.preferences.transcription_defaults() == TranscriptionConfig(model="demo")


def test_the_sample_is_offered_its_own_model_whatever_is_preferred(bench: Workbench) -> None:
    bench.preferences.set_transcription_defaults(
        TranscriptionConfig(model="large-v3-turbo", language="de", task="translate", beam_size=2)
    )
    sample = bench.sample.ensure()
    recording = bench.library.list_recordings(project_id=sample.id).items[0]
    config = bench.transcription.default_config(recording.id)
    assert (config.model, config.beam_size) == ("demo", 2)
    assert config == bench.transcription.default_config(kind=sample.kind, is_sample=True)
    bench.transcription.validate(config)
    assert bench.transcription.default_config().model == "large-v3-turbo"
