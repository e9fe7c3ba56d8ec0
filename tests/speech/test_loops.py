"""Loops of a recognizer are found by their sound; what was really said again and again stays."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from core.speech.loops import Repeat, find_loops, find_repeats, trim_loops
from core.speech.transcript import Word


def said(text: str, *, each_ms: int = 300, probability: float = 0.9) -> tuple[Word, ...]:
    return tuple(
        Word(text=word, start_ms=at * each_ms, end_ms=(at + 1) * each_ms, probability=probability)
        for at, word in enumerate(text.split())
    )


def texts(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def test_three_retakes_are_no_loop_however_they_sound() -> None:
    words = said("the old keeper the old keeper the old keeper went", each_ms=20)
    assert find_repeats(words) == ()
    assert trim_loops(words) == words


def test_many_real_copies_stay() -> None:
    """A7: nothing that was said is cut, also if it was said five times."""
    words = said("never never never never never again")
    assert find_repeats(words) == (Repeat(start=0, length=1, copies=5),)
    assert find_loops(words) == ()
    assert trim_loops(words) == words


def test_copies_without_time_to_say_them_are_trimmed() -> None:
    words = said("we had every at a a a a a a a silver", each_ms=20)
    assert find_loops(words) == (Repeat(start=4, length=1, copies=7),)
    assert texts(trim_loops(words)) == "we had every at a silver"


def test_copies_nobody_believes_in_are_trimmed() -> None:
    words = said("thank you thank you thank you thank you", probability=0.1)
    assert texts(trim_loops(words)) == "thank you"


def test_real_copies_within_a_loop_stay() -> None:
    real = said("go on go on")
    loop = tuple(
        Word(text=word, start_ms=1_200 + at * 10, end_ms=1_210 + at * 10, probability=0.9)
        for at, word in enumerate(["go", "on", "go", "on", "go", "on", "go", "on"])
    )
    assert texts(trim_loops((*real, *loop))) == "go on go on"


def test_case_and_punctuation_do_not_hide_a_loop() -> None:
    words = said("Yes, yes. Yes! yes", each_ms=10)
    assert find_repeats(words) == (Repeat(start=0, length=1, copies=4),)


def test_the_longest_run_wins() -> None:
    assert find_repeats(said("a b a b a b a b")) == (Repeat(start=0, length=2, copies=4),)


@settings(deadline=None)
@given(st.lists(st.sampled_from("ab"), max_size=40), st.sampled_from([10, 300]))
def test_trimming_keeps_order_and_leaves_no_loop_of_one_word(letters: list[str], each_ms: int) -> None:
    words = said(" ".join(letters), each_ms=each_ms)
    kept = trim_loops(words)
    places = [words.index(word) for word in kept]
    assert places == sorted(set(places))
    if each_ms == 300:
        assert kept == words
