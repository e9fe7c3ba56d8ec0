"""Word error rate against a plain, slow reference."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.speech.metrics import WerResult, compare_words, normalise, wer

words = st.lists(st.sampled_from("abcd"), max_size=12)


def slow_distance(said: Sequence[str], heard: Sequence[str]) -> tuple[int, int]:
    """The textbook table with (errors, -hits) in each cell."""
    table = {(0, 0): (0, 0)}
    for i in range(len(said) + 1):
        for j in range(len(heard) + 1):
            options = []
            if i and j:
                errors, hits = table[i - 1, j - 1]
                same = said[i - 1] == heard[j - 1]
                options.append((errors, hits - 1) if same else (errors + 1, hits))
            if i:
                errors, hits = table[i - 1, j]
                options.append((errors + 1, hits))
            if j:
                errors, hits = table[i, j - 1]
                options.append((errors + 1, hits))
            if options:
                table[i, j] = min(options)
    errors, hits = table[len(said), len(heard)]
    return errors, -hits


@settings(deadline=None)
@given(words, words)
def test_counts_are_those_of_the_textbook(said: list[str], heard: list[str]) -> None:
    result = compare_words(said, heard)
    assert (result.errors, result.hits) == slow_distance(said, heard)
    assert result.hits + result.substitutions + result.deletions == len(said)
    assert result.hits + result.substitutions + result.insertions == len(heard)
    assert min(result.substitutions, result.insertions, result.deletions, result.hits) >= 0


@settings(deadline=None)
@given(words, words)
def test_the_other_way_round_insertions_are_deletions(said: list[str], heard: list[str]) -> None:
    there, back = compare_words(said, heard), compare_words(heard, said)
    assert (there.errors, there.hits) == (back.errors, back.hits)
    assert there.insertions == back.deletions


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts"),
    [
        ("the cat sat", "the cat sat", (0, 0, 0, 3)),
        ("the cat sat", "the bat sat", (1, 0, 0, 2)),
        ("the cat sat", "the cat", (0, 0, 1, 2)),
        ("the cat sat", "the the cat sat", (0, 1, 0, 3)),
        ("", "", (0, 0, 0, 0)),
    ],
)
def test_examples(reference: str, hypothesis: str, counts: tuple[int, int, int, int]) -> None:
    result = wer(reference, hypothesis)
    assert (result.substitutions, result.insertions, result.deletions, result.hits) == counts


def test_rates() -> None:
    assert wer("one two three four", "one two three").rate == 0.25
    assert wer("", "").rate == 0.0
    assert wer("", "noise").rate == float("inf")
    assert wer("one", "two three four").rate == 3.0
    total = wer("one two", "one") + WerResult(substitutions=0, insertions=0, deletions=0, hits=2)
    assert total.rate == 0.25


def test_case_punctuation_and_forms_of_letters_do_not_count() -> None:
    assert normalise("The Keeper\u2019s “light”, ﬁnally — don't!") == ("the", "keeper's", "light", "finally", "don't")
    assert normalise("snake_case 12") == ("snake", "case", "12")
