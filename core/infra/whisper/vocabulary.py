"""Fits what the user told the recognizer beforehand (vocabulary and prompt) into what the model can take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: Turns text into the model's tokens.
Encode = Callable[[str], list[int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What goes before each window."""

    hotwords: str | None
    #: With the space before it that the tokens need.
    prompt: str | None
    warnings: tuple[str, ...]


def fit_context(encode: Encode, *, hotwords: Sequence[str], prompt: str, max_tokens: int) -> Context:
    """Cuts vocabulary and prompt to `max_tokens` together.

    Whole terms go from the end of the vocabulary, words from the start of the prompt (a model follows most closely what
    stands last); half of the room is the vocabulary's in any case. Nothing of ours is added, also not in verbatim mode:
    a prompt with fillers makes models invent some, and favours the language it is in.
    """
    warnings = []
    prompt = prompt.strip()
    room = max(max_tokens - _cost(encode, prompt), max_tokens // 2)
    terms = [term.strip() for term in hotwords if term.strip()]
    kept = _most(len(terms), room, lambda count: _cost(encode, ", ".join(terms[:count])))
    if kept < len(terms):
        warnings.append(
            f"The vocabulary is longer than the model can take: the first {kept} of {len(terms)} terms are used."
        )
    vocabulary = ", ".join(terms[:kept])
    left = max_tokens - _cost(encode, vocabulary)
    if _cost(encode, prompt) > left:
        warnings.append("The prompt is longer than the model can take: only its last part is used.")
        words = prompt.split()
        last = _most(len(words), left, lambda count: _cost(encode, " ".join(words[len(words) - count :])))
        prompt = " ".join(words[len(words) - last :])
    return Context(hotwords=vocabulary or None, prompt=f" {prompt}" if prompt else None, warnings=tuple(warnings))


def _cost(encode: Encode, text: str) -> int:
    """Tokens of a text as it stands after something else."""
    return len(encode(f" {text}")) if text else 0


def _most(count: int, room: int, cost: Callable[[int], int]) -> int:
    """The largest number of pieces, `count` at most, that costs no more than there is room."""
    while count and (spent := cost(count)) > room:
        # In large steps at first: it may be many times too long.
        count = min(count - 1, count * room // spent)
    return count
