"""From windows to what the network is trained on: prompt and tokens, frame labels, attention spans.

Two prompt formats are trained, because faster-whisper uses both: with timestamps (``transcribe``) and without (word
alignment, and the batched pipeline by default). Besides the next token the network is taught, for every encoder frame
(20 ms), which word and which phoneme is being said, and for some attention heads where to look; the tiny data set and
the few minutes of training would not get there by tokens alone.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.demo.training.clips import Word
from core.demo.training.features import MELS, FloatArray
from core.demo.training.text import normalise
from core.demo.training.tokenizer import WordTokens
from core.demo.training.windows import Window

IntArray = NDArray[np.int64]

#: Label of a position that is not scored.
IGNORED = -100
#: Longest token row; the decoder has 448 positions.
MAX_TOKENS = 440


class Labels(NamedTuple):
    """Numbers of the auxiliary labels; 0 is "nothing said"."""

    words: dict[str, int]
    phones: dict[str, list[int]]
    phone_count: int


class Span(NamedTuple):
    """Encoder frames (20 ms) that a token is heard in: from ``start``, before ``end``."""

    start: int
    end: int


@dataclass
class Example:
    """One window's targets. Row ``i`` of every list belongs to the same decoder position."""

    features: FloatArray
    inputs: list[int]
    labels: list[int]
    #: Where the token to be written is heard; None for prompt tokens and the end.
    spans: list[Span | None]
    word_frames: IntArray
    phone_frames: IntArray


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Examples of one shape, padded with zeros like faster-whisper pads."""

    features: FloatArray
    inputs: IntArray
    labels: IntArray
    word_frames: IntArray
    phone_frames: IntArray
    #: Rows of (example, position, first frame, end frame).
    spans: IntArray


def _half(mel_frame: float) -> int:
    return round(mel_frame / 2)


@dataclass
class _Row:
    tokens: list[int] = field(default_factory=list)
    spans: list[Span | None] = field(default_factory=list)

    def add(self, token: int, start: int, end: int) -> None:
        self.tokens.append(token)
        self.spans.append(Span(max(0, start), max(start + 1, end)))


class Targets:
    """Makes examples and batches from windows."""

    def __init__(self, tokens: WordTokens, labels: Labels, texts: Callable[[], str], seed: int) -> None:
        self._tokens, self._labels, self._texts = tokens, labels, texts
        self._random = random.Random(seed)
        #: Largest share of text tokens replaced in the decoder's input, so that it listens instead of guessing.
        self.corruption = 0.2

    def example(self, window: Window) -> Example:
        """Targets of one window."""
        frames = (len(window.features) + 1) // 2
        words, phones = np.zeros(frames, np.int64), np.zeros(frames, np.int64)
        timed = self._random.random() < 0.55
        row = _Row()
        for number, take in enumerate(window.takes):
            start, end = _half(take[0].start), _half(take[-1].end)
            following = _half(window.takes[number + 1][0].start) if number + 1 < len(window.takes) else frames
            if timed:
                row.add(self._tokens.timestamp(start), start - 1, start + 2)
            self._write(row, take, following, words, phones)
            if timed:
                row.add(self._tokens.timestamp(end), end - 1, end + 2)
        if window.cut_off is not None:
            mel_start, heard = window.cut_off
            start = _half(mel_start)
            if timed:  # the next window takes it up from this timestamp
                row.add(self._tokens.timestamp(start), start - 1, start + 2)
            else:
                self._write(row, heard, frames, words, phones)
        return self._example(window, row, timed, words, phones)

    def _write(self, row: _Row, take: list[Word], following: int, words: IntArray, phones: IntArray) -> None:
        for number, word in enumerate(take):
            start = _half(word.start)
            end = max(start + 1, _half(word.end))
            self._label(word.written, start, end, words, phones)
            ids, mark = self._tokens.encode(word.written)
            width = end - start
            for part, token in enumerate(ids):
                row.add(token, start + width * part // len(ids), start + width * (part + 1) // len(ids))
            after = _half(take[number + 1].start) if number + 1 < len(take) else following
            for token in mark:
                row.add(token, end - 1, max(end + 1, min(after, end + 8)))

    def _label(self, written: str, start: int, end: int, words: IntArray, phones: IntArray) -> None:
        word = normalise(written)
        words[start:end] = self._labels.words.get(word, 0)
        spoken = self._labels.phones.get(word)
        count = min(end, len(phones)) - start
        if spoken and count > 0:
            phones[start : start + count] = [spoken[i * len(spoken) // (end - start)] for i in range(count)]

    def _example(self, window: Window, row: _Row, timed: bool, words: IntArray, phones: IntArray) -> Example:
        tokens = self._tokens
        context = self._context(window) if self._random.random() < 0.1 else []
        prompt = [*context, tokens.start] if timed else [*context, tokens.start, tokens.no_timestamps]
        asked = [] if timed else [tokens.no_timestamps]
        if window.takes:
            inputs, written = [*prompt, *row.tokens], [*row.tokens, tokens.end]
            spans: list[Span | None] = [None] * (len(prompt) - 1) + [*row.spans, None]
        else:  # "no speech" is read off the position after <|startoftranscript|>
            inputs, written = prompt, [tokens.no_speech] if timed else [tokens.end]
            asked = [] if timed else [tokens.no_speech]
            spans = [None] * len(inputs)
        labels = [IGNORED] * len(context) + asked + written
        if len(inputs) > MAX_TOKENS:
            raise ValueError(f"a window needs {len(inputs)} tokens, more than {MAX_TOKENS}")
        inputs = self._corrupt(inputs, len(prompt))
        return Example(window.features, inputs, labels, spans, words, phones)

    def _context(self, window: Window) -> list[int]:
        """Previous text, sometimes the very words of this window: it must not keep them from being written again."""
        context: list[int] = []
        while len(context) < self._random.randint(1, 60):
            if window.takes and self._random.random() < 0.25:
                written = [word.written for word in self._random.choice(window.takes)]
            else:
                written = self._texts().split()
            for word in written:
                ids, mark = self._tokens.encode(word)
                context += [*ids, *mark]
        return [self._tokens.previous, *context[-150:]]

    def _corrupt(self, inputs: list[int], first: int) -> list[int]:
        share = self._random.choice((0, 0, 0.4, 1)) * self.corruption
        heard = inputs[first:]
        return inputs[:first] + [
            (
                self._random.choice(heard)
                if self._random.random() < 0.5
                else self._random.randrange(256, self._tokens.end)
            )
            if token < self._tokens.end and self._random.random() < share
            else token
            for token in heard
        ]

    def batch(self, windows: list[Window], padded_to: int | None = None) -> Batch:
        """Stack windows; ``padded_to`` is a length in mel frames, by default that of the longest."""
        examples = [self.example(window) for window in windows]
        length = padded_to or max(len(example.features) for example in examples)
        length += length % 2
        count, frames, positions = len(examples), length // 2, max(len(example.inputs) for example in examples)
        features = np.zeros((count, length, MELS), np.float32)
        inputs = np.full((count, positions), self._tokens.end, np.int64)
        labels = np.full((count, positions), IGNORED, np.int64)
        words, phones = np.zeros((count, frames), np.int64), np.zeros((count, frames), np.int64)
        spans: list[tuple[int, int, int, int]] = []
        for i, example in enumerate(examples):
            features[i, : len(example.features)] = example.features[:length]
            inputs[i, : len(example.inputs)] = example.inputs
            labels[i, : len(example.labels)] = example.labels
            words[i, : len(example.word_frames)] = example.word_frames[:frames]
            phones[i, : len(example.phone_frames)] = example.phone_frames[:frames]
            for position, span in enumerate(example.spans):
                if span is not None:
                    start = min(span.start, frames - 1)
                    spans.append((i, position, start, max(start + 1, min(span.end, frames))))
        return Batch(
            features=np.ascontiguousarray(features.transpose(0, 2, 1)),
            inputs=inputs,
            labels=labels,
            word_frames=words,
            phone_frames=phones,
            spans=np.array(spans, dtype=np.int64).reshape(-1, 4),
        )
