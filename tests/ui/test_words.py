"""How pages say things."""

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import words


@pytest.mark.parametrize(
    ("written", "ms"),
    [("0:07", 7_000), (" 12:30 ", 750_000), ("90:00", 5_400_000), ("1:02:03", 3_723_000), ("1:2:03", 3_723_000),
     ("", None), ("12", None), ("1:60", None), ("1:75:00", None), ("soon", None), ("-1:00", None), ("１:00", None)],
)  # fmt: skip
def test_milliseconds(written: str, ms: int | None) -> None:
    assert words.milliseconds(written) == ms


@pytest.mark.parametrize(
    ("ms", "said"),
    [(400, "0 s"), (8_000, "8 s"), (60_000, "1 min"), (250_000, "4 min 10 s"), (754_000, "12 min"),
     (7_500_000, "2 h 5 min"), (7_200_000, "2 h")],
)  # fmt: skip
def test_duration(ms: int, said: str) -> None:
    assert words.duration(ms) == said


@pytest.mark.parametrize(
    ("ms", "said"),
    [(None, ""), (3_000, "a few seconds left"), (47_000, "about 50 s left"), (125_000, "about 2 min left")],
)
def test_remaining(ms: int | None, said: str) -> None:
    assert words.remaining(ms) == said


def test_count() -> None:
    assert [words.count(n, "recording") for n in (0, 1, 1_200)] == ["0 recordings", "1 recording", "1,200 recordings"]


def test_moment_names_the_day_only_when_it_is_not_today() -> None:
    assert words.moment(datetime.now(UTC)).startswith("today, ")
    assert words.moment(datetime.now(UTC) - timedelta(days=400)).count(" ") == 3


@given(st.text())
def test_escaped_text_has_no_markdown_left(text: str) -> None:
    escaped = words.escape(text)
    bare = escaped
    for mark in string.punctuation:
        bare = bare.replace(f"\\{mark}", "")
    assert not set(bare) & set(string.punctuation)
    assert "\n" not in escaped
