"""Short recordings of the sample's voice, and a Workbench to transcribe them with."""

from __future__ import annotations

import functools
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from core.bootstrap import Workbench, build_workbench
from core.services.records import RecordingRecord
from core.settings import Settings
from tests.bench.audio import RATE_HZ, sample_narration

#: Ends in the pause after the second sentence, which was begun twice.
CLIP_MS = 10_600
CLIP_TEXT = (
    "the old keeper lived in a stone house near the harbour "
    "every morning he walked every morning he walked down to the water and looked at the boats"
)


@functools.cache
def narration() -> np.ndarray:
    """The sample narration, 16 kHz mono."""
    return sample_narration()


def write_wav(path: Path, samples: np.ndarray) -> Path:
    """Samples at 16 kHz as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def clip(path: Path, *, end_ms: int = CLIP_MS) -> Path:
    """The beginning of the narration as a WAV file."""
    return write_wav(path, narration()[: end_ms * RATE_HZ // 1_000])


@contextmanager
def working(data_dir: Path, *, database_url: str = "", workers: bool = False, **settings: Any) -> Iterator[Workbench]:
    """A started Workbench without the sample project; stopped at the end."""
    bench = build_workbench(Settings(data_dir=data_dir, database_url=database_url, offline=True, **settings))
    bench.start(workers=workers)
    try:
        yield bench
    finally:
        bench.stop()


def bring_in(bench: Workbench, path: Path, *, title: str = "Tests") -> RecordingRecord:
    """A file as a recording of a new project."""
    return bench.importing.import_file(bench.library.create_project(title).id, path).recording
