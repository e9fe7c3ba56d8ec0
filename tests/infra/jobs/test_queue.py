"""The queue: what users may do to jobs in each state, and what workers may."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.errors import ConflictError, LeaseLostError, NotFoundError, QueueFullError
from core.infra.db import Database
from core.infra.jobs import ClaimedJob, JobQueue, Progress
from core.infra.tables import Job, JobState, Preference
from core.infra.tables.base import now
from tests.infra.jobs.helpers import make_queue

PROGRESS = Progress(stage="Transcribing", done_ms=1, total_ms=4)


@pytest.fixture
def queue(database: Database) -> JobQueue:
    return make_queue(database)


def claimed(queue: JobQueue, *, worker: str = "w") -> ClaimedJob:
    job = queue.enqueue("work", {})
    claim = queue.claim(worker, job_id=job.id)
    assert claim is not None
    return claim


def job_in(queue: JobQueue, state: str) -> int:
    """A job brought to a state by the ways there are."""
    if state == "queued":
        return queue.enqueue("work", {}).id
    claim = claimed(queue)
    if state == "completed":
        queue.complete(claim, {})
    elif state == "failed":
        queue.fail(claim, code="x", message="X.", retryable=False)
    elif state == "cancelled":
        queue.cancelled(claim)
    assert queue.get(claim.id).state == state
    return claim.id


def expire(queue: JobQueue, job_id: int) -> None:
    """Lets the worker have been silent for long."""
    past = now() - timedelta(hours=1)
    with queue.database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(lease_expires_at=past))


@pytest.mark.parametrize("state", list(JobState))
def test_c5_what_users_may_do_in_each_state(queue: JobQueue, state: JobState) -> None:
    """C5."""
    after = {
        "cancel": {"queued": "cancelled", "running": "running"},
        "retry": {"failed": "queued", "cancelled": "queued"},
        "requeue": {},
    }
    actions: dict[str, Callable[[int], object]] = {
        "cancel": queue.cancel, "retry": queue.retry, "requeue": queue.requeue
    }  # fmt: skip
    for name, action in actions.items():
        job_id = job_in(queue, state)
        if state in after[name]:
            action(job_id)
            assert queue.get(job_id).state == after[name][state]
        else:
            with pytest.raises(ConflictError):
                action(job_id)
            assert queue.get(job_id).state == state
    job_id = job_in(queue, state)
    if state in ("queued", "running"):
        with pytest.raises(ConflictError):
            queue.delete(job_id)
    else:
        queue.delete(job_id)
        with pytest.raises(NotFoundError):
            queue.get(job_id)


def test_jobs_that_do_not_exist(queue: JobQueue) -> None:
    for action in (queue.get, queue.cancel, queue.retry, queue.requeue, queue.delete):
        with pytest.raises(NotFoundError):
            action(4711)


def test_a_job_joins_the_transaction_of_its_caller(queue: JobQueue) -> None:
    """D6: no job without what it is about, and the other way round."""
    woken: list[int] = []
    end = queue.subscribe(lambda: woken.append(1))

    def half(session: Session) -> None:
        queue.enqueue("work", {}, session=session)
        raise LookupError

    with pytest.raises(LookupError):
        queue.database.run_write(half)
    assert (queue.counts()["queued"], woken) == (0, [])
    with queue.database.write() as session:
        queue.enqueue("work", {}, session=session)
        assert woken == []
    assert (queue.counts()["queued"], woken) == (1, [1])
    end()
    queue.enqueue("work", {})
    assert woken == [1]


def test_claim_takes_what_was_asked_for(queue: JobQueue) -> None:
    one, two = queue.enqueue("a", {}), queue.enqueue("b", {})
    assert queue.claim("w", kinds=("c",)) is None
    by_kind, by_id = queue.claim("w", kinds=("b",)), queue.claim("w", job_id=one.id)
    assert by_kind is not None
    assert by_id is not None
    assert (by_kind.id, by_id.id) == (two.id, one.id)
    assert queue.claim("w") is None


def test_a_job_waits_for_its_time(queue: JobQueue) -> None:
    claim = claimed(queue)
    with queue.database.write() as session:
        session.execute(update(Job).values(attempt=5, max_attempts=9))
    claim = ClaimedJob(id=claim.id, attempt=5, worker_id="w", record=claim.record, checkpoint={})
    before = now()
    waiting = queue.fail(claim, code="x", message="Busy.", retryable=True)
    assert (waiting.state, waiting.error_message) == ("queued", "Busy.")
    # 0.05 s doubled four times, give or take a quarter.
    assert timedelta(seconds=0.6) <= waiting.run_after - before <= timedelta(seconds=30)
    with queue.database.write() as session:
        session.execute(update(Job).values(run_after=now() + timedelta(hours=1)))
    assert queue.claim("w") is None


def test_back_off_doubles_up_to_a_limit(queue: JobQueue) -> None:
    pauses = [queue._backoff_seconds(attempt) for attempt in (1, 3, 10, 100, 1_000)]
    for pause, middle in zip(pauses, (0.05, 0.2, 25.6, 300.0, 300.0), strict=True):
        assert 0.75 * middle <= pause <= 1.25 * middle


def test_results_and_checkpoint_are_stored_together_or_not_at_all(queue: JobQueue) -> None:
    claim = claimed(queue)

    def write(session: Session) -> None:
        session.add(Preference(key="half", value={}))
        raise LookupError

    with pytest.raises(LookupError):
        queue.save(claim, {"next": 1}, PROGRESS, write)
    with queue.database.read() as session:
        assert session.scalars(select(Preference)).all() == []
    assert queue.get(claim.id).done_ms == 0


def test_a_worker_that_lost_its_job_can_write_nothing(queue: JobQueue) -> None:
    claim = claimed(queue)
    expire(queue, claim.id)
    assert queue.heartbeat(claim) is False, "silent, but nobody else took it: still its own"
    expire(queue, claim.id)
    assert queue.requeue_expired() == 1
    again = queue.claim("w")
    assert again is not None
    writes: list[Callable[[], object]] = [
        lambda: queue.heartbeat(claim),
        lambda: queue.heartbeat(claim, PROGRESS),
        lambda: queue.cancel_requested(claim),
        lambda: queue.save(claim, {}, PROGRESS),
        lambda: queue.complete(claim),
        lambda: queue.fail(claim, code="x", message="X", retryable=True),
        lambda: queue.release(claim),
        lambda: queue.cancelled(claim),
    ]
    for write in writes:
        with pytest.raises(LeaseLostError):
            write()
    assert queue.get(claim.id).attempt == 2
    queue.complete(again, {"fine": True})


def test_attempt_numbers_never_come_again(queue: JobQueue) -> None:
    """Writes are told apart by them, so a release or a retry must not give a number twice."""
    numbers = []
    claim = claimed(queue)
    for end in ("release", "fail", "release", "cancel", "complete"):
        numbers.append(claim.attempt)
        if end == "release":
            queue.release(claim)
        elif end == "fail":
            queue.fail(claim, code="x", message="X.", retryable=False)
            queue.retry(claim.id)
        elif end == "cancel":
            queue.cancelled(claim)
            queue.retry(claim.id)
        else:
            queue.complete(claim)
            break
        following = queue.claim("w", job_id=claim.id)
        assert following is not None
        claim = following
    assert numbers == [1, 2, 3, 4, 5]


def test_a_job_that_kills_its_workers_fails_in_the_end(queue: JobQueue) -> None:
    """C13: no error ever reaches us; only the silence."""
    job = queue.enqueue("work", {})
    for _ in range(queue.max_attempts):
        assert queue.claim("w", job_id=job.id) is not None
        expire(queue, job.id)
        assert queue.requeue_expired() == 1
    failed = queue.get(job.id)
    assert (failed.state, failed.error_code, failed.attempt) == ("failed", "worker_lost", 3)
    assert "ended or froze" in failed.error_message
    assert queue.claim("w", job_id=job.id) is None
    assert queue.retry(job.id).max_attempts == 6


def test_a_cancelled_job_of_a_dead_worker_ends(queue: JobQueue) -> None:
    claim = claimed(queue)
    queue.cancel(claim.id)
    expire(queue, claim.id)
    queue.requeue_expired()
    assert queue.get(claim.id).state == "cancelled"


@pytest.mark.parametrize(
    ("end", "expected"),
    [("release", "cancelled"), ("retryable", "cancelled"), ("fatal", "failed"), ("complete", "completed")],
)
def test_a_cancel_that_comes_late(queue: JobQueue, end: str, expected: str) -> None:
    claim = claimed(queue)
    queue.cancel(claim.id)
    if end == "release":
        queue.release(claim)
    elif end == "complete":
        queue.complete(claim, {})
    else:
        queue.fail(claim, code="x", message="X.", retryable=end == "retryable")
    ended = queue.get(claim.id)
    assert (ended.state, ended.cancel_requested) == (expected, False)


def test_retry_keeps_the_checkpoint_and_forgets_the_error(queue: JobQueue) -> None:
    claim = claimed(queue)
    queue.save(claim, {"next": 3}, PROGRESS)
    queue.fail(claim, code="x", message="X.", retryable=False)
    back = queue.retry(claim.id)
    assert (back.error_code, back.error_message, back.finished_at, back.done_ms) == ("", "", None, 1)
    again = queue.claim("w")
    assert again is not None
    assert again.checkpoint == {"next": 3}


def test_requeue_by_the_user(queue: JobQueue) -> None:
    """D2: refused while the worker lives, done when it is silent or has stopped."""
    worker = queue.workers.register(slots=1)
    claim = claimed(queue, worker=worker)
    with pytest.raises(ConflictError, match="alive"):
        queue.requeue(claim.id)
    queue.workers.stop(worker)
    assert queue.requeue(claim.id).state == "queued"
    again = queue.claim("silent")
    assert again is not None
    expire(queue, claim.id)
    assert queue.requeue(claim.id).state == "queued"


def test_requeue_of_the_last_attempt_grants_another(queue: JobQueue) -> None:
    claim = claimed(queue)
    with queue.database.write() as session:
        session.execute(update(Job).values(max_attempts=1))
    expire(queue, claim.id)
    assert queue.requeue(claim.id).max_attempts == 2


def test_retry_respects_the_limit(database: Database) -> None:
    queue = make_queue(database, limit=1)
    failed = job_in(queue, "failed")
    queue.enqueue("work", {})
    with pytest.raises(QueueFullError):
        queue.retry(failed)


def test_delete_with_the_worker_still_running(queue: JobQueue) -> None:
    """A job goes with its recording; its worker learns it at its next write."""
    claim = claimed(queue)
    with queue.database.write() as session:
        session.delete(session.get_one(Job, claim.id))
    with pytest.raises(LeaseLostError):
        queue.save(claim, {}, PROGRESS)
