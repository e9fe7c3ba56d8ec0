"""The embedded executor: what every executor must do, and what only it does."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from core.infra import migrate
from core.infra.db import POOL_SIZE, Database
from core.infra.jobs import EmbeddedExecutor, JobQueue
from core.ports import JobContext, JobHandler
from tests.infra.jobs.conformance import ExecutorConformance
from tests.infra.jobs.helpers import MakeExecutor, Windows, eventually, make_queue, state_of

#: One entry for each file this process has open.
OPEN_FILES = Path("/proc/self/fd")


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


def test_c13_an_outcome_that_cannot_be_stored_does_not_end_the_slot(sqlite_url: str, sqlite_database: Database) -> None:
    """C13: the lease runs out instead, and another attempt begins at the last checkpoint."""
    queue = make_queue(sqlite_database)

    def saw_off_the_branch(context: JobContext) -> None:
        migrate.downgrade(sqlite_url, "base")

    executor = EmbeddedExecutor(queue, {"bad": saw_off_the_branch, "good": Windows(1)}, slots=1, poll_seconds=0.02)
    executor.start()
    queue.enqueue("bad", {})
    database = Database(sqlite_url)
    eventually(lambda: migrate.current_revision(database) is None)
    database.dispose()
    migrate.upgrade(sqlite_url)
    good = queue.enqueue("good", {})
    eventually(lambda: state_of(queue, good.id) == "completed")
    assert executor.alive
    executor.stop(30)


@pytest.mark.slow
@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="only Linux lists a process's open files there")
def test_d7_a_thousand_jobs_leave_no_file_and_no_connection_open(sqlite_database: Database) -> None:
    """D7."""
    queue = make_queue(sqlite_database)
    executor = EmbeddedExecutor(queue, {"work": Windows(1)}, slots=2)
    executor.start()

    def run(count: int) -> int:
        """Runs so many jobs. Returns how many files are open then."""
        with sqlite_database.write() as session:
            for _ in range(count):
                queue.enqueue("work", {}, session=session)
        eventually(lambda: queue.counts()["queued"] == queue.counts()["running"] == 0)
        return len(list(OPEN_FILES.iterdir()))

    before = run(100)
    after = run(900)
    executor.stop(30)
    assert queue.counts()["completed"] == 1_000
    # The pool may have opened a few more connections by then (three files each), never one for each job.
    assert after <= before + 3 * POOL_SIZE
    assert sqlite_database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # this pool has it
