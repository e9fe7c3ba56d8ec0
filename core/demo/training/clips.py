"""Cutting and bending spoken sentences in the log-mel domain, with their word times."""

import random
from dataclasses import dataclass

import numpy as np

from core.demo.training.features import FRAMES_PER_S, LOG_FLOOR, MELS, FloatArray, raw_log_mel
from core.demo.training.pool import Pool

#: Silence is written as this log-mel value before noise is added.
_SILENCE = LOG_FLOOR


@dataclass(frozen=True)
class Word:
    """A written word and its place in mel frames (10 ms)."""

    written: str
    start: float
    end: float

    def moved(self, frames: float, factor: float = 1.0) -> "Word":
        """The same word, stretched about zero and then shifted."""
        return Word(self.written, self.start * factor + frames, self.end * factor + frames)


@dataclass(frozen=True)
class Clip:
    """A stretch of speech: raw log-mel, frames x 80, and its words."""

    log_mel: FloatArray
    words: tuple[Word, ...]

    def __len__(self) -> int:
        return len(self.log_mel)

    def part(self, first: int, last: int, before: float = 0.0) -> "Clip":
        """Words ``first`` up to ``last`` (exclusive); ``before`` keeps that share of the previous word, unheard."""
        begin = 0.0 if first == 0 else self.words[first].start
        if before and first:
            begin -= before * (begin - self.words[first - 1].start)
        begin_frame = round(begin)
        end = len(self) if last == len(self.words) else round(min(self.words[last - 1].end + 2, self.words[last].start))
        words = tuple(word.moved(-begin_frame) for word in self.words[first:last])
        return Clip(self.log_mel[begin_frame : max(end, begin_frame + 1)], words)

    def stretched(self, factor: float) -> "Clip":
        """Slower (> 1) or faster, at the same pitch."""
        count = max(4, round(len(self) * factor))
        return Clip(_interpolate(self.log_mel, count), tuple(word.moved(0, factor) for word in self.words))

    def warped(self, factor: float) -> "Clip":
        """Vocal tract length changed: the mel axis is scaled."""
        at = np.clip(np.arange(MELS) * factor, 0, MELS - 1)
        low = np.floor(at).astype(int)
        share = (at - low).astype(np.float32)
        high = np.minimum(low + 1, MELS - 1)
        return Clip(self.log_mel[:, low] * (1 - share) + self.log_mel[:, high] * share, self.words)


def _interpolate(log_mel: FloatArray, count: int) -> FloatArray:
    at = np.linspace(0, len(log_mel) - 1, count)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(log_mel) - 1)
    share = (at - low).astype(np.float32)[:, None]
    return log_mel[low] * (1 - share) + log_mel[high] * share


def clip_of(pool: Pool, index: int) -> Clip:
    """One pooled sentence as a clip."""
    entry = pool.entry(index)
    times = zip(entry.text.split(), entry.times_s, strict=True)
    words = tuple(Word(word, start * FRAMES_PER_S, end * FRAMES_PER_S) for word, (start, end) in times)
    return Clip(pool.log_mel(index), words)


def silence(frames: int) -> FloatArray:
    """Digital silence."""
    return np.full((frames, MELS), _SILENCE, np.float32)


class Noise:
    """Room-like noise as mel power: white, pink, brown, between, and mains hum, each of unit power."""

    def __init__(self, seed: int, seconds: int = 40) -> None:
        self._random = random.Random(seed)
        source = np.random.default_rng(seed)
        count = 16000 * seconds
        self._kinds: list[FloatArray] = []
        for slope in (0.0, 1.0, 2.0, 0.5):
            spectrum = np.fft.rfft(source.standard_normal(count))
            spectrum /= np.maximum(np.arange(len(spectrum)), 40) ** (slope / 2)
            self._add(np.fft.irfft(spectrum, count))
        time_s = np.arange(count) / 16000
        hum = sum(np.sin(2 * np.pi * 50 * harmonic * time_s) / harmonic for harmonic in (1, 2, 3, 5))
        self._add(np.asarray(hum) + 0.05 * source.standard_normal(count))

    def _add(self, samples: np.ndarray) -> None:
        scaled = (samples / np.sqrt((samples**2).mean())).astype(np.float32)
        self._kinds.append(np.power(10.0, raw_log_mel(scaled)).astype(np.float32))

    def power(self, frames: int) -> FloatArray:
        """A random stretch of mel power; ``frames`` at most 40 s."""
        kind = self._random.choice(self._kinds)
        start = self._random.randrange(max(1, len(kind) - frames))
        return kind[start : start + frames]
