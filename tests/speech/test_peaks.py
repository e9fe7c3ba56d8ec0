"""Peaks at every resolution are those a plain calculation over all samples gives (A15)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.errors import InvalidInputError
from core.speech import peaks
from core.speech.peaks import BASE, FACTOR, PeakBuilder, read_header, read_level

SAMPLES = hnp.arrays(np.float32, st.integers(1, 5_000), elements=st.floats(-1, 1, width=32))


def build(samples: peaks.Samples, sizes: list[int]) -> tuple[PeakBuilder, bytes]:
    builder, position = PeakBuilder(), 0
    for size in [*sizes, len(samples)]:
        builder.add(samples[position : position + size])
        position += size
    return builder, b"".join(builder.chunks())


def brute_force(samples: peaks.Samples, per_bin: int) -> np.ndarray:
    rows = [samples[i : i + per_bin] for i in range(0, len(samples), per_bin)]
    return np.array([[np.floor(r.min() * 127), np.ceil(r.max() * 127)] for r in rows]).astype(np.int8)


@given(SAMPLES, st.lists(st.integers(0, 900), max_size=8))
def test_any_block_sizes_give_the_same_bins(samples: peaks.Samples, sizes: list[int]) -> None:
    builder, data = build(samples, sizes)
    header = read_header(data)
    assert header.samples == builder.samples == len(samples)
    np.testing.assert_array_equal(read_level(data, header.levels[0]), brute_force(samples, BASE))
    assert builder.peak == np.abs(samples).max()
    assert builder.rms == pytest.approx(np.sqrt(np.mean(samples.astype(np.float64) ** 2)), abs=1e-9)


@given(st.integers(1, 5_000_000), st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_every_level_is_right(count: int, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, count).astype(np.float32)
    _, data = build(samples, [16_000] * (count // 16_000))
    header = read_header(data[:280])
    assert header.levels[-1].bins <= peaks.COARSEST_BINS
    for index, level in enumerate(header.levels):
        assert level.samples_per_bin == BASE * FACTOR**index
        np.testing.assert_array_equal(read_level(data, level), brute_force(samples, level.samples_per_bin))
    assert header.levels[-1].offset + 2 * header.levels[-1].bins == len(data)


def test_the_faintest_sound_is_not_drawn_as_silence() -> None:
    samples = np.zeros(BASE, dtype=np.float32)
    samples[7] = 0.0003
    _, data = build(samples, [])
    assert read_level(data, read_header(data).levels[0]).tolist() == [[0, 1]]


def test_ten_hours_take_six_megabytes() -> None:
    builder, hour = PeakBuilder(), np.zeros(16_000 * 3600, dtype=np.float32)
    for _ in range(10):
        builder.add(hour)
    assert sum(map(len, builder.chunks())) < 6_100_000
    assert builder.duration_ms == 36_000_000


def test_nothing_gives_an_empty_file() -> None:
    builder = PeakBuilder()
    builder.add(np.empty(0, dtype=np.float32))
    header = read_header(b"".join(builder.chunks()))
    assert (header.samples, header.levels[0].bins, builder.rms, builder.duration_ms) == (0, 0, 0.0, 0)


@pytest.mark.parametrize(
    "data", [b"", b"RBPK", b"RIFF" + bytes(100), b"RBPK\x02" + bytes(100), b"RBPK\x01\x09" + bytes(40)]
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        read_header(data)
