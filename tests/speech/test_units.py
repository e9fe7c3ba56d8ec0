"""Times and sizes as people read them."""

import pytest

from core.speech import units


@pytest.mark.parametrize(
    ("ms", "said"),
    [(0, "0:00"), (7_999, "0:07"), (10_999, "0:10"), (750_000, "12:30"), (3_599_999, "59:59"), (3_723_000, "1:02:03")],
)
def test_clock(ms: int, said: str) -> None:
    assert units.clock(ms) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(None, ""), (0, "0 bytes"), (999, "999 bytes"), (655_360, "655 kB"), (13_000_000, "13.0 MB"),
     (484_000_000, "484 MB"), (3_100_000_000, "3.1 GB"), (5 * 10**15, "5000 TB")],
)  # fmt: skip
def test_size(count: int | None, said: str) -> None:
    assert units.size(count) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(8 << 30, "8 GiB"), (512 << 20, "512 MiB"), (1_500 << 10, "1500 KiB"), (5_000_000, "5.0 MB"), (0, "0 bytes")],
)
def test_limit(count: int, said: str) -> None:
    assert units.limit(count) == said
