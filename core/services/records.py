"""What services hand out: frozen values, never database rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.infra.jobs.records import JobRecord, Throughput, WorkerRecord
from core.paging import Page
from core.ports import AudioTrack
from core.speech.config import TranscriptionConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectRecord:
    """A project, with what a list of projects shows of it."""

    id: int
    title: str
    #: ``"narration"``, ``"conversation"`` or ``"other"``.
    kind: str
    is_sample: bool
    archived: bool
    recording_count: int
    duration_ms: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingRecord:
    """A recording, with the state of its transcription."""

    id: int
    project_id: int
    position: int
    name: str
    sha256: str
    size_bytes: int
    duration_ms: int
    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    audio_track: int
    has_video: bool
    media_key: str
    peaks_key: str
    #: What import noticed, in words for the user.
    notes: tuple[str, ...]
    created_at: datetime
    #: Newest transcript with at least a part done, if any.
    transcript_id: int | None = None
    #: Whether there is a transcript of the whole recording, whatever became of later tries.
    transcribed: bool = False
    #: State of the newest transcription job, or empty if there never was one.
    job_state: str = ""
    job_id: int | None = None
    #: 0 to 1 while a job runs.
    progress: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptRecord:
    """A transcript version and the run that made it, without its segments."""

    id: int
    recording_id: int
    run_id: int | None
    author: str
    language: str
    language_probability: float | None
    complete: bool
    #: The recording is transcribed up to here.
    done_ms: int
    word_count: int
    created_at: datetime
    #: The settings that made it; None for versions not made by a run.
    config: TranscriptionConfig | None = None
    fingerprint: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    audio_ms: int = 0
    wall_ms: int = 0

    @property
    def real_time_factor(self) -> float | None:
        """Wall time over audio time; smaller is faster. None before anything was done."""
        return self.wall_ms / self.audio_ms if self.audio_ms else None


__all__ = [
    "AudioTrack",
    "JobRecord",
    "Page",
    "ProjectRecord",
    "RecordingRecord",
    "Throughput",
    "TranscriptRecord",
    "WorkerRecord",
]
