"""Word error rate: how far a transcript is from what was said.

Both texts are brought into one form first, and reports must say so: Unicode NFKC, case-folded, everything but letters,
digits and apostrophes inside words taken for space. Numbers and abbreviations stay as they are: "12" is not "twelve".
This is stricter than Whisper's own English normaliser, which also removes fillers and rewrites contractions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_WORD = re.compile(r"\w+(?:'\w+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class WerResult:
    """What a comparison counted, in words."""

    substitutions: int
    insertions: int
    deletions: int
    hits: int

    @property
    def reference_words(self) -> int:
        """Words that were said."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Smallest number of changes that turn one text into the other."""
        return self.substitutions + self.insertions + self.deletions

    @property
    def rate(self) -> float:
        """Errors per word said; can be above 1. An empty reference gives 0 for an empty transcript, else infinity."""
        if self.reference_words:
            return self.errors / self.reference_words
        return float("inf") if self.errors else 0.0

    def __add__(self, other: WerResult) -> WerResult:
        """Counts of two texts together, for the rate of a whole set."""
        return WerResult(
            substitutions=self.substitutions + other.substitutions,
            insertions=self.insertions + other.insertions,
            deletions=self.deletions + other.deletions,
            hits=self.hits + other.hits,
        )


def normalise(text: str) -> tuple[str, ...]:
    """The words of a text in the form that is compared (see the module)."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'").replace("_", " ")
    return tuple(_WORD.findall(folded))


def wer(reference: str, hypothesis: str) -> WerResult:
    """Compares a transcript with what was said.

    Of the alignments with the fewest errors the one with the most hits is counted.
    """
    return compare_words(normalise(reference), normalise(hypothesis))


def compare_words(reference: Sequence[str], hypothesis: Sequence[str]) -> WerResult:
    """The same for words that are in one form already. Time grows with the product of the lengths (10,000 x 10,000
    words: about a second), memory with the shorter."""
    numbers: dict[str, int] = {}
    said = np.array([numbers.setdefault(word, len(numbers)) for word in reference], dtype=np.int64)
    heard = np.array([numbers.setdefault(word, len(numbers)) for word in hypothesis], dtype=np.int64)
    errors, hits = _distance(said, heard)
    # With n words said and m heard: n = hits + subs + dels, m = hits + subs + inss, errors = subs + dels + inss.
    substitutions = len(said) + len(heard) - 2 * hits - errors
    return WerResult(
        substitutions=substitutions,
        deletions=len(said) - hits - substitutions,
        insertions=len(heard) - hits - substitutions,
        hits=hits,
    )


def _distance(said: np.ndarray, heard: np.ndarray) -> tuple[int, int]:
    """Fewest errors and, among such alignments, most hits. One row of the usual table at a time; a cell holds
    errors * scale - hits, so that one minimum decides on both."""
    scale = min(len(said), len(heard)) + 1
    columns = np.arange(len(heard) + 1, dtype=np.int64) * scale
    row = columns.copy()
    for word in said:
        best = row + scale
        best[1:] = np.minimum(best[1:], row[:-1] + np.where(heard == word, -1, scale))
        # A run of insertions costs `scale` a word: the running minimum of what is left after taking that off.
        row = np.minimum.accumulate(best - columns) + columns
    total = int(row[-1])
    errors = -(-total // scale)
    return errors, errors * scale - total
