"""The edges of words and the silence around them."""

from hypothesis import given
from hypothesis import strategies as st

from core.speech.snapping import snap_segments, snap_word
from core.speech.transcript import Segment, Word

SPEECH = ((1_000, 2_000), (3_000, 4_000))


def word(start_ms: int, end_ms: int) -> Word:
    return Word(text="harbour", start_ms=start_ms, end_ms=end_ms, probability=1.0)


def snapped(start_ms: int, end_ms: int) -> tuple[int, int]:
    moved = snap_word(word(start_ms, end_ms), SPEECH)
    return moved.start_ms, moved.end_ms


def test_a_word_that_begins_in_the_pause_begins_where_speech_does() -> None:
    assert snapped(2_400, 3_300) == (2_968, 3_300)


def test_a_word_does_not_own_the_pause_after_it() -> None:
    assert snapped(1_600, 2_900) == (1_600, 2_096)


def test_touching_the_speech_before_the_pause_does_not_hold_a_word_there() -> None:
    assert snapped(1_960, 3_300) == (2_968, 3_300)


def test_a_word_within_speech_and_one_without_any_stay() -> None:
    assert snapped(1_200, 1_500) == (1_200, 1_500)
    assert snapped(2_200, 2_700) == (2_200, 2_700)


def test_a_word_over_two_spans_keeps_both() -> None:
    assert snapped(1_500, 3_500) == (1_500, 3_500)


def test_segments_follow_their_words() -> None:
    segment = Segment(start_ms=500, end_ms=4_600, text="harbour harbour", words=(word(500, 1_400), word(3_500, 4_600)))
    (moved,) = snap_segments([segment], SPEECH)
    assert (moved.start_ms, moved.end_ms) == (968, 4_096)
    without_words = Segment(start_ms=0, end_ms=10, text="harbour")
    assert snap_segments([without_words], SPEECH) == (without_words,)


@given(
    edges=st.lists(st.integers(0, 10_000), min_size=2, max_size=20, unique=True),
    speech=st.lists(st.integers(0, 10_000), max_size=12, unique=True),
)
def test_order_is_kept_and_words_only_shrink(edges: list[int], speech: list[int]) -> None:
    edges.sort()
    speech.sort()
    spans = tuple(zip(speech[::2], speech[1::2], strict=False))
    before = [word(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    after = [snap_word(item, spans) for item in before]
    for old, new in zip(before, after, strict=True):
        assert old.start_ms <= new.start_ms <= new.end_ms <= old.end_ms
    times = [time for item in after for time in (item.start_ms, item.end_ms)]
    assert times == sorted(times)
