"""Tells a recognizer's endless loop from words that really were said again and again.

Whisper's usual guard (text that compresses too well is decoded anew) throws away correct retakes: three readings of one
sentence compress as well as a loop. So verbatim mode looks at the sound instead: a run of four or more copies is a loop
only if its words are crowded into less time than speaking them takes, or the recognizer hardly believes in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.speech.transcript import Word

#: Fewer copies than this are never doubted.
MIN_COPIES = 4
#: Longest phrase that is looked for, in words.
_MAX_PHRASE = 24
#: Fast speech has some seven syllables a second; nobody says a word, pauses included, in less than this on average.
_MIN_WORD_MS = 90
#: Words of a real repeat are not all this improbable.
_MIN_PROBABILITY = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeat:
    """A run of copies of one phrase. Positions in words."""

    start: int
    #: Length of the phrase.
    length: int
    copies: int

    @property
    def end(self) -> int:
        """Position after the last copy."""
        return self.start + self.length * self.copies


def find_repeats(words: Sequence[Word], *, min_copies: int = MIN_COPIES) -> tuple[Repeat, ...]:
    """All runs of at least `min_copies` copies of a phrase, from left to right, not overlapping. Case and punctuation
    do not count. Of several phrases that start at a place the one whose run is longest is taken."""
    keys = [_key(word) for word in words]
    found: list[Repeat] = []
    at = 0
    while at < len(keys):
        best: Repeat | None = None
        for length in range(1, min(_MAX_PHRASE, (len(keys) - at) // min_copies) + 1):
            phrase = keys[at : at + length]
            copies = 1
            while keys[at + copies * length : at + (copies + 1) * length] == phrase:
                copies += 1
            if copies >= min_copies and (best is None or length * copies > best.length * best.copies):
                best = Repeat(start=at, length=length, copies=copies)
        if best is None:
            at += 1
        else:
            found.append(best)
            at = best.end
    return tuple(found)


def find_loops(words: Sequence[Word]) -> tuple[Repeat, ...]:
    """The runs of copies that the sound does not bear out."""
    return tuple(repeat for repeat in find_repeats(words) if _is_loop(words, repeat))


def trim_loops(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words without the copies that were not said. Of each loop the copies that last long enough stay, and the
    first in any case."""
    kept: list[Word] = []
    at = 0
    for loop in find_loops(words):
        kept.extend(words[at : loop.start + loop.length])
        for copy in range(1, loop.copies):
            first = loop.start + copy * loop.length
            phrase = words[first : first + loop.length]
            if _believable(phrase):
                kept.extend(phrase)
        at = loop.end
    return (*kept, *words[at:])


def _is_loop(words: Sequence[Word], repeat: Repeat) -> bool:
    run = words[repeat.start : repeat.end]
    copies = [run[at : at + repeat.length] for at in range(0, len(run), repeat.length)]
    return sum(not _believable(copy) for copy in copies) * 2 > len(copies)


def _believable(phrase: Sequence[Word]) -> bool:
    spoken = sum(word.end_ms - word.start_ms for word in phrase)
    probability = sum(word.probability for word in phrase) / len(phrase)
    return spoken >= _MIN_WORD_MS * len(phrase) and probability >= _MIN_PROBABILITY


def _key(word: Word) -> str:
    kept = "".join(letter for letter in word.text.casefold() if letter.isalnum())
    return kept or word.text
