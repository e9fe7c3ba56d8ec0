"""Word error rate, kept repeats and word-start error of recognised against spoken words. Pure Python."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SpokenWord:
    """A word that was really said."""

    #: Normalised, see `text.normalise`.
    word: str
    start_ms: int
    #: Part of a take that is said again: what must not be smoothed away.
    repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class HeardWord:
    """A word the recogniser wrote, normalised."""

    word: str
    start_ms: int


def align(spoken: Sequence[str], heard: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Pairs of indices with the fewest substitutions, deletions (`None` heard) and insertions (`None` spoken)."""
    columns = len(heard) + 1
    table = [list(range(columns))]
    for i, word in enumerate(spoken, 1):
        row, above = [i], table[-1]
        for j in range(1, columns):
            row.append(min(above[j - 1] + (word != heard[j - 1]), above[j] + 1, row[j - 1] + 1))
        table.append(row)
    pairs: list[tuple[int | None, int | None]] = []
    i, j = len(spoken), len(heard)
    while i or j:
        if i and j and table[i][j] == table[i - 1][j - 1] + (spoken[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and table[i][j] == table[i - 1][j] + 1:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]


@dataclass
class Tally:
    """Adds up recordings; `summary` gives the figures."""

    errors: int = 0
    words: int = 0
    repeated: int = 0
    repeated_kept: int = 0
    start_errors_ms: list[int] = field(default_factory=list)

    def add(self, spoken: Iterable[SpokenWord], heard: Iterable[HeardWord]) -> list[tuple[str, str]]:
        """Count one recording. Returns what was said and what was written instead, "" for nothing."""
        said, written = list(spoken), list(heard)
        wrong = []
        for i, j in align([word.word for word in said], [word.word for word in written]):
            right = i is not None and j is not None and said[i].word == written[j].word
            if not right:
                self.errors += 1
                wrong.append(("" if i is None else said[i].word, "" if j is None else written[j].word))
            if i is None:
                continue
            self.words += 1
            self.repeated += said[i].repeated
            self.repeated_kept += said[i].repeated and right
            if right and j is not None:
                self.start_errors_ms.append(written[j].start_ms - said[i].start_ms)
        return wrong

    @property
    def wer_percent(self) -> float:
        """Substitutions, deletions and insertions per spoken word, in percent."""
        return 100 * self.errors / max(1, self.words)

    def summary(self) -> dict[str, Any]:
        """Figures for the model card; word starts are judged on words recognised correctly."""
        sizes = sorted(abs(error) for error in self.start_errors_ms)
        return {
            "wer_percent": round(self.wer_percent, 2),
            "words": self.words,
            "repeated_words": self.repeated,
            "repeated_words_kept": self.repeated_kept,
            "start_error_median_ms": round(median(sizes)) if sizes else None,
            "start_error_p95_ms": sizes[int(0.95 * (len(sizes) - 1))] if sizes else None,
            "start_bias_ms": round(median(self.start_errors_ms)) if sizes else None,
        }
