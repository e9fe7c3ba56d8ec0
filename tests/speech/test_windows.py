"""Cutting a stream into windows: order, limits, coverage, and independence of block sizes."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.speech.config import VoiceActivityConfig
from core.speech.windows import FRAME_SAMPLES, AudioWindow, Probabilities, Samples, cut_windows, longest_pause_ms

FRAME_MS = 32
CONFIG = VoiceActivityConfig()


def audio_for(probabilities: Sequence[float], tail: int = 0) -> Samples:
    """Every sample is different, so that a window's samples tell where they come from."""
    return np.arange(len(probabilities) * FRAME_SAMPLES - tail, dtype=np.float32)


def blocks(samples: Samples, scores: Sequence[float], sizes: Sequence[int]) -> Iterator[tuple[Samples, Probabilities]]:
    """The stream in blocks of so many frames, the last size again and again."""
    at, turn = 0, 0
    while at < len(scores):
        size = sizes[min(turn, len(sizes) - 1)]
        yield (
            samples[at * FRAME_SAMPLES : (at + size) * FRAME_SAMPLES],
            np.array(scores[at : at + size], dtype=np.float32),
        )
        at, turn = at + size, turn + 1


def cut(
    scores: Sequence[float],
    *,
    config: VoiceActivityConfig = CONFIG,
    max_window_ms: int = 10_000,
    verbatim: bool = True,
    sizes: Sequence[int] = (32,),
    tail: int = 0,
) -> list[AudioWindow]:
    frames = blocks(audio_for(scores, tail), scores, sizes)
    return list(cut_windows(frames, config, max_window_ms=max_window_ms, verbatim=verbatim))


def speech(frames: int) -> list[float]:
    return [0.9] * frames


def silence(frames: int) -> list[float]:
    return [0.05] * frames


def spans(windows: Sequence[AudioWindow]) -> list[tuple[int, int]]:
    return [(window.start_ms, window.end_ms) for window in windows]


runs = st.lists(
    st.tuples(st.sampled_from([0.02, 0.3, 0.45, 0.6, 0.95]), st.integers(1, 120)).map(lambda run: [run[0]] * run[1]),
    max_size=30,
).map(lambda parts: [score for part in parts for score in part])
configs = st.builds(
    VoiceActivityConfig,
    threshold=st.sampled_from([0.1, 0.5, 0.9]),
    min_speech_ms=st.sampled_from([0, 100, 500]),
    min_silence_ms=st.sampled_from([50, 300, 3_000]),
    pad_ms=st.sampled_from([0, 150, 1_000]),
)
limits = st.sampled_from([200, 1_000, 10_000, 30_000])
tails = st.integers(0, FRAME_SAMPLES - 1)


@settings(deadline=None)
@given(runs, configs, limits, st.booleans(), tails)
def test_windows_are_ordered_apart_and_short_enough(
    scores: list[float], config: VoiceActivityConfig, limit: int, verbatim: bool, tail: int
) -> None:
    windows = cut(scores, config=config, max_window_ms=limit, verbatim=verbatim, tail=tail)

    assert [window.index for window in windows] == list(range(len(windows)))
    for window in windows:
        assert 0 < window.end_ms - window.start_ms <= limit
        first = window.start_ms * 16
        expected = np.arange(first, first + len(window.samples), dtype=np.float32)
        np.testing.assert_array_equal(window.samples, expected)
        assert (first + len(window.samples)) // 16 == window.end_ms
    for before, after in pairwise(windows):
        assert before.end_ms <= after.start_ms


@settings(deadline=None)
@given(runs, configs, limits, st.booleans(), tails, st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_block_sizes_change_nothing(
    scores: list[float], config: VoiceActivityConfig, limit: int, verbatim: bool, tail: int, sizes: list[int]
) -> None:
    one = cut(scores, config=config, max_window_ms=limit, verbatim=verbatim, tail=tail, sizes=[max(1, len(scores))])
    many = cut(scores, config=config, max_window_ms=limit, verbatim=verbatim, tail=tail, sizes=sizes)
    assert spans(one) == spans(many)
    for left, right in zip(one, many, strict=True):
        np.testing.assert_array_equal(left.samples, right.samples)


@settings(deadline=None)
@given(runs, limits, st.booleans())
def test_all_speech_is_in_a_window(scores: list[float], limit: int, verbatim: bool) -> None:
    config = VoiceActivityConfig(min_speech_ms=0)
    windows = cut(scores, config=config, max_window_ms=limit, verbatim=verbatim)
    covered = np.zeros(len(scores) * FRAME_MS, dtype=bool)
    for window in windows:
        covered[window.start_ms : window.end_ms] = True
    spoken = np.repeat(np.array(scores) >= config.threshold, FRAME_MS)
    assert not (spoken & ~covered).any()


@settings(deadline=None)
@given(runs, configs, limits)
def test_a_window_knows_where_its_speech_is(scores: list[float], config: VoiceActivityConfig, limit: int) -> None:
    for window in cut(scores, config=config, max_window_ms=limit):
        assert window.speech
        times = [time for span in window.speech for time in span]
        assert times == sorted(times)
        assert window.start_ms <= times[0] <= times[-1] <= window.end_ms


def test_silence_gives_no_window() -> None:
    assert cut(silence(500)) == []
    assert cut([]) == []


def test_speech_is_padded_and_the_padding_stays_in_the_file() -> None:
    assert spans(cut([*silence(20), *speech(30), *silence(40)])) == [(20 * 32 - 150, 50 * 32 + 150)]
    assert spans(cut(speech(30))) == [(0, 30 * 32)]


def test_a_short_sound_is_not_speech() -> None:
    assert cut([*silence(20), *speech(3), *silence(40)]) == []


def test_hysteresis_bridges_doubt_but_does_not_start_on_it() -> None:
    doubt = [0.4] * 30
    assert spans(cut([*silence(20), *speech(10), *doubt, *speech(10), *silence(40)])) == [(490, 70 * 32 + 150)]
    assert cut([*silence(20), *doubt, *silence(40)]) == []


def test_short_pauses_share_a_window_and_long_ones_do_not() -> None:
    """A retake after a pause is decoded on its own in verbatim mode (a recognizer swallows it otherwise)."""
    pause = longest_pause_ms(True) // FRAME_MS + 2
    scores = [*speech(30), *silence(pause), *speech(30), *silence(40)]
    assert len(cut(scores, verbatim=True)) == 2
    assert len(cut(scores, verbatim=False)) == 1
    assert len(cut([*speech(30), *silence(longest_pause_ms(False) // FRAME_MS + 2), *speech(30)], verbatim=False)) == 2


def test_speech_that_does_not_fit_starts_a_new_window_in_the_pause() -> None:
    scores = [*speech(200), *silence(11), *speech(200), *silence(40)]
    first, second = cut(scores)
    assert 200 * 32 <= first.end_ms <= second.start_ms <= 211 * 32


def test_speech_without_pause_is_cut_where_the_detector_doubts() -> None:
    scores = speech(400)
    scores[280] = 0.4
    first, second = cut(scores)
    assert first.end_ms == second.start_ms == 280 * 32 + 16


def test_speech_without_doubt_is_cut_where_it_is_quietest() -> None:
    scores = speech(400)
    samples = np.ones(400 * FRAME_SAMPLES, dtype=np.float32)
    samples[250 * FRAME_SAMPLES : 251 * FRAME_SAMPLES] = 0.01
    first, second = cut_windows(blocks(samples, scores, [32]), CONFIG, max_window_ms=10_000)
    assert first.end_ms == second.start_ms == 250 * 32 + 16


def test_a_resumed_stream_goes_on_counting() -> None:
    scores = [*silence(20), *speech(30)]
    (window,) = cut_windows(
        blocks(audio_for(scores), scores, [32]), CONFIG, max_window_ms=10_000, start_ms=60_000, first_index=7
    )
    assert (window.index, window.start_ms) == (7, 60_000 + 490)


def test_memory_stays_at_about_one_window() -> None:
    """C7, memory is flat: while an hour of speech goes by, hardly more than a window is held."""
    from core.speech.windows import _Windower

    windower = _Windower(CONFIG, 10_000, 400, 0, 0)
    most = 0
    for _ in range(1_000):
        list(windower.push(np.zeros(32 * FRAME_SAMPLES, np.float32), np.full(32, 0.9, np.float32)))
        most = max(most, sum(len(part) for _, part in windower._buffer._parts))
    assert most <= 12_000 * 16


def test_a_block_must_fit_its_probabilities() -> None:
    with pytest.raises(ValueError, match="one probability"):
        list(cut_windows([(np.zeros(1_000, np.float32), np.zeros(1, np.float32))], CONFIG, max_window_ms=10_000))
    parts = [(np.zeros(100, np.float32), np.zeros(1, np.float32))] * 2
    with pytest.raises(ValueError, match="only the last block"):
        list(cut_windows(parts, CONFIG, max_window_ms=10_000))
    with pytest.raises(ValueError, match="too short"):
        list(cut_windows([], CONFIG, max_window_ms=100))
