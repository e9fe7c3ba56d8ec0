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
    #: Tokens, because cutting them back to text could change them.
    prompt: tuple[int, ...] | None
    warnings: tuple[str, ...]


def fit_context(encode: Encode, *, hotwords: Sequence[str], prompt: str, max_tokens: int) -> Context:
    """Cuts vocabulary and prompt to `max_tokens` together.

    Whole terms go from the end of the vocabulary, words from the start of the prompt (a model follows most closely what
    stands last); half of the room is the vocabulary's in any case. Nothing of ours is added, also not in verbatim mode:
    a prompt with fillers makes models invent some, and favours the language it is in.
    """
    warnings = []
    prompt_tokens = encode(f" {prompt.strip()}") if prompt.strip() else []
    terms = [term.strip() for term in hotwords if term.strip()]
    room = max(max_tokens - len(prompt_tokens), max_tokens // 2)
    kept = len(terms)
    while kept and len(_encode_terms(encode, terms[:kept])) > room:
        # Large steps first: the list may be many times too long.
        kept = min(kept - 1, kept * room // len(_encode_terms(encode, terms[:kept])))
    if kept < len(terms):
        warnings.append(
            f"The vocabulary is longer than the model can take: the first {kept} of {len(terms)} terms are used."
        )
    left = max_tokens - len(_encode_terms(encode, terms[:kept]))
    if len(prompt_tokens) > left:
        warnings.append("The prompt is longer than the model can take: only its last part is used.")
        prompt_tokens = prompt_tokens[len(prompt_tokens) - left :]
    return Context(
        hotwords=", ".join(terms[:kept]) or None,
        prompt=tuple(prompt_tokens) or None,
        warnings=tuple(warnings),
    )


def _encode_terms(encode: Encode, terms: Sequence[str]) -> list[int]:
    return encode(f" {', '.join(terms)}") if terms else []
