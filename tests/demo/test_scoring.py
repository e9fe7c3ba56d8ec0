"""Word error rate and kept repeats, on cases small enough to count by hand."""

import pytest

from core.demo.training.scoring import HeardWord, SpokenWord, Tally, align


def spoken(text: str) -> list[SpokenWord]:
    """Words 500 ms apart; a star marks a repeated one."""
    return [
        SpokenWord(word=word.rstrip("*"), start_ms=500 * i, repeated=word.endswith("*"))
        for i, word in enumerate(text.split())
    ]


def heard(text: str, late_ms: int = 0) -> list[HeardWord]:
    return [HeardWord(word=word, start_ms=500 * i + late_ms) for i, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("said", "written", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "a x c", 1),
        ("a b c", "a c", 1),
        ("a b", "a x b", 1),
        ("a b", "", 2),
        ("", "a b", 2),
        ("the the old", "the old", 1),
    ],
)
def test_errors(said: str, written: str, errors: int) -> None:
    tally = Tally()
    tally.add(spoken(said), heard(written))
    assert tally.errors == errors


def test_alignment_covers_both_sides_in_order() -> None:
    pairs = align(list("abcd"), list("acxd"))
    assert [i for i, _ in pairs if i is not None] == [0, 1, 2, 3]
    assert [j for _, j in pairs if j is not None] == [0, 1, 2, 3]


def test_a_dropped_repeat_is_seen() -> None:
    tally = Tally()
    wrong = tally.add(spoken("we* found* we found"), heard("we found"))
    assert (tally.repeated, tally.repeated_kept, len(wrong)) == (2, 0, 2)


def test_summary_adds_up_recordings() -> None:
    tally = Tally()
    tally.add(spoken("a b"), heard("a b", late_ms=10))
    tally.add(spoken("c d*"), heard("c", late_ms=-30))
    assert tally.summary() == {
        "wer_percent": 25.0,
        "words": 4,
        "repeated_words": 1,
        "repeated_words_kept": 0,
        "start_error_median_ms": 10,
        "start_error_p95_ms": 10,
        "start_bias_ms": 10,
    }


def test_nothing_said_nothing_heard() -> None:
    tally = Tally()
    tally.add([], [])
    assert tally.wer_percent == 0
    assert tally.summary()["start_error_median_ms"] is None
