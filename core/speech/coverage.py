"""Finds speech that no word explains: where a recognizer may have swallowed a retake.

A recognizer that hears a sentence twice in one window sometimes writes it once; the other reading is then a gap between
words, or hides in the length of one word. So a word counts only for as long as a word may last, and a span of speech
that words cover for less than half is decoded again, alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.speech.transcript import Segment, Word
from core.speech.windows import SAMPLE_RATE_HZ, AudioWindow

#: A word that lasts longer hides something.
_LONGEST_WORD_MS = 1_200
#: Shorter spans are breaths and clicks as often as words.
_SHORTEST_SPAN_MS = 350
#: Words rarely fill all of a span: its edges and small pauses stay free.
_EXPLAINED = 0.5
#: Sound taken along at both sides of a span that is decoded alone.
_MARGIN_MS = 150


def unexplained(window: AudioWindow, words: Sequence[Word]) -> tuple[AudioWindow, ...]:
    """The parts of a window whose speech no word explains, each as a window of its own. None for a window with a single
    span: decoding it again would give the same."""
    if len(window.speech) < 2:
        return ()
    return tuple(
        _part(window, at) for at, (start, end) in enumerate(window.speech)
        if end - start >= _SHORTEST_SPAN_MS and _covered(words, start, end) < _EXPLAINED * (end - start)
    )  # fmt: skip


def replace_part(segments: Sequence[Segment], part: AudioWindow, found: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments with what was found in a part put in the place of the words that were there. A segment that goes on
    beyond the part at both sides becomes two."""
    before: list[Segment] = []
    after: list[Segment] = []
    for segment in segments:
        if not segment.words:
            (before if segment.start_ms < part.start_ms else after).append(segment)
            continue
        middles = [(word.start_ms + word.end_ms) / 2 for word in segment.words]
        left = [
            replace(word, end_ms=min(word.end_ms, max(word.start_ms, part.start_ms)))
            for word, middle in zip(segment.words, middles, strict=True)
            if middle < part.start_ms
        ]
        right = [
            replace(word, start_ms=max(word.start_ms, min(word.end_ms, part.end_ms)))
            for word, middle in zip(segment.words, middles, strict=True)
            if middle >= part.end_ms
        ]
        before.extend(with_words(segment, left))
        after.extend(with_words(segment, right))
    return (*before, *found, *after)


def with_words(segment: Segment, words: Sequence[Word]) -> tuple[Segment, ...]:
    """The segment with other words and the text they make; nothing if there are none."""
    if not words:
        return ()
    if tuple(words) == segment.words:
        return (segment,)
    text = "".join(f" {word.text}" if word.space_before else word.text for word in words).strip()
    return (
        replace(segment, words=tuple(words), text=text, start_ms=words[0].start_ms, end_ms=words[-1].end_ms),
    )  # fmt: skip


def _covered(words: Sequence[Word], start: int, end: int) -> int:
    return sum(
        max(0, min(end, word.end_ms, word.start_ms + _LONGEST_WORD_MS) - max(start, word.start_ms)) for word in words
    )


def _part(window: AudioWindow, at: int) -> AudioWindow:
    start, end = window.speech[at]
    # Half of a pause belongs to each of its sides, so that no two parts overlap.
    left = (window.speech[at - 1][1] + start) // 2 if at else window.start_ms
    right = (end + window.speech[at + 1][0]) // 2 if at + 1 < len(window.speech) else window.end_ms
    start, end = max(left, start - _MARGIN_MS), min(right, end + _MARGIN_MS)
    per_ms = SAMPLE_RATE_HZ // 1000
    samples = window.samples[(start - window.start_ms) * per_ms : (end - window.start_ms) * per_ms]
    return replace(window, start_ms=start, end_ms=end, samples=samples, speech=(window.speech[at],))
