"""Long recordings made from the sample, for measuring."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from core.demo import SAMPLE_DIR

RATE_HZ = 16_000


def sample_narration() -> npt.NDArray[np.int16]:
    """The sample narration as 16 kHz mono samples."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    with av.open(str(SAMPLE_DIR / "narration.flac")) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def write_repeated(path: Path, *, minutes: float, speech_share: float = 1.0) -> Path:
    """A WAV of the sample over and over.

    Args:
        path: Where to write it.
        minutes: Length of the file.
        speech_share: Share of the time that is the sample; the rest is faint noise between the repetitions.
    """
    sample = sample_narration()
    pause = np.random.default_rng(0).normal(0, 3, int(len(sample) * (1 / speech_share - 1))).astype(np.int16)
    left = int(minutes * 60 * RATE_HZ)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        while left > 0:
            for part in (sample, pause):
                file.writeframes(part[:left].tobytes())
                left -= min(left, len(part))
    return path
