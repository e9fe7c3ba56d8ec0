"""The slow or outside things the services need, as protocols; `core/infra` has the real ones, wired by `bootstrap`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from core.speech.config import TranscriptionConfig, VoiceActivityConfig
from core.speech.transcript import Segment
from core.speech.windows import SAMPLE_RATE_HZ, AudioWindow, Probabilities, Samples

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioTrack:
    """One audio stream of a media file."""

    #: Position among the file's audio streams, from 0.
    index: int
    codec: str
    sample_rate_hz: int
    channels: int
    #: ISO 639 code the file gives, or empty.
    language: str = ""
    #: Title the file gives, or empty.
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaInfo:
    """What a media file says about itself (not yet checked by decoding it)."""

    #: Container as FFmpeg names it, e.g. ``"mov,mp4,m4a,3gp,3g2,mj2"``.
    container: str
    #: Duration of the file by its header, or None if it gives none.
    duration_ms: int | None
    tracks: tuple[AudioTrack, ...]
    has_video: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodeSummary:
    """What one full pass over an audio track found."""

    #: Real duration, counted in decoded samples.
    duration_ms: int
    #: Largest absolute sample, 0 to 1.
    peak: float
    #: Root mean square of all samples, 0 to 1.
    rms: float
    #: Frames the decoder had to give up on; the rest was readable.
    damaged_frames: int = 0


class SampleStream(Protocol):
    """Iterator over a track's blocks of samples."""

    #: What the file says about itself.
    info: MediaInfo
    #: Frames the decoder had to give up on; complete once the iteration is at its end.
    damaged_frames: int

    def __iter__(self) -> Iterator[Samples]: ...

    def __next__(self) -> Samples: ...


class AudioReader(Protocol):
    """Reads untrusted media in a child process that has limits of time and memory."""

    def probe(self, path: Path) -> MediaInfo:
        """What is in the file. Raises a `MediaError` that says why it cannot be used."""
        ...

    def read(self, path: Path, *, track: int = 0, start_ms: int = 0) -> AbstractContextManager[SampleStream]:
        """Streams a track as blocks of samples (about a second each), from `start_ms` on, on the time line of a player:
        silence where the file has no sound yet, or a hole. Leaving the context ends the child process. Entering and
        iterating raise a `MediaError` where the file turns out bad."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowResult:
    """What was heard in one window, times counted from the start of the recording."""

    window_index: int
    start_ms: int
    end_ms: int
    segments: tuple[Segment, ...]


class VoiceActivityDetector(Protocol):
    """Tells speech from silence in a stream."""

    def probabilities(self, blocks: Iterable[Samples]) -> Iterator[tuple[Samples, Probabilities]]:
        """Yields each block of audio (re-blocked to whole frames) with the speech probability of each of its frames of
        `frame_samples`; the state is carried from block to block, so that memory stays flat."""
        ...


class ModelHandle(Protocol):
    """A loaded model, held for as long as its lease lasts."""

    @property
    def name(self) -> str:
        """The catalogue name it was asked for by."""
        ...

    @property
    def max_window_ms(self) -> int:
        """The longest audio it can take at once (its feature extractor's chunk length)."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """Engine, model revision, device and compute type: what is needed to get the same result again."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know of this run, e.g. a vocabulary that was cut."""
        ...

    def detect_language(self, samples: Samples) -> tuple[str, float]:
        """Code of the language spoken and its probability. English-only models answer ``("en", 1.0)``."""
        ...

    def transcribe(
        self, windows: Iterable[AudioWindow], config: TranscriptionConfig, *, language: str
    ) -> Iterator[tuple[WindowResult, ...]]:
        """Decodes windows as they come; yields the results of one window (accurate) or one batch (fast) at a time, so
        that the caller can store them and stop in between. Raises `OutOfMemoryError`."""
        ...


#: Told how many bytes of how many have come.
OnDownload = Callable[[int, int], None]


class ModelPool(Protocol):
    """Loads each model once however many ask for it, and lets it go when nobody does."""

    def lease(
        self, config: TranscriptionConfig, *, check: Callable[[], None] | None = None,
        on_download: OnDownload | None = None,
    ) -> AbstractContextManager[ModelHandle]:  # fmt: skip
        """The model for a config, downloaded and loaded if need be; it stays loaded at least until the context ends.

        Args:
            config: Names the model, and where and how it is to run.
            check: Called a few times a second while it has to wait for room; may end the wait by raising.
            on_download: Told how far a download is; may end it by raising, and the next one goes on from there.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredBytes:
    """A file that has come in but is not part of the store yet."""

    path: Path
    #: Hash of the whole content, 64 hex digits.
    sha256: str
    size_bytes: int


class MediaStore(Protocol):
    """Keeps original files and what is derived from them, by key. All of it may raise `StorageError`."""

    def stage(self, chunks: Iterable[bytes], *, max_bytes: int | None = None, expected_bytes: int = 0) -> StoredBytes:
        """Writes a new file beside the store, hashed on the way. Raises `MediaTooLargeError`, `EmptyMediaError`,
        `DiskFullError`; nothing stays then."""
        ...

    def discard(self, staged: Path) -> None:
        """Removes a staged file; no error if it is gone already."""
        ...

    def pending(self, keys: Sequence[str]) -> AbstractContextManager[Callable[[], None]]:
        """Notes that these keys' files may be there without a row that refers to them, until this ends without an
        exception, or the function it gives is called."""
        ...

    def recover(self) -> tuple[str, ...]:
        """Removes staged files of processes that are gone; returns the keys they had noted as pending."""
        ...

    def close(self) -> None:
        """Removes what this process has staged."""
        ...

    def path(self, key: str) -> Path:
        """Where the file is. Raises `MediaMissingError`."""
        ...

    def put(self, staged: Path, key: str) -> None:
        """Moves a staged file in, atomically. Doing it twice with the same key is harmless."""
        ...

    def delete(self, key: str) -> None:
        """Removes the file; no error if it is gone already."""
        ...


class JobContext(Protocol):
    """What a running job gets: its own record, a way to report, and the word to stop."""

    @property
    def job_id(self) -> int: ...

    @property
    def attempt(self) -> int: ...

    @property
    def payload(self) -> Mapping[str, Any]:
        """What was asked for; JSON values."""
        ...

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        """What the last `save` of this or an earlier attempt stored; empty at first."""
        ...

    def report(self, *, stage: str, done_ms: int = 0, total_ms: int = 0) -> None:
        """Says where the job is; cheap, written at most a few times a second. Raises like `check`."""
        ...

    def check(self) -> None:
        """Raises `JobCancelledError` if the user wants it to stop, `ShutdownRequested` if the process does,
        `LeaseLostError` if the job is no longer ours. Call it between windows."""
        ...

    def save(
        self, checkpoint: Mapping[str, Any], *, stage: str, done_ms: int, total_ms: int,
        write: Callable[[Session], None] | None = None,
    ) -> None:  # fmt: skip
        """Stores results and checkpoint in one transaction, only if the job is still ours in this attempt: after a
        crash the next attempt finds both or neither. Then does what `check` does."""
        ...


class JobHandler(Protocol):
    """Does the work of one kind of job. Must be able to start again from the checkpoint at any time."""

    def __call__(self, context: JobContext) -> Mapping[str, Any] | None:
        """Returns the job's result (JSON values), e.g. ``{"transcript_id": 7}``."""
        ...


class Executor(Protocol):
    """Takes jobs from the queue and runs them, somewhere."""

    def start(self) -> None: ...

    def stop(self, timeout_seconds: float) -> None:
        """Stops taking jobs; running ones go back to the queue at their checkpoint. Returns when they have."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it would notice a new job."""
        ...


class ShutdownRequested(BaseException):
    """The process is stopping: the job must end now; it will go on from its checkpoint later.

    Not an `Exception`, so that no handler's error handling takes it for a failure.
    """


__all__ = [
    "SAMPLE_RATE_HZ", "AudioReader", "AudioTrack", "AudioWindow", "DecodeSummary", "Executor", "JobContext",
    "JobHandler", "MediaInfo", "MediaStore", "ModelHandle", "ModelPool", "OnDownload", "SampleStream", "Samples",
    "ShutdownRequested", "StoredBytes", "VoiceActivityConfig", "VoiceActivityDetector", "WindowResult",
]  # fmt: skip
