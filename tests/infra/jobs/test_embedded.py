"""The embedded executor: what every executor must do, and what only it does."""

import threading
from collections.abc import Iterator, Mapping

import pytest

from core.infra import migrate
from core.infra.db import Database
from core.infra.jobs import EmbeddedExecutor, JobQueue
from core.ports import JobContext, JobHandler
from tests.infra.jobs.conformance import ExecutorConformance
from tests.infra.jobs.helpers import MakeExecutor, Windows, eventually, make_queue, state_of


class TestEmbeddedExecutor(ExecutorConformance):
    @pytest.fixture
    def make_executor(self) -> Iterator[MakeExecutor]:
        made: list[EmbeddedExecutor] = []

        def make(queue: JobQueue, handlers: Mapping[str, JobHandler], *, slots: int = 1) -> EmbeddedExecutor:
            made.append(EmbeddedExecutor(queue, handlers, slots=slots, poll_seconds=0.05))
            return made[-1]

        yield make
        for executor in made:
            executor.stop(30)


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    migrate.upgrade(sqlite_url)
    database = Database(sqlite_url)
    yield database
    database.dispose()


def test_a_new_job_wakes_an_idle_slot(sqlite_database: Database) -> None:
    """Not by its next look: that would be an hour away."""
    queue = make_queue(sqlite_database)
    executor = EmbeddedExecutor(queue, {"work": Windows(1)}, slots=1, poll_seconds=3_600)
    executor.start()
    try:
        jobs = [queue.enqueue("work", {})]
        eventually(lambda: state_of(queue, jobs[0].id) == "completed")
        with sqlite_database.write() as session:
            jobs.append(queue.enqueue("work", {}, session=session))
        eventually(lambda: state_of(queue, jobs[1].id) == "completed")
    finally:
        executor.stop(30)


def test_no_slots_no_worker(sqlite_database: Database) -> None:
    queue = make_queue(sqlite_database)
    executor = EmbeddedExecutor(queue, {}, slots=0)
    executor.start()
    assert not executor.alive
    assert queue.workers.list() == ()
    executor.stop(1)


def test_its_row_says_what_it_is_and_ends_with_it(sqlite_database: Database) -> None:
    queue = make_queue(sqlite_database, lease_seconds=1)
    loaded = [{"name": "demo", "device": "cpu", "compute_type": "int8", "leases": 1, "idle_seconds": 0}]
    executor = EmbeddedExecutor(queue, {"work": Windows(2, gated=True)}, slots=2, models=lambda: loaded)
    executor.start()
    executor.start()  # harmless
    job = queue.enqueue("work", {})
    eventually(lambda: bool(queue.workers.list()[0].models) and queue.workers.list()[0].job_ids == (job.id,))
    (worker,) = queue.workers.list()
    assert (worker.alive, worker.slots, worker.id) == (True, 2, executor.worker_id)
    executor.stop(30)
    executor.stop(30)  # harmless
    (worker,) = queue.workers.list()
    assert not worker.alive
    assert worker.stopped_at is not None


def test_it_can_be_started_again(sqlite_database: Database) -> None:
    queue = make_queue(sqlite_database)
    executor = EmbeddedExecutor(queue, {"work": Windows(1)}, slots=1)
    executor.start()
    first = executor.worker_id
    executor.stop(30)
    executor.start()
    assert executor.worker_id != first
    job = queue.enqueue("work", {})
    eventually(lambda: state_of(queue, job.id) == "completed")
    executor.stop(30)


def test_d7_its_threads_end_with_it(sqlite_database: Database) -> None:
    """D7."""
    before = set(threading.enumerate())
    executor = EmbeddedExecutor(make_queue(sqlite_database), {"work": Windows(1)}, slots=3)
    executor.start()
    executor.stop(30)
    assert set(threading.enumerate()) <= before


def test_a_database_that_goes_away_for_a_while_is_outlived(sqlite_url: str, sqlite_database: Database) -> None:
    """D6: the slots and the supervisor go on when it is back."""
    queue = make_queue(sqlite_database, lease_seconds=0.4)
    executor = EmbeddedExecutor(queue, {"work": Windows(1)}, slots=1, poll_seconds=0.02)
    executor.start()
    migrate.downgrade(sqlite_url, "base")
    gone = threading.Event()
    gone.wait(0.5)  # long enough for both kinds of threads to meet it; nothing depends on their having done so
    migrate.upgrade(sqlite_url)
    job = queue.enqueue("work", {})
    eventually(lambda: state_of(queue, job.id) == "completed")
    assert executor.alive
    executor.stop(30)


def test_checks_are_cheap_but_find_a_cancel(sqlite_database: Database) -> None:
    queue = make_queue(sqlite_database)

    def busy(context: JobContext) -> None:
        while True:
            context.check()

    executor = EmbeddedExecutor(queue, {"work": busy}, slots=1)
    executor.start()
    job = queue.enqueue("work", {})
    eventually(lambda: state_of(queue, job.id) == "running")
    queue.cancel(job.id)
    eventually(lambda: state_of(queue, job.id) == "cancelled")
    executor.stop(30)
