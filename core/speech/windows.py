"""Cuts a stream of audio into windows that a recognizer takes one at a time.

Speech is told from silence by hysteresis on the detector's probabilities, as Silero's own scripts do it
(github.com/snakers4/silero-vad): it starts at `threshold`, it ends when the probability has stayed under
`threshold - 0.15` for `min_silence_ms`. Spans of speech are then packed into windows: as many as fit, because a
Whisper model spends the same encoder pass on a window of one second as on one of thirty.

A window never bridges a pause longer than `longest_pause_ms`, and says where in it speech was found: a recognizer that
hears a sentence, a pause and the sentence again in one window sometimes writes it once, and what it left out can then
be decoded on its own (see `core.speech.coverage`) without paying for a pass of its own for every pause.

Everything is decided frame by frame, so the result does not depend on how the stream is cut into blocks, and no more
than about one window of audio is ever held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.speech.config import VoiceActivityConfig

#: Mono samples at `SAMPLE_RATE_HZ`, float32 in -1..1, one-dimensional.
Samples = npt.NDArray[np.float32]
#: Speech probabilities, one per frame of `FRAME_SAMPLES`.
Probabilities = npt.NDArray[np.float32]
#: The rate every recognizer and detector works at.
SAMPLE_RATE_HZ = 16_000
#: Samples the detector judges at once: 32 ms.
FRAME_SAMPLES = 512

_PER_MS = SAMPLE_RATE_HZ // 1000
#: Speech goes on until the probability falls this far below the threshold (Silero's own value).
_HYSTERESIS = 0.15
#: Longest pause a window may contain: longer ones waste the window and invite invented words. Measured on the sample
#: with the embedded model: cut at pauses of 0.4 s its 63 s cost 17 encoder passes, cut at 1.5 s seven.
_SMOOTH_PAUSE_MS = 2_000
_VERBATIM_PAUSE_MS = 1_500
#: A span too long for one window is cut in the last part of what fits, so that the window is used.
_CUT_FROM = 0.6


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioWindow:
    """A stretch of audio that is decoded on its own; it starts and ends in a pause wherever there is one."""

    #: Position among the recording's windows, from 0.
    index: int
    start_ms: int
    end_ms: int
    samples: Samples = field(repr=False)
    #: Where in the recording speech was found in it, in order: (start, end) in milliseconds, without the padding.
    speech: tuple[tuple[int, int], ...] = field(default=(), repr=False)


def longest_pause_ms(verbatim: bool) -> int:
    """The longest pause a window may contain: a retake that follows after a longer one is decoded on its own."""
    return _VERBATIM_PAUSE_MS if verbatim else _SMOOTH_PAUSE_MS


def cut_windows(
    frames: Iterable[tuple[Samples, Probabilities]],
    config: VoiceActivityConfig,
    *,
    max_window_ms: int,
    verbatim: bool = True,
    start_ms: int = 0,
    first_index: int = 0,
) -> Iterator[AudioWindow]:
    """Windows of speech in order of time; they never overlap, and none is longer than `max_window_ms`.

    Args:
        frames: Blocks of audio with one probability per `FRAME_SAMPLES`; every block but the last is whole frames.
        config: How speech is told from silence.
        max_window_ms: What the model takes at once.
        verbatim: Whether retakes after short pauses are kept apart (see the module).
        start_ms: Where in the recording the stream starts (when a job is resumed).
        first_index: Index of the first window.
    """
    windower = _Windower(config, max_window_ms, longest_pause_ms(verbatim), start_ms, first_index)
    for samples, probabilities in frames:
        yield from windower.push(samples, probabilities)
    yield from windower.finish()


@dataclass(slots=True)
class _Open:
    """Speech that has not ended yet. Positions in samples of the stream."""

    raw_start: int
    #: Where the silence began that may become its end, or None while it is heard.
    silent_from: int | None = None
    #: The rest of a span that was cut: not too short for speech however soon it ends.
    continued: bool = False


@dataclass(slots=True)
class _Pending:
    """Speech that has ended and waits for more to share its window."""

    start: int
    #: Its spans of speech, without padding.
    spans: list[tuple[int, int]]

    @property
    def raw_end(self) -> int:
        return self.spans[-1][1]


class _Buffer:
    """The stream's last samples, by position."""

    def __init__(self) -> None:
        self._parts: deque[tuple[int, Samples]] = deque()
        self.end = 0

    def append(self, samples: Samples) -> None:
        self._parts.append((self.end, samples))
        self.end += len(samples)

    def take(self, start: int, end: int) -> Samples:
        parts = [part[max(0, start - at) : end - at] for at, part in self._parts if at < end and at + len(part) > start]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)

    def drop_before(self, position: int) -> None:
        while self._parts and self._parts[0][0] + len(self._parts[0][1]) <= position:
            self._parts.popleft()


class _Windower:
    def __init__(
        self, config: VoiceActivityConfig, max_window_ms: int, pause_ms: int, start_ms: int, first_index: int
    ) -> None:
        self._threshold = config.threshold
        self._release = max(config.threshold - _HYSTERESIS, 0.01)
        self._min_speech = config.min_speech_ms * _PER_MS
        self._min_silence = config.min_silence_ms * _PER_MS
        self._max = max_window_ms * _PER_MS
        # Most of a window is for speech, however much padding is wanted.
        self._pad = min(config.pad_ms * _PER_MS, self._max // 128 * 16)
        if self._max < 4 * FRAME_SAMPLES:
            raise ValueError(f"a window of {max_window_ms} ms is too short to cut")
        self._pause = pause_ms * _PER_MS
        self._start_ms = start_ms
        self._index = first_index
        self._buffer = _Buffer()
        #: Start of the next frame to judge.
        self._at = 0
        self._open: _Open | None = None
        self._pending: _Pending | None = None
        #: End of the last window given out: nothing may start before it.
        self._given = 0
        #: Probabilities of the frames from `_scores_from` on, kept only while speech is open.
        self._scores: list[float] = []
        self._scores_from = 0

    def push(self, samples: Samples, probabilities: Probabilities) -> Iterator[AudioWindow]:
        """Takes the next block, gives what is finished."""
        if len(probabilities) != -(-len(samples) // FRAME_SAMPLES):
            raise ValueError(f"{len(samples)} samples need one probability per {FRAME_SAMPLES}")
        if self._buffer.end % FRAME_SAMPLES:
            raise ValueError("only the last block may end inside a frame")
        self._buffer.append(samples)
        for probability in probabilities.tolist():
            yield from self._frame(probability)
        if self._open is None:
            oldest = self._pending.start if self._pending else self._at - self._pad - FRAME_SAMPLES
        else:
            oldest = self._pending.start if self._pending else self._padded_start(self._open)
        self._buffer.drop_before(oldest)

    def finish(self) -> Iterator[AudioWindow]:
        """Gives what is left at the end of the stream."""
        self._at = self._buffer.end
        if self._open is not None:
            yield from self._close(min(self._open.silent_from or self._at, self._at))
        if self._pending is not None:
            yield self._give_pending(self._pending, None)

    def _frame(self, probability: float) -> Iterator[AudioWindow]:
        start, end = self._at, min(self._at + FRAME_SAMPLES, self._buffer.end)
        self._at = end
        if self._open is None and probability >= self._threshold:
            self._open, self._scores, self._scores_from = _Open(start), [], start
        if self._open is None:
            if self._pending and start - self._pending.raw_end >= max(self._pause, 2 * self._pad):
                yield self._give_pending(self._pending, None)
            return
        self._scores.append(probability)
        if probability >= self._threshold:
            self._open.silent_from = None
        elif probability < self._release and self._open.silent_from is None:
            self._open.silent_from = start
        if self._open.silent_from is not None and end - self._open.silent_from >= self._min_silence:
            yield from self._close(self._open.silent_from)
        elif self._open.silent_from is None:
            yield from self._grow(self._open, end)

    def _grow(self, speech: _Open, end: int) -> Iterator[AudioWindow]:
        """Keeps open speech within one window: first by leaving the pending part behind, then by cutting."""
        if self._pending is not None and end - self._pending.start > self._max:
            yield self._give(
                self._pending.start, self._padded_end(self._pending, speech.raw_start), self._pending.spans
            )
        while self._pending is None and end - self._padded_start(speech) > self._max:
            start = self._padded_start(speech)
            cut = self._weakest(start, end)
            yield self._give(start, cut, [(speech.raw_start, cut)])
            self._scores = self._scores[(cut - self._scores_from) // FRAME_SAMPLES :]
            self._scores_from += (cut - self._scores_from) // FRAME_SAMPLES * FRAME_SAMPLES
            self._open = speech = _Open(cut, continued=True)

    def _close(self, raw_end: int) -> Iterator[AudioWindow]:
        """Speech has ended at `raw_end`: it joins the pending window, or starts the next one."""
        speech, self._open = self._open, None
        assert speech is not None
        if raw_end - speech.raw_start < self._min_speech and not speech.continued:
            return
        pending = self._pending
        if pending is not None:
            pause = speech.raw_start - pending.raw_end
            if pause <= self._pause and raw_end - pending.start <= self._max:
                pending.spans.append((speech.raw_start, raw_end))
                return
            yield self._give_pending(pending, speech.raw_start)
        start = self._padded_start(speech)
        self._pending = _Pending(start, [(speech.raw_start, max(raw_end, start))])

    def _padded_start(self, speech: _Open) -> int:
        if speech.continued:
            return speech.raw_start
        room = speech.raw_start - self._given
        if self._pending is not None:
            room = (speech.raw_start - self._pending.raw_end) // 2
        return speech.raw_start - min(self._pad, room)

    def _padded_end(self, pending: _Pending, next_start: int | None) -> int:
        pad = self._pad if next_start is None else min(self._pad, (next_start - pending.raw_end) // 2)
        return min(pending.raw_end + pad, pending.start + self._max, self._buffer.end)

    def _weakest(self, start: int, end: int) -> int:
        """Where to cut speech that fills a window: in the middle of its least certain frame if the detector doubts any,
        else of its quietest one."""
        first = -(-(start + int(_CUT_FROM * self._max) - self._scores_from) // FRAME_SAMPLES)
        last = (min(end, start + self._max) - FRAME_SAMPLES // 2 - self._scores_from) // FRAME_SAMPLES
        first = max(0, min(first, last))
        scores = np.asarray(self._scores[first : last + 1])
        if len(scores) and scores.min() < self._threshold:
            best = int(scores.argmin())
        else:
            begin = self._scores_from + first * FRAME_SAMPLES
            audio = self._buffer.take(begin, begin + (last + 1 - first) * FRAME_SAMPLES)
            frames = audio[: len(audio) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
            best = int(np.square(frames, dtype=np.float64).sum(axis=1).argmin()) if len(frames) else 0
        cut = self._scores_from + (first + best) * FRAME_SAMPLES + FRAME_SAMPLES // 2
        return min(cut, start + self._max, end)

    def _give_pending(self, pending: _Pending, next_start: int | None) -> AudioWindow:
        return self._give(pending.start, self._padded_end(pending, next_start), pending.spans)

    def _give(self, start: int, end: int, spans: list[tuple[int, int]]) -> AudioWindow:
        window = AudioWindow(
            index=self._index,
            start_ms=self._start_ms + start // _PER_MS,
            end_ms=self._start_ms + end // _PER_MS,
            samples=self._buffer.take(start, end),
            speech=tuple((self._start_ms + at // _PER_MS, self._start_ms + to // _PER_MS) for at, to in spans),
        )
        self._index += 1
        self._pending, self._given = None, end
        return window
