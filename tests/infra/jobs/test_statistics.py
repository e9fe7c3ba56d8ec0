"""D2: lists and figures."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from core.infra.db import Database
from core.infra.tables import Job, Worker
from core.infra.tables.base import now
from tests.infra.jobs.helpers import make_queue


def test_lists_are_filtered_and_paged_newest_first(database: Database) -> None:
    queue = make_queue(database)
    ids = [queue.enqueue("a" if n % 2 else "b", {"n": n}).id for n in range(7)]
    queue.cancel(ids[3])
    page = queue.list(limit=3, offset=2)
    assert ([job.id for job in page.items], page.total, page.offset) == (ids[4:1:-1], 7, 2)
    assert [job.id for job in queue.list(kind="a").items] == [ids[5], ids[3], ids[1]]
    assert [job.id for job in queue.list(states=("cancelled",)).items] == [ids[3]]
    assert queue.list(states=("queued",), kind="a").total == 2
    assert queue.list(recording_id=99).items == ()


def test_counts_name_every_state(database: Database) -> None:
    queue = make_queue(database)
    assert queue.counts() == {"queued": 0, "running": 0, "completed": 0, "failed": 0, "cancelled": 0}
    queue.enqueue("a", {})
    assert queue.claim("w") is not None
    queue.enqueue("a", {})
    assert queue.counts() == {"queued": 1, "running": 1, "completed": 0, "failed": 0, "cancelled": 0}
    assert queue.cancel_waiting() == 1
    assert queue.counts() == {"queued": 0, "running": 1, "completed": 0, "failed": 0, "cancelled": 1}


def test_throughput_by_stretches(database: Database) -> None:
    queue = make_queue(database)
    minute = timedelta(minutes=1)
    this_minute = now().replace(second=0, microsecond=0)
    # Late in their minutes, where rounding instead of cutting off would show.
    ends = [("completed", 2), ("completed", 2), ("failed", 2), ("cancelled", 1), ("completed", 500)]
    with database.write() as session:
        for state, ago in ends:
            session.add(
                Job(kind="a", state=state, done_ms=1_000, finished_at=this_minute - ago * minute + minute * 0.99)
            )
    series = queue.throughput(this_minute - 3 * minute, bucket_seconds=60)
    figures = {
        round((this_minute - item.start) / minute): (item.completed, item.failed, item.cancelled, item.audio_ms)
        for item in series
    }
    assert figures[2] == (2, 1, 0, 2_000)
    assert figures[1] == (0, 0, 1, 0)
    assert figures[3] == figures[0] == (0, 0, 0, 0)
    assert all(item.start.tzinfo is UTC and item.start.second == 0 for item in series)


def test_oldest_wait_counts_only_what_could_run(database: Database) -> None:
    queue = make_queue(database)
    assert queue.oldest_queued_age() is None
    later = queue.enqueue("a", {})
    with database.write() as session:
        session.execute(update(Job).where(Job.id == later.id).values(run_after=now() + timedelta(hours=1)))
    assert queue.oldest_queued_age() is None
    old = queue.enqueue("a", {})
    with database.write() as session:
        session.execute(update(Job).where(Job.id == old.id).values(run_after=now() - timedelta(hours=1)))
    assert 3_600 <= (queue.oldest_queued_age() or 0) < 3_700


def test_workers_are_alive_while_they_are_heard_of(database: Database) -> None:
    registry = make_queue(database, lease_seconds=30).workers
    first, second, third = (registry.register(slots=n) for n in (1, 2, 3))
    registry.stop(second)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with database.write() as session:
        session.execute(update(Worker).where(Worker.id == third).values(heartbeat_at=long_ago))
    assert {worker.id: worker.alive for worker in registry.list()} == {first: True, second: False, third: False}
    assert registry.list()[0].id == first
    fourth = registry.register(slots=1)
    assert third not in {worker.id for worker in registry.list()}, "gone for more than a day"
    registry.beat(third, slots=3, models=[{"name": "demo"}])
    back = next(worker for worker in registry.list() if worker.id == third)
    assert (back.alive, back.models[0]["name"]) == (True, "demo")
    assert fourth in {worker.id for worker in registry.list()}
