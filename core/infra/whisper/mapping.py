"""Turns what faster-whisper gives (seconds within a window) into our segments (milliseconds in the recording)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from core.ports import WindowResult
from core.speech.coverage import with_words
from core.speech.loops import find_loops, trim_loops
from core.speech.snapping import snap_segments
from core.speech.transcript import Segment, Word
from core.speech.windows import AudioWindow


def window_result(window: AudioWindow, segments: Iterable[Any], *, offset_seconds: float = 0.0) -> WindowResult:
    """The segments of one window. Times are rounded once, kept within the window, moved out of silence, and never go
    back.

    Args:
        window: The window they were heard in.
        segments: faster-whisper's `Segment`s, in order.
        offset_seconds: Where the window began in the audio that was handed over.
    """
    mapped = []
    clock = _Clock(window, offset_seconds)
    for segment in segments:
        words = tuple(word for word in (_word(item, clock) for item in segment.words or ()) if word.text)
        text = segment.text.strip()
        if not text:
            continue
        start = words[0].start_ms if words else clock.at(segment.start)
        end = words[-1].end_ms if words else clock.at(segment.end)
        mapped.append(
            Segment(
                start_ms=start,
                end_ms=max(start, end),
                text=text,
                words=words,
                avg_logprob=min(0.0, float(segment.avg_logprob)),
                no_speech_probability=float(segment.no_speech_prob),
                compression_ratio=float(segment.compression_ratio),
            )
        )
    return WindowResult(
        window_index=window.index,
        start_ms=window.start_ms,
        end_ms=window.end_ms,
        segments=snap_segments(mapped, window.speech),
    )


def has_loop(result: WindowResult) -> bool:
    """Whether the recognizer went round in circles in this window."""
    return bool(find_loops(words_of(result)))


def without_loops(result: WindowResult) -> WindowResult:
    """The result without words that were not said (see `core.speech.loops`)."""
    kept = {id(word) for word in trim_loops(words_of(result))}
    segments = [
        part
        for segment in result.segments
        for part in with_words(segment, [word for word in segment.words if id(word) in kept])
    ]
    return replace(result, segments=tuple(segments))


def words_of(result: WindowResult) -> tuple[Word, ...]:
    """All words of a window."""
    return tuple(word for segment in result.segments for word in segment.words)


def _word(item: Any, clock: _Clock) -> Word:
    start = clock.at(item.start)
    return Word(
        text=item.word.strip(),
        start_ms=start,
        end_ms=clock.at(item.end),
        probability=min(1.0, max(0.0, float(item.probability))),
        space_before=item.word.startswith(" "),
    )


class _Clock:
    """Seconds of the audio handed over → milliseconds of the recording, within the window and never backwards."""

    def __init__(self, window: AudioWindow, offset_seconds: float) -> None:
        self._window, self._offset, self._last = window, offset_seconds, window.start_ms

    def at(self, seconds: float) -> int:
        exact = self._window.start_ms + round((float(seconds) - self._offset) * 1000)
        self._last = min(max(exact, self._last), self._window.end_ms)
        return self._last
