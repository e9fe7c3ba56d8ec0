"""Stores what a transcription job hears, each time together with the checkpoint that says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from core.infra.tables import Run, SegmentRow, TranscriptRow
from core.infra.tables.base import now
from core.ports import JobContext, ModelHandle, WindowResult
from core.speech.config import TranscriptionConfig
from core.speech.languages import language_name
from core.speech.packing import pack_words
from core.speech.transcript import Segment

#: Below this probability the user is told that the language is a guess.
_SURE_OF_LANGUAGE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """Where a transcription is; stored with the job as JSON, in one transaction with the segments."""

    #: First window still to be decoded.
    window: int = 0
    #: Position of the next segment.
    position: int = 0
    words: int = 0
    #: The recording is transcribed up to here.
    done_ms: int = 0
    #: Language spoken, given or detected; empty until known.
    language: str = ""
    language_probability: float | None = None
    #: Whether the last window ended because the file could not be read further.
    cut_short: bool = False


class TranscriptWriter:
    """Writes one run's transcript.

    Args:
        context: The job; its checkpoint is where we go on.
        config: The settings of the run.
        total_ms: Duration of the recording.
    """

    def __init__(self, context: JobContext, config: TranscriptionConfig, *, total_ms: int) -> None:
        self._context, self._config, self._total_ms = context, config, total_ms
        self._run_id = int(context.payload["run_id"])
        self._transcript_id = int(context.payload["transcript_id"])
        self._clock = time.monotonic()
        self.at = Checkpoint(**context.checkpoint)

    def start_clock(self) -> None:
        """Wall time counts from here on."""
        self._clock = time.monotonic()

    def report(self, stage: str) -> None:
        """Says what the job is doing. Raises if it is to stop."""
        self._context.report(stage=stage, done_ms=self.at.done_ms, total_ms=self._total_ms)

    def report_download(self, done_bytes: int, total_bytes: int) -> None:
        """Says how far the model's download is. Raises if the job is to stop."""
        share = done_bytes / total_bytes if total_bytes else 0.0
        self.report(f"Downloading the model ({share:.0%})")

    def set_language(self, language: str, probability: float | None = None) -> None:
        """The language spoken, to be stored with the next window."""
        self.at = replace(self.at, language=language, language_probability=probability)

    def store(self, model: ModelHandle, results: Sequence[WindowResult], *, cut_short: bool = False) -> None:
        """Adds the segments of some windows. Raises if the job is to stop; they are stored then all the same.

        Args:
            model: What made them.
            results: The windows, in order.
            cut_short: Whether the stream ended before its time, so that the last window is not a whole one.
        """
        if not results:
            return
        segments = [kept for result in results for segment in result.segments if (kept := _storable(segment)).text]
        first = self.at.position
        rows = [_row(self._transcript_id, first + number, segment) for number, segment in enumerate(segments)]
        self.at = replace(
            self.at,
            window=results[-1].window_index + 1,
            cut_short=cut_short,
            position=first + len(rows),
            words=self.at.words + sum(len(segment.words) or len(segment.text.split()) for segment in segments),
            done_ms=min(max(self.at.done_ms, results[-1].end_ms), self._total_ms),
        )
        wall_ms = self._lap_ms()

        def write(session: Session) -> None:
            if rows:
                session.execute(insert(SegmentRow), rows)
            self._update(session, model, wall_ms)

        self._save("Transcribing", write)

    def finish(self, model: ModelHandle) -> Mapping[str, Any]:
        """Marks the transcript as complete; returns the job's result."""
        self.at = replace(self.at, done_ms=self._total_ms)
        wall_ms = self._lap_ms()

        def write(session: Session) -> None:
            self._update(session, model, wall_ms)
            session.execute(update(TranscriptRow).where(TranscriptRow.id == self._transcript_id).values(complete=True))
            session.execute(update(Run).where(Run.id == self._run_id).values(finished_at=now()))

        self._save("Done", write)
        return {
            "transcript_id": self._transcript_id, "segments": self.at.position, "words": self.at.words,
            "language": self.at.language,
        }  # fmt: skip

    def start_over(self, reason: str) -> None:
        """Forgets what earlier attempts did; `reason` ends the sentence "Starting over, ..."."""
        self.at = Checkpoint()

        def forget(session: Session) -> None:
            session.execute(delete(SegmentRow).where(SegmentRow.transcript_id == self._transcript_id))
            session.execute(
                update(TranscriptRow).where(TranscriptRow.id == self._transcript_id).values(done_ms=0, word_count=0)
            )
            session.execute(update(Run).where(Run.id == self._run_id).values(audio_ms=0, wall_ms=0))

        self._save(f"Starting over, {reason}", forget)

    def _update(self, session: Session, model: ModelHandle, wall_ms: int) -> None:
        at = self.at
        translated = self._config.task == "translate" and at.language
        session.execute(
            update(TranscriptRow)
            .where(TranscriptRow.id == self._transcript_id)
            .values(done_ms=at.done_ms, word_count=at.words, language="en" if translated else at.language)
        )
        session.execute(
            update(Run)
            .where(Run.id == self._run_id)
            .values(
                versions=dict(model.versions),
                warnings=[{"message": message} for message in self._warnings(model)],
                language=at.language,
                language_probability=at.language_probability,
                audio_ms=at.done_ms,
                wall_ms=Run.wall_ms + wall_ms,
            )
        )

    def _warnings(self, model: ModelHandle) -> Iterator[str]:
        yield from model.warnings
        at = self.at
        if at.language_probability is not None and at.language_probability < _SURE_OF_LANGUAGE:
            yield (
                f"The language was taken for {language_name(at.language)}, with a probability of only "
                f"{at.language_probability:.0%}. If that is wrong, choose the language and transcribe again."
            )
        if at.done_ms >= self._total_ms and not at.position:
            yield "No speech was found in this recording. A lower speech threshold may find quieter speech."

    def _lap_ms(self) -> int:
        before, self._clock = self._clock, time.monotonic()
        return round((self._clock - before) * 1_000)

    def _save(self, stage: str, write: Callable[[Session], None]) -> None:
        self._context.save(asdict(self.at), stage=stage, done_ms=self.at.done_ms, total_ms=self._total_ms, write=write)


def _storable(segment: Segment) -> Segment:
    """PostgreSQL refuses NUL in text, and no database takes half a surrogate pair; a recognizer may give either when it
    hears noise."""
    words = tuple(replace(word, text=_clean(word.text)) for word in segment.words)
    return replace(
        segment, text=_clean(segment.text).strip(), words=words, end_ms=max(segment.start_ms, segment.end_ms)
    )


def _clean(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _row(transcript_id: int, position: int, segment: Segment) -> dict[str, Any]:
    return {
        "transcript_id": transcript_id,
        "position": position,
        "start_ms": segment.start_ms,
        "end_ms": segment.end_ms,
        "text": segment.text,
        "words": pack_words(segment),
        "avg_logprob": segment.avg_logprob,
        "no_speech_probability": segment.no_speech_probability,
        "compression_ratio": segment.compression_ratio,
    }
