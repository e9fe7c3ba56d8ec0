"""Reading transcripts: what versions a recording has, and their segments page by page."""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from pydantic import ValidationError
from sqlalchemy import Select, func, or_, select

from core.errors import NotFoundError
from core.infra.db import Database
from core.infra.tables import Config, Recording, Run, SegmentRow, TranscriptRow
from core.services.records import Page, TranscriptRecord
from core.speech.config import TranscriptionConfig
from core.speech.packing import unpack_words
from core.speech.transcript import Segment, Transcript

_log = structlog.get_logger(__name__)

#: Segments read at once when all are wanted: a few hundred kilobytes.
_BATCH = 500

_Versions = Select[TranscriptRow, Run, Config]


class TranscriptReader:
    """Transcripts as values. Also those that are still growing, and what a stopped run left."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, transcript_id: int) -> TranscriptRecord:
        """One version, without its segments. Raises `NotFoundError`."""
        with self._database.read() as session:
            found = session.execute(_versions().where(TranscriptRow.id == transcript_id)).one_or_none()
        if found is None:
            raise _missing(transcript_id)
        return _record(*found)

    def list_for(self, recording_id: int) -> tuple[TranscriptRecord, ...]:
        """All versions of a recording's transcript that have something in them, newest first."""
        with self._database.read() as session:
            found = session.execute(_of_recording(recording_id)).all()
        return tuple(_record(*row) for row in found)

    def latest(self, recording_id: int) -> TranscriptRecord | None:
        """The newest version that has something in it, if there is one."""
        with self._database.read() as session:
            found = session.execute(_of_recording(recording_id).limit(1)).one_or_none()
        return None if found is None else _record(*found)

    def segments(self, transcript_id: int, *, offset: int = 0, limit: int = 200) -> Page[Segment]:
        """A page of segments in order of time. Later pages cost no more than the first.

        Raises:
            NotFoundError: There is no such transcript.
            WordsUnreadableError: Stored words are damaged.
        """
        with self._database.read() as session:
            if session.get(TranscriptRow, transcript_id) is None:
                raise _missing(transcript_id)
            last = session.scalar(
                select(func.max(SegmentRow.position)).where(SegmentRow.transcript_id == transcript_id)
            )
            rows = session.scalars(_segments(transcript_id, offset, limit)).all()
        # Positions have no gaps: their last one tells how many there are, without counting.
        total = 0 if last is None else last + 1
        return Page(items=tuple(_segment(row) for row in rows), total=total, offset=offset)

    def position_at(self, transcript_id: int, time_ms: int) -> int:
        """Position of the segment that is heard at a time, or of the last one before it; 0 if there is none."""
        earlier = (
            select(SegmentRow.position)
            .where(SegmentRow.transcript_id == transcript_id, SegmentRow.start_ms <= time_ms)
            .order_by(SegmentRow.start_ms.desc(), SegmentRow.position.desc())
            .limit(1)
        )
        with self._database.read() as session:
            return session.scalar(earlier) or 0

    def iter_segments(self, transcript_id: int) -> Iterator[Segment]:
        """All segments in order of time, read in batches so that memory stays flat (B16). Raises like `segments`."""
        offset = 0
        while True:
            page = self.segments(transcript_id, offset=offset, limit=_BATCH)
            yield from page.items
            offset += len(page.items)
            if len(page.items) < _BATCH:
                return

    def load(self, transcript_id: int) -> Transcript:
        """The whole transcript at once; for long recordings prefer `iter_segments`. Raises like `segments`."""
        record = self.get(transcript_id)
        _, duration_ms = self.source(transcript_id)
        return Transcript(
            language=record.language, duration_ms=duration_ms, segments=tuple(self.iter_segments(transcript_id))
        )

    def source(self, transcript_id: int) -> tuple[str, int]:
        """Name and duration in milliseconds of the recording a transcript is of. Raises `NotFoundError`."""
        wanted = (
            select(Recording.name, Recording.duration_ms)
            .join(TranscriptRow, TranscriptRow.recording_id == Recording.id)
            .where(TranscriptRow.id == transcript_id)
        )
        with self._database.read() as session:
            found = session.execute(wanted).one_or_none()
        if found is None:
            raise _missing(transcript_id)
        return found.name, found.duration_ms


def _missing(transcript_id: int) -> NotFoundError:
    return NotFoundError(f"Transcript {transcript_id} is not there (any more). It may have been deleted.")


def _versions() -> _Versions:
    return (
        select(TranscriptRow, Run, Config)
        .outerjoin(Run, TranscriptRow.run_id == Run.id)
        .outerjoin(Config, Run.config_id == Config.id)
    )


def _of_recording(recording_id: int) -> _Versions:
    return (
        _versions()
        .where(TranscriptRow.recording_id == recording_id)
        # A run that has not got anywhere yet has a row already, but nothing to read.
        .where(or_(TranscriptRow.complete, TranscriptRow.done_ms > 0))
        .order_by(TranscriptRow.created_at.desc(), TranscriptRow.id.desc())
    )


def _segments(transcript_id: int, offset: int, limit: int) -> Select[SegmentRow]:
    return (
        select(SegmentRow)
        .where(SegmentRow.transcript_id == transcript_id, SegmentRow.position >= offset)
        .order_by(SegmentRow.position)
        .limit(limit)
    )


def _record(row: TranscriptRow, run: Run | None, config: Config | None) -> TranscriptRecord:
    return TranscriptRecord(
        id=row.id,
        recording_id=row.recording_id,
        run_id=row.run_id,
        author=row.author,
        language=row.language,
        language_probability=run.language_probability if run else None,
        complete=row.complete,
        done_ms=row.done_ms,
        word_count=row.word_count,
        created_at=row.created_at,
        config=_config(config),
        fingerprint=config.fingerprint if config else "",
        versions={name: str(value) for name, value in run.versions.items()} if run else {},
        warnings=tuple(str(item["message"]) for item in run.warnings) if run else (),
        audio_ms=run.audio_ms if run else 0,
        wall_ms=run.wall_ms if run else 0,
    )


def _config(row: Config | None) -> TranscriptionConfig | None:
    if row is None:
        return None
    try:
        return TranscriptionConfig.model_validate(row.params)
    except ValidationError:
        # Written by a newer version; its transcript can be read all the same.
        _log.warning("config_not_understood", config_id=row.id)
        return None


def _segment(row: SegmentRow) -> Segment:
    return Segment(
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        text=row.text,
        words=unpack_words(row.words, text=row.text, start_ms=row.start_ms),
        avg_logprob=row.avg_logprob,
        no_speech_probability=row.no_speech_probability,
        compression_ratio=row.compression_ratio,
    )
