"""Words said twice in a row, the plainest trace of a retake. (Finding retakes for good is another matter.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.speech.metrics import normalise
from core.speech.transcript import Word

#: Longest run of words compared with the one that follows it.
_LONGEST = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeat:
    """Some words and the same words again."""

    #: The words, as written the first time.
    text: str
    #: From the onset of the first reading to the offset of the second.
    start_ms: int
    end_ms: int


def find_repeats(words: Sequence[Word]) -> tuple[Repeat, ...]:
    """Runs of words that are followed by themselves at once; the longest ones, none inside another.

    Args:
        words: In the order they were said.
    """
    forms = [normalise(word.text) for word in words]
    found: list[Repeat] = []
    at = 0
    while at < len(words):
        length = next(
            (
                length
                for length in range(min(_LONGEST, (len(words) - at) // 2), 0, -1)
                if any(forms[at : at + length]) and forms[at : at + length] == forms[at + length : at + 2 * length]
            ),
            0,
        )
        if length:
            text = " ".join(word.text for word in words[at : at + length])
            found.append(Repeat(text=text, start_ms=words[at].start_ms, end_ms=words[at + 2 * length - 1].end_ms))
        # The second reading may be the first of a third.
        at += length or 1
    return tuple(found)
