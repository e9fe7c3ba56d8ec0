"""Words said twice in a row (the plain part of A7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.speech.repeats import find_repeats
from core.speech.transcript import Word


def said(text: str) -> list[Word]:
    return [
        Word(text=word, start_ms=100 * n, end_ms=100 * n + 90, probability=1.0) for n, word in enumerate(text.split())
    ]


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("", []),
        ("one two three", []),
        ("the the light", ["the"]),
        ("Every day he walked. Every day he walked down", ["Every day he walked."]),
        ("a b a b a b", ["a b", "a b"]),
        ("no no no", ["no", "no"]),
        ("— — one", []),
    ],
)
def test_repeats_are_found_whatever_the_punctuation(text: str, repeats: list[str]) -> None:
    assert [repeat.text for repeat in find_repeats(said(text))] == repeats


def test_a_repeat_lasts_from_the_first_word_to_the_last_of_the_second_reading() -> None:
    (repeat,) = find_repeats(said("so we go we go now"))
    assert (repeat.start_ms, repeat.end_ms) == (100, 490)


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_every_repeat_really_is_one(letters: list[str]) -> None:
    words = said(" ".join(letters))
    for repeat in find_repeats(words):
        length = len(repeat.text.split())
        at = repeat.start_ms // 100
        assert letters[at : at + length] == letters[at + length : at + 2 * length]
