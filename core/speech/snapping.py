"""Puts the edges of words where speech is.

Whisper's word times come from its attention: each word ends where the next begins, so pauses belong to a word, and a
word after a pause often begins inside the pause. The detector knows better where speech begins and ends, to about a
frame; between words without a pause it knows nothing, and times stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.speech.transcript import Segment, Word

#: The detector notices speech about a frame late, and lets go of it while soft endings still sound.
_BEFORE_MS = 32
_AFTER_MS = 96
#: A span of speech that a word only touches this little is not where the word is.
_TOUCH_MS = 60


def snap_segments(segments: Iterable[Segment], speech: Sequence[tuple[int, int]]) -> tuple[Segment, ...]:
    """The segments with the edges of their words, and so their own, moved out of silence.

    Args:
        segments: With word times, in order.
        speech: Where the detector found speech, in order: (start, end) in milliseconds.
    """
    return tuple(_snap_segment(segment, speech) for segment in segments)


def snap_word(word: Word, speech: Sequence[tuple[int, int]]) -> Word:
    """The word without the silence at its edges; unchanged where there is no speech at all."""
    heard = [(start, end) for start, end in speech if min(word.end_ms, end) - max(word.start_ms, start) > 0]
    if not heard:
        return word
    firm = [span for span in heard if min(word.end_ms, span[1]) - max(word.start_ms, span[0]) > _TOUCH_MS] or heard
    return replace(
        word,
        start_ms=max(word.start_ms, min(firm[0][0] - _BEFORE_MS, word.end_ms)),
        end_ms=min(word.end_ms, max(firm[-1][1] + _AFTER_MS, word.start_ms)),
    )


def _snap_segment(segment: Segment, speech: Sequence[tuple[int, int]]) -> Segment:
    if not segment.words:
        return segment
    words = tuple(snap_word(word, speech) for word in segment.words)
    return replace(segment, words=words, start_ms=words[0].start_ms, end_ms=max(word.end_ms for word in words))
