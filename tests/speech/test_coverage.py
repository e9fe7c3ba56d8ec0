"""Speech that no word explains is found, and what is heard there takes its place."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.speech.coverage import replace_part, unexplained, with_words
from core.speech.transcript import Segment, Word
from core.speech.windows import AudioWindow


def word(text: str, start_ms: int, end_ms: int) -> Word:
    return Word(text=text, start_ms=start_ms, end_ms=end_ms, probability=0.9)


def segment(*words: Word) -> Segment:
    text = " ".join(item.text for item in words)
    return Segment(start_ms=words[0].start_ms, end_ms=words[-1].end_ms, text=text, words=words)


def window(*speech: tuple[int, int], start_ms: int = 1_000, end_ms: int = 9_000) -> AudioWindow:
    samples = np.arange((end_ms - start_ms) * 16, dtype=np.float32)
    return AudioWindow(index=3, start_ms=start_ms, end_ms=end_ms, samples=samples, speech=speech)


TWO = window((1_200, 3_000), (3_600, 5_400))


def test_a_swallowed_reading_is_a_gap_between_words() -> None:
    """A7: the recognizer wrote only the second of two readings."""
    (part,) = unexplained(TWO, [word("every", 3_600, 4_400), word("morning", 4_400, 5_400)])
    assert (part.index, part.start_ms, part.end_ms, part.speech) == (3, 1_050, 3_150, ((1_200, 3_000),))
    np.testing.assert_array_equal(part.samples, TWO.samples[50 * 16 : 2_150 * 16])


def test_a_swallowed_reading_hides_in_a_long_word() -> None:
    (part,) = unexplained(TWO, [word("every", 1_200, 2_000), word("morning", 2_000, 5_400)])
    assert part.speech == ((3_600, 5_400),)


def test_explained_speech_and_short_sounds_are_left_alone() -> None:
    assert unexplained(TWO, [word("a", 1_200, 2_200), word("b", 3_700, 4_700)]) == ()
    assert unexplained(window((1_200, 3_000), (3_600, 3_800)), [word("a", 1_200, 2_300)]) == ()
    assert unexplained(window((1_200, 3_000)), []) == ()


def test_parts_of_neighbours_do_not_overlap() -> None:
    left, right = unexplained(window((1_000, 3_000), (3_100, 5_400)), [])
    assert (left.start_ms, left.end_ms, right.start_ms) == (1_000, 3_050, 3_050)


def test_what_was_found_takes_its_place() -> None:
    part = unexplained(TWO, [word("every", 3_600, 4_400), word("morning", 4_400, 5_400)])[0]
    old = segment(word("every", 3_600, 4_400), word("morning", 4_400, 5_400))
    found = segment(word("every", 1_200, 2_000), word("morning", 2_000, 3_000))
    assert replace_part([old], part, [found]) == (found, old)


def test_a_segment_around_the_part_becomes_two() -> None:
    middle = window((1_200, 2_000), (3_000, 4_000), (5_000, 6_000))
    old = segment(word("one", 1_200, 2_000), word("two", 2_000, 2_900), word("three", 4_900, 6_000))
    (part,) = unexplained(middle, old.words)
    found = segment(word("again", 3_000, 4_000))
    before, new, after = replace_part([old], part, [found])
    assert (before.text, new.text, after.text) == ("one two", "again", "three")
    assert before.end_ms <= part.start_ms
    assert after.start_ms >= part.end_ms


def test_a_segment_without_words_stays() -> None:
    part = unexplained(TWO, [])[1]
    bare = Segment(start_ms=1_200, end_ms=2_000, text="one")
    assert replace_part([bare], part, []) == (bare,)


def test_text_follows_the_words() -> None:
    chinese = Segment(
        start_ms=0, end_ms=30, text="你好吗",
        words=tuple(
            Word(text=text, start_ms=at * 10, end_ms=at * 10 + 10, probability=1.0, space_before=False)
            for at, text in enumerate("你好吗")
        ),
    )  # fmt: skip
    (shorter,) = with_words(chinese, chinese.words[:2])
    assert (shorter.text, shorter.end_ms) == ("你好", 20)
    assert with_words(chinese, chinese.words) == (chinese,)
    assert with_words(chinese, []) == ()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 2_000)), max_size=12))
def test_time_never_goes_back_after_a_replacement(gaps: list[tuple[int, int]]) -> None:
    words, at = [], 1_000
    for gap, length in gaps:
        start = min(9_000, at + gap)
        at = min(9_000, start + length)
        words.append(word("w", start, at))
    speech = window((1_200, 2_400), (2_900, 4_800), (5_200, 6_000), (7_000, 8_800))
    segments: tuple[Segment, ...] = (segment(*words),) if words else ()
    for part in unexplained(speech, words):
        found = segment(word("new", part.start_ms, part.end_ms))
        segments = replace_part(segments, part, [found])
        assert found in segments
    times = [time for item in segments for each in item.words for time in (each.start_ms, each.end_ms)]
    assert all(before <= after for before, after in pairwise(times))


@pytest.mark.parametrize("speech", [(), ((1_000, 9_000),)])
def test_nothing_to_compare_with(speech: tuple[tuple[int, int], ...]) -> None:
    assert unexplained(window(*speech), []) == ()
