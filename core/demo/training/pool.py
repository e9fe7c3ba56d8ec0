"""A pool of spoken sentences on disk: log-mel frames in one flat file, what was said and when in another.

Synthesis is fast (hundreds of times real time on one core), so a pool of tens of hours takes minutes. Frames are kept
as float16 and memory-mapped; training cuts and mixes them into windows (:mod:`core.demo.training.windows`).
"""

import json
import logging
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.demo.training.espeak import Espeak, Utterance, Voice
from core.demo.training.features import FRAMES_PER_S, MELS, SAMPLE_RATE, FloatArray, raw_log_mel, resample, word_ends
from core.demo.training.text import Corpus
from core.demo.training.voices import draw_voice

log = logging.getLogger(__name__)

_FRAMES, _INDEX = "frames.f16", "sentences.jsonl"


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """One synthesised sentence, trimmed to a short margin around the speech, loudest sample at 0.5."""

    text: str
    voice: Voice
    samples: FloatArray
    #: Start and end of each word in seconds.
    times_s: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Index line of one pooled sentence."""

    text: str
    voice: str
    offset: int
    frames: int
    times_s: tuple[tuple[float, float], ...]


def trim(utterance: Utterance, text: str, voice: Voice) -> Spoken | None:
    """Resample, cut to the speech and scale; None when there is next to no sound."""
    samples = resample(utterance.samples, utterance.sample_rate)
    if len(samples) < SAMPLE_RATE // 20 or float(np.abs(samples).max()) < 1e-3:
        return None
    ends = word_ends(samples, utterance.starts_s)
    first = max(0.0, utterance.starts_s[0] - 0.04)
    last = min(len(samples) / SAMPLE_RATE, ends[-1] + 0.06)
    cut = samples[int(first * SAMPLE_RATE) : int(last * SAMPLE_RATE)]
    times = tuple((start - first, end - first) for start, end in zip(utterance.starts_s, ends, strict=True))
    return Spoken(text=text, voice=voice, samples=cut * (0.5 / float(np.abs(cut).max())), times_s=times)


def say(engine: Espeak, text: str, voice: Voice) -> Spoken | None:
    """Synthesise one sentence."""
    return trim(engine.speak(text, voice), text, voice)


def synthesise_pool(folder: Path, hours: float, seed: int) -> float:
    """Fill ``folder`` with about ``hours`` of new sentences. Returns the seconds of speech written."""
    engine, corpus, source = Espeak(), Corpus(seed), random.Random(seed + 1)
    folder.mkdir(parents=True, exist_ok=True)
    seconds, offset, started, reported = 0.0, 0, time.monotonic(), time.monotonic()
    with (folder / _FRAMES).open("wb") as frames, (folder / _INDEX).open("w", encoding="utf-8") as index:
        while seconds < hours * 3600:
            text, _ = corpus.draw()
            spoken = say(engine, text, draw_voice(source))
            if spoken is None:
                continue
            log_mel = raw_log_mel(spoken.samples).astype(np.float16)
            frames.write(log_mel.tobytes())
            times = tuple((round(start, 4), round(end, 4)) for start, end in spoken.times_s)
            entry = Entry(text=text, voice=spoken.voice.name, offset=offset, frames=len(log_mel), times_s=times)
            index.write(json.dumps(asdict(entry)) + "\n")
            offset += len(log_mel)
            seconds += len(spoken.samples) / SAMPLE_RATE
            if time.monotonic() - reported > 30:
                reported = time.monotonic()
                log.info("synthesised %.2f h, %.0f x real time", seconds / 3600, seconds / (reported - started))
    return seconds


def _entries(folder: Path) -> Iterator[Entry]:
    for line in (folder / _INDEX).read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        fields["times_s"] = tuple((start, end) for start, end in fields["times_s"])
        yield Entry(**fields)


class Pool:
    """Read side of one or more pool folders."""

    def __init__(self, folders: list[Path], longest_s: float = 11.0) -> None:
        self._maps: list[NDArray[np.float16]] = []
        self._items: list[tuple[int, Entry]] = []
        self.by_voice: dict[str, list[int]] = {}
        for number, folder in enumerate(folders):
            entries = list(_entries(folder))
            shape = (entries[-1].offset + entries[-1].frames, MELS)
            self._maps.append(np.memmap(folder / _FRAMES, dtype=np.float16, mode="r", shape=shape))
            self._items += [(number, entry) for entry in entries if entry.frames < longest_s * FRAMES_PER_S]
        for index, (_, entry) in enumerate(self._items):
            self.by_voice.setdefault(entry.voice, []).append(index)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def hours(self) -> float:
        """Hours of speech."""
        return sum(entry.frames for _, entry in self._items) / FRAMES_PER_S / 3600

    def entry(self, index: int) -> Entry:
        """What sentence ``index`` says."""
        return self._items[index][1]

    def log_mel(self, index: int) -> FloatArray:
        """Raw log-mel of sentence ``index``, frames x 80."""
        number, entry = self._items[index]
        return np.asarray(self._maps[number][entry.offset : entry.offset + entry.frames], dtype=np.float32)
