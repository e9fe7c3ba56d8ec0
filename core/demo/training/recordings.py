"""Evaluation recordings: sentences one after another with pauses and retakes, and when each word is said."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.demo.training.espeak import Espeak
from core.demo.training.features import SAMPLE_RATE, FloatArray
from core.demo.training.pool import Spoken, say
from core.demo.training.scoring import SpokenWord
from core.demo.training.text import normalise
from core.demo.training.voices import draw_voice


@dataclass(frozen=True, kw_only=True)
class Recording:
    """About a minute of speech at 16 kHz."""

    samples: FloatArray
    words: tuple[SpokenWord, ...]


def speak_all(engine: Espeak, sentences: Sequence[str], source: random.Random, *, unseen: bool) -> list[Spoken]:
    """Speak every sentence once, each in a voice of its own; `unseen` draws speakers kept out of training."""
    spoken = (say(engine, text, draw_voice(source, held_out=unseen)) for text in sentences)
    return [sentence for sentence in spoken if sentence is not None]


class _Reel:
    def __init__(self, source: random.Random) -> None:
        self._source = source
        self.parts: list[FloatArray] = []
        self.words: list[SpokenWord] = []
        self.samples = 0

    def pause(self, shortest_s: float, longest_s: float) -> None:
        self._add(np.zeros(int(self._source.uniform(shortest_s, longest_s) * SAMPLE_RATE), np.float32))

    def _add(self, samples: FloatArray) -> None:
        self.parts.append(samples)
        self.samples += len(samples)

    def say(self, sentence: Spoken, words: int | None = None) -> None:
        """The sentence, or only its first `words` words, which are then said again."""
        texts = sentence.text.split()
        count = len(texts) if words is None else words
        start_ms = 1000 * self.samples / SAMPLE_RATE
        for text, (begin, _) in list(zip(texts, sentence.times_s, strict=True))[:count]:
            at_ms = round(start_ms + 1000 * begin)
            self.words.append(SpokenWord(word=normalise(text), start_ms=at_ms, repeated=words is not None))
        end = len(sentence.samples)
        if count < len(texts):
            end = int(min(sentence.times_s[count - 1][1] + 0.02, sentence.times_s[count][0]) * SAMPLE_RATE)
        self._add(sentence.samples[:end])


def record(
    sentences: Sequence[Spoken], source: random.Random, *, retakes: bool, length_s: float = 55
) -> list[Recording]:
    """Put sentences together with pauses of 0.25-1 s and a little room noise; `retakes` gives 60 % a false start."""
    noise = np.random.default_rng(source.randrange(1 << 30))
    recordings: list[Recording] = []
    reel = _Reel(source)
    for number, sentence in enumerate(sentences):
        if not reel.parts:
            reel.pause(0.2, 0.6)
        count = len(sentence.times_s)
        if retakes and count > 3 and source.random() < 0.6:
            reel.say(sentence, source.randint(2, count - 1))
            reel.pause(0.15, 0.8)
        reel.say(sentence)
        reel.pause(0.25, 1.0)
        if reel.samples > length_s * SAMPLE_RATE or number + 1 == len(sentences):
            samples = np.concatenate(reel.parts)
            level = 10 ** noise.uniform(-4, -2.7)
            samples = samples + level * noise.standard_normal(len(samples)).astype(np.float32)
            recordings.append(Recording(samples=samples.astype(np.float32), words=tuple(reel.words)))
            reel = _Reel(source)
    return recordings
