"""Sentences over the closed vocabulary: the written ones, and as many varied ones as training wants.

The embedded model knows the words of ``data/sentences.txt`` and nothing else. With only those sentences the decoder
learns them by heart (0 % errors on them, 6-7 % on new ones), so training text is mostly *new* sentences over the same
words: a small grammar, bigram chains, spliced pieces and balanced word lists. ``data/heldout.txt`` is for evaluation
only: no sentence made here shares :data:`OVERLAP_WORDS` words in a row with it.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path

DATA_DIR = Path(__file__).parent / "data"

#: A training sentence may share at most this many minus one consecutive words with any held-out sentence.
OVERLAP_WORDS = 6

#: Words that are capitalised wherever they stand.
PROPER = frozenset({"I", "Monday", "Tuesday", "Thursday", "Friday", "Saturday", "Sunday"})

#: How training text is mixed: share of each kind, must sum to 1. ``script`` are the written sentences themselves.
MIXTURE = {"script": 0.12, "grammar": 0.46, "chain": 0.12, "splice": 0.15, "words": 0.15}

#: Share of made-up sentences in which 1-3 words are said twice within one breath.
REPEAT_SHARE = 0.15


def normalise(word: str) -> str:
    """Lower-case a word and strip its punctuation, which is how the vocabulary and every score compare words."""
    return re.sub(r"[^a-z']", "", word.lower())


def words_of(sentence: str) -> list[str]:
    """Split a sentence into normalised words."""
    return [word for word in (normalise(part) for part in sentence.split()) if word]


def read_lines(name: str) -> list[str]:
    """Read a data file of this package: one entry a line, ``#`` starts a comment line."""
    lines = (line.strip() for line in (DATA_DIR / name).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def capitalise(word: str) -> str:
    """Write a vocabulary word as it appears inside a sentence."""
    return word.capitalize() if word.capitalize() in PROPER else word


def _runs(words: Sequence[str], length: int) -> Iterable[tuple[str, ...]]:
    return (tuple(words[i : i + length]) for i in range(len(words) - length + 1))


class Overlap:
    """Knows whether a sentence shares too many words in a row with the held-out ones."""

    def __init__(self, held_out: Iterable[str], length: int = OVERLAP_WORDS) -> None:
        self._length = length
        self._runs: set[tuple[str, ...]] = set()
        for sentence in held_out:
            words = words_of(sentence)
            self._runs.update(_runs(words, min(length, len(words))))
        self._lengths = sorted({len(run) for run in self._runs})

    def forbids(self, words: Sequence[str]) -> bool:
        """True when ``words`` (normalised) contain a run of a held-out sentence."""
        return any(run in self._runs for length in self._lengths for run in _runs(words, length))


class Corpus:
    """The written sentences, their vocabulary, and a generator of new sentences over it."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.held_out = read_lines("heldout.txt")
        self.overlap = Overlap(self.held_out)
        self.sentences = [line for line in read_lines("sentences.txt") if not self.overlap.forbids(words_of(line))]
        self._used: Counter[str] = Counter()

    @cached_property
    def vocabulary(self) -> list[str]:
        """Every known word, sorted."""
        return sorted({word for line in read_lines("sentences.txt") for word in words_of(line)})

    @cached_property
    def starters(self) -> list[str]:
        """Words that may begin a sentence; the tokenizer knows these capitalised as well."""
        lines = read_lines("sentences.txt") + self.held_out
        return sorted({words_of(line)[0] for line in lines})

    @cached_property
    def grammar(self) -> dict[str, list[list[str]]]:
        """Symbol to alternatives; a weight is unrolled into copies."""
        rules: dict[str, list[list[str]]] = {}
        for line in read_lines("grammar.txt"):
            symbol, _, body = line.partition(":")
            for alternative in body.split("|"):
                parts = alternative.split()
                weight = int(parts.pop(0)[:-1]) if parts and re.fullmatch(r"\d+\*", parts[0]) else 1
                rules.setdefault(symbol.strip(), []).extend([parts] * weight)
        return rules

    @cached_property
    def lexicon(self) -> dict[str, list[str]]:
        """Word class to its words."""
        pairs = (line.partition(":") for line in read_lines("lexicon.txt"))
        return {name.strip(): words.split() for name, _, words in pairs}

    @cached_property
    def _next(self) -> dict[str, list[str]]:
        following: dict[str, list[str]] = {}
        for line in self.sentences:
            words = words_of(line)
            for word, after in pairwise(words):
                following.setdefault(word, []).append(after)
        return following

    def _rare(self, count: int, candidates: Sequence[str] | None = None) -> list[str]:
        """Draw words, each the least used of a few candidates, so that all are heard about equally often."""
        pool = self.vocabulary if candidates is None else candidates
        return [min(self.random.choices(pool, k=3), key=self._used.__getitem__) for _ in range(count)]

    def _expand(self, symbol: str) -> list[str]:
        if symbol.startswith("<"):
            return self._rare(1, self.lexicon[symbol[1:-1]])
        if symbol not in self.grammar:
            return [symbol]
        return [word for part in self.random.choice(self.grammar[symbol]) for word in self._expand(part)]

    def _grammar(self) -> list[str]:
        words = self._expand("S")
        while not 2 <= len(words) <= 16:
            words = self._expand("S")
        for i, word in enumerate(words[:-1]):
            if word == "a" and words[i + 1][0] in "aeiou":
                words[i] = "an"
        return words

    def _chain(self) -> list[str]:
        words = [self.random.choice(self.starters)]
        length = self.random.randint(4, 13)
        while len(words) < length:
            follow = self._next.get(words[-1])
            words += [self.random.choice(follow)] if follow and self.random.random() < 0.9 else self._rare(1)
        return words

    def _splice(self) -> list[str]:
        words: list[str] = []
        length = self.random.randint(4, 12)
        while len(words) < length:
            source = words_of(self.random.choice(self.sentences))
            size = self.random.randint(2, 4)
            start = self.random.randrange(max(1, len(source) - size + 1))
            words += source[start : start + size]
        return words

    def _dress(self, words: list[str]) -> str:
        """Turn words into a written sentence: a few commas and repeats, a capital and a full stop when it may."""
        marked: list[str] = []
        for word in words:
            if word == ",":
                if marked:
                    marked[-1] = marked[-1].rstrip(",") + ","
            else:
                comma = "," if self.random.random() < 0.02 else ""
                marked.append(capitalise(word) + comma)
        if len(marked) > 3 and self.random.random() < REPEAT_SHARE:
            size = self.random.randint(1, 3)
            start = self.random.randrange(len(marked) - size + 1)
            marked[start:start] = marked[start : start + size]
        marked[-1] = marked[-1].rstrip(",")
        if normalise(marked[0]) in self.starters and self.random.random() < 0.92:
            marked[0] = marked[0][0].upper() + marked[0][1:]
            marked[-1] += "."
        return " ".join(marked)

    def draw(self) -> tuple[str, str]:
        """Make one training sentence. Returns ``(sentence, kind)``, kind being a key of :data:`MIXTURE`."""
        makers = {"grammar": self._grammar, "chain": self._chain, "splice": self._splice}
        while True:
            kind = self.random.choices(list(MIXTURE), weights=list(MIXTURE.values()))[0]
            if kind == "script":
                sentence = self.random.choice(self.sentences)
            elif kind == "words":
                sentence = self._dress(self._rare(self.random.randint(1, 9)))
            else:
                sentence = self._dress(makers[kind]())
            words = words_of(sentence)
            if not self.overlap.forbids(words):
                self._used.update(words)
                return sentence, kind
