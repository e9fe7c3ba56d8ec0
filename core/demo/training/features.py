"""Sound to the features Whisper hears: resampling, log-mel power, and where words end. Numpy only."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: Samples a second that Whisper works on.
SAMPLE_RATE = 16000
#: Samples between two mel frames (10 ms).
HOP = 160
#: Mel frames a second.
FRAMES_PER_S = SAMPLE_RATE // HOP
#: Mel channels.
MELS = 80
#: Power floor of the log: log10(1e-10), as in Whisper.
LOG_FLOOR = -10.0

_WINDOW = 400
_RESAMPLE_BLOCK = 441  # 22050 : 16000 = 441 : 320

FloatArray = NDArray[np.float32]


def resample(samples: FloatArray, rate: int) -> FloatArray:
    """Resample to 16 kHz by cutting the spectrum; ``rate`` must be 22050 (eSpeak NG) or already 16000."""
    if rate == SAMPLE_RATE:
        return samples
    if rate != 22050:
        raise ValueError(f"can only resample 22050 Hz, not {rate} Hz")
    blocks = -(-len(samples) // _RESAMPLE_BLOCK)
    blocks = -(-blocks // 16) * 16  # lengths with small prime factors keep the transform fast
    source = np.zeros(blocks * _RESAMPLE_BLOCK, np.float32)
    source[: len(samples)] = samples
    target = blocks * 320
    spectrum = np.fft.rfft(source)[: target // 2 + 1]
    resampled = np.fft.irfft(spectrum, target) * (target / len(source))
    return resampled[: round(len(samples) * SAMPLE_RATE / rate)].astype(np.float32)


@lru_cache(maxsize=1)
def _filters() -> FloatArray:
    from faster_whisper.feature_extractor import FeatureExtractor

    return np.ascontiguousarray(FeatureExtractor(feature_size=MELS).mel_filters, dtype=np.float32)


def raw_log_mel(samples: FloatArray) -> FloatArray:
    """Log10 mel power, frames x 80, before Whisper's clamp: the same maths as ``faster_whisper.FeatureExtractor``."""
    padded = np.pad(np.pad(samples, (0, HOP)), _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP][:-1]
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window, axis=1)).astype(np.float32) ** 2
    return np.log10(np.maximum(power @ _filters().T, 1e-10)).astype(np.float32)


def normalise_log_mel(log_mel: FloatArray) -> FloatArray:
    """Whisper's dynamic range clamp and scaling; a window's features as the model receives them."""
    return (np.maximum(log_mel, log_mel.max() - 8.0) + 4.0) / 4.0


def word_ends_at(samples: FloatArray, rate: int, starts_s: tuple[float, ...]) -> tuple[float, ...]:
    """End of each word in seconds: the last 5 ms block above 1 % of the loud level before the next word starts.

    A pause after a word is no part of it, though eSpeak NG reports starts only.
    """
    block = rate // 200
    count = len(samples) // block
    level = np.sqrt((samples[: count * block].reshape(count, block) ** 2).mean(axis=1))
    threshold = 0.01 * np.percentile(level, 95)
    ends = []
    for start, limit in zip(starts_s, (*starts_s[1:], len(samples) / rate), strict=True):
        last, first = min(int(limit * rate / block), count), int(start * rate / block)
        while last > first + 6 and level[last - 1] < threshold:
            last -= 1
        ends.append(min(limit, last * block / rate))
    return tuple(ends)


def word_ends(samples: FloatArray, starts_s: tuple[float, ...]) -> tuple[float, ...]:
    """`word_ends_at` for sound at 16 kHz."""
    return word_ends_at(samples, SAMPLE_RATE, starts_s)
