"""Time left, told from the pace of the present attempt."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.infra.jobs import eta_ms

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_quarter_in_one_minute_leaves_three() -> None:
    assert eta_ms(started_at=START, at=after(60), done_ms=250, total_ms=1_000) == 180_000


def test_a_resumed_job_counts_only_what_this_attempt_did() -> None:
    """It began at 500 and did 250 in a minute: the last 250 take another one, not twenty seconds."""
    assert eta_ms(started_at=START, at=after(60), done_ms=750, total_ms=1_000, attempt_done_ms=500) == 60_000


def test_nothing_can_be_told_before_anything_is_done() -> None:
    assert eta_ms(started_at=None, at=START, done_ms=1, total_ms=2) is None
    assert eta_ms(started_at=START, at=after(60), done_ms=0, total_ms=2) is None
    assert eta_ms(started_at=START, at=after(60), done_ms=500, total_ms=1_000, attempt_done_ms=500) is None
    assert eta_ms(started_at=START, at=after(60), done_ms=5, total_ms=0) is None


def test_a_clock_that_was_set_back_tells_nothing() -> None:
    assert eta_ms(started_at=START, at=after(-5), done_ms=5, total_ms=10) is None


@given(
    seconds=st.floats(0.001, 1e6), done=st.integers(0, 10**9), total=st.integers(0, 10**9), before=st.integers(0, 10**9)
)
def test_never_negative_and_nothing_left_at_the_end(seconds: float, done: int, total: int, before: int) -> None:
    left = eta_ms(started_at=START, at=after(seconds), done_ms=done, total_ms=total, attempt_done_ms=before)
    assert left is None or left >= 0
    if left is not None and done >= total:
        assert left == 0
