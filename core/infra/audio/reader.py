"""The audio reader of the app: media of unknown origin, read in a child process with limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import CorruptMediaError, EmptyMediaError, MediaMissingError
from core.infra.audio.process import DecoderProcess
from core.infra.decoder import frames
from core.ports import AudioTrack, MediaInfo, Samples
from core.settings import Settings

_MS_PER_HOUR = 3_600_000
_MOST_TRACKS = 256


class PyAvAudioReader:
    """Probes and decodes with FFmpeg's libraries (PyAV), never in this process.

    The child gets the open file and a pipe, nothing else: it has limits of memory and processor time, cannot write
    files, and (but for Windows) cannot open files or connections. macOS does not keep the limit of memory, Windows has
    none of the limits but that of time. A child that crashes or hangs is a `MediaError` here, never more.

    Args:
        settings: Limits of time, memory and duration.
    """

    def __init__(self, settings: Settings) -> None:
        self._patience_seconds = settings.decode_timeout_seconds
        self._limits = {
            "memory_bytes": settings.decode_memory_bytes,
            "cpu_seconds": settings.decode_timeout_seconds,
            "max_duration_ms": settings.max_duration_hours * _MS_PER_HOUR,
        }

    def probe(self, path: Path) -> MediaInfo:
        """What is in the file.

        Raises:
            MediaError: It is no recording that can be used; the class says why.
            MediaMissingError: There is no such file.
        """
        with self._start(path, mode="probe") as process:
            return _receive_info(process)

    @contextmanager
    def read(self, path: Path, *, track: int = 0, start_ms: int = 0) -> Iterator[SampleReader]:
        """Streams a track as blocks of about a second, mono, 16 kHz, from `start_ms` on; see `core.ports.AudioReader`.

        The samples are on the time line of a player: where the file has no sound yet or a hole, there is silence.

        Raises:
            MediaError: On entering or while iterating; the class says why.
            MediaMissingError: There is no such file.
        """
        with self._start(path, mode="read", track=track, start_ms=max(0, start_ms)) as process:
            yield SampleReader(process)

    def _start(self, path: Path, **request: Any) -> DecoderProcess:
        try:
            empty = path.stat().st_size == 0
        except OSError as error:
            raise MediaMissingError(f"The file {path.name} cannot be opened: {error.strerror}.") from error
        if not path.is_file():
            raise MediaMissingError(f"{path.name} is not a file.")
        if empty:
            raise EmptyMediaError("The file is empty. If it was copied or downloaded, try that again.")
        return DecoderProcess(path, {**self._limits, **request}, patience_seconds=self._patience_seconds)


class SampleReader:
    """Iterator over the blocks of a track."""

    def __init__(self, process: DecoderProcess) -> None:
        self._process = process
        #: What the file says about itself.
        self.info = _receive_info(process)
        #: Frames the decoder had to give up on; complete once the iteration is at its end.
        self.damaged_frames = 0

    def __iter__(self) -> Iterator[Samples]:
        return self

    def __next__(self) -> Samples:
        while True:
            kind, payload = self._process.receive()
            if kind == frames.MESSAGE:
                self.damaged_frames = _natural(json.loads(payload), "damaged")
                raise StopIteration
            if len(payload) % 4:
                raise CorruptMediaError("The file is damaged: reading it gave something that is not sound.")
            if payload:  # empty ones are a sign of life while what comes before the start is skipped
                return _clean(np.frombuffer(payload, dtype="<f4"))


def _clean(samples: Samples) -> Samples:
    """Decoders of damaged floating-point audio may give anything; detectors and models must not get it."""
    if np.isfinite(samples).all():
        return np.clip(samples, -1.0, 1.0)
    return np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)


def _receive_info(process: DecoderProcess) -> MediaInfo:
    """The child's first message. What it says is checked: by now it has looked at untrusted bytes."""
    kind, payload = process.receive()
    message = frames.parse_message(payload) if kind == frames.MESSAGE else {}
    tracks = message.get("tracks")
    if message.get("type") != "info" or not isinstance(tracks, list) or not tracks:
        raise CorruptMediaError("The file is damaged: it cannot be told what is in it.")
    return MediaInfo(
        container=_text(message, "container", 100),
        duration_ms=_natural(message, "duration_ms") or None,
        tracks=tuple(_track(index, track) for index, track in enumerate(tracks[:_MOST_TRACKS])),
        has_video=message.get("has_video") is True,
    )


def _track(index: int, track: Mapping[str, Any]) -> AudioTrack:
    return AudioTrack(
        index=index, codec=_text(track, "codec", 50), sample_rate_hz=_natural(track, "sample_rate_hz"),
        channels=_natural(track, "channels"), language=_text(track, "language", 20), title=_text(track, "title", 200),
    )  # fmt: skip


def _text(message: Mapping[str, Any], key: str, length: int) -> str:
    value = message.get(key, "")
    return "".join(char for char in str(value) if char.isprintable())[:length]


def _natural(message: Mapping[str, Any], key: str) -> int:
    value = message.get(key)
    return value if isinstance(value, int) and 0 <= value < 1 << 31 else 0
