"""What every executor must do, whichever way it does it.

To run a second executor against it, subclass `ExecutorConformance` in a test module of its own and give the subclass
one fixture::

    class TestMyExecutor(ExecutorConformance):
        @pytest.fixture
        def make_executor(self) -> Iterator[MakeExecutor]:
            made: list[MyExecutor] = []

            def make(queue, handlers, *, slots=1):
                made.append(MyExecutor(queue, handlers, slots=slots))
                return made[-1]

            yield make
            for executor in made:
                executor.stop(5)

`make_executor` returns executors that are not started yet; the fixture stops them. The fixture `database` (in
tests/infra/conftest.py) runs everything on SQLite and on PostgreSQL; an executor for PostgreSQL only overrides it with
one that is. Handlers are plain callables of the test's process: an executor whose workers are other processes needs
threads for this suite.
"""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from core.errors import DatabaseError, MediaMissingError, QueueFullError
from core.infra.db import Database
from core.ports import JobContext
from tests.infra.jobs.conformance_workers import WorkerConformance
from tests.infra.jobs.helpers import MakeExecutor, Windows, eventually, make_queue, state_of


class ExecutorConformance(WorkerConformance):
    """The suite; see the module's docstring."""

    def test_runs_a_job_to_its_result(self, database: Database, make_executor: MakeExecutor) -> None:
        queue = make_queue(database)
        executor = make_executor(queue, {"work": Windows(3)})
        alive = [executor.alive]
        executor.start()
        alive.append(executor.alive)
        job = queue.enqueue("work", {"a": 1})
        eventually(lambda: state_of(queue, job.id) == "completed")
        done = queue.get(job.id)
        assert (done.result, done.progress, done.attempt, done.worker_id) == ({"windows": 3}, 1.0, 1, None)
        assert done.finished_at is not None
        executor.stop(5)
        assert [*alive, executor.alive] == [False, True, False]

    def test_hands_the_payload_over(self, database: Database, make_executor: MakeExecutor) -> None:
        queue = make_queue(database)
        make_executor(queue, {"echo": lambda context: {"got": context.payload["x"]}}).start()
        job = queue.enqueue("echo", {"x": [1, "two"]})
        eventually(lambda: queue.get(job.id).result == {"got": [1, "two"]})

    def test_a4_progress_can_be_seen_while_it_runs(self, database: Database, make_executor: MakeExecutor) -> None:
        """A4."""
        queue, windows = make_queue(database), Windows(3, gated=True)
        make_executor(queue, {"work": windows}).start()
        job = queue.enqueue("work", {})
        windows.permit(2)
        eventually(lambda: queue.get(job.id).done_ms == 2_000)
        seen = queue.get(job.id)
        assert (seen.state, seen.stage, seen.total_ms) == ("running", "Transcribing", 3_000)
        assert seen.eta_ms is not None
        windows.permit()
        eventually(lambda: state_of(queue, job.id) == "completed")

    def test_reports_show_without_being_saved(self, database: Database, make_executor: MakeExecutor) -> None:
        queue, go_on = make_queue(database), threading.Event()

        def handler(context: JobContext) -> None:
            context.report(stage="Loading the model")
            while not go_on.wait(0.02):
                context.report(stage="Loading the model", done_ms=7, total_ms=9)

        make_executor(queue, {"work": handler}).start()
        job = queue.enqueue("work", {})
        eventually(lambda: (queue.get(job.id).stage, queue.get(job.id).done_ms) == ("Loading the model", 7))
        go_on.set()
        eventually(lambda: state_of(queue, job.id) == "completed")

    def test_a_waiting_job_is_cancelled_before_it_begins(self, database: Database, make_executor: MakeExecutor) -> None:
        queue, windows = make_queue(database), Windows(1)
        first, second = queue.enqueue("work", {}), queue.enqueue("work", {})
        assert queue.cancel(first.id).state == "cancelled"
        make_executor(queue, {"work": windows}).start()
        eventually(lambda: state_of(queue, second.id) == "completed")
        assert (windows.begun, queue.get(first.id).attempt) == ([0], 0)

    def test_a_running_job_is_cancelled_within_one_window(
        self, database: Database, make_executor: MakeExecutor
    ) -> None:
        queue, windows = make_queue(database), Windows(5, gated=True)
        make_executor(queue, {"work": windows}).start()
        job = queue.enqueue("work", {})
        windows.permit()
        eventually(lambda: windows.begun == [0, 1])
        assert queue.cancel(job.id).cancel_requested
        windows.permit(5)
        eventually(lambda: state_of(queue, job.id) == "cancelled")
        ended = queue.get(job.id)
        assert windows.begun == [0, 1]
        # What was done until then is kept, and a retry goes on from there.
        assert ended.done_ms >= 1_000
        queue.retry(job.id)
        windows.permit(5)
        eventually(lambda: state_of(queue, job.id) == "completed")
        assert windows.begun in ([0, 1, 2, 3, 4], [0, 1, 1, 2, 3, 4])

    def test_c13_a_failure_carries_its_reason(self, database: Database, make_executor: MakeExecutor) -> None:
        """C13: an error that will not pass fails at once."""
        queue = make_queue(database)

        def handler(context: JobContext) -> None:
            raise MediaMissingError("The recording's file has gone.")

        make_executor(queue, {"work": handler}).start()
        job = queue.enqueue("work", {})
        eventually(lambda: state_of(queue, job.id) == "failed")
        failed = queue.get(job.id)
        assert (failed.error_code, failed.error_message) == ("media_missing", "The recording's file has gone.")
        assert failed.attempt == 1

    def test_an_error_that_may_pass_is_tried_again_later(self, database: Database, make_executor: MakeExecutor) -> None:
        queue, attempts = make_queue(database), list[int]()

        def handler(context: JobContext) -> Mapping[str, Any]:
            attempts.append(context.attempt)
            if context.attempt < 3:
                raise DatabaseError("Not now.")
            return {"attempt": context.attempt}

        make_executor(queue, {"work": handler}).start()
        job = queue.enqueue("work", {})
        eventually(lambda: state_of(queue, job.id) == "completed")
        done = queue.get(job.id)
        assert (attempts, done.error_message) == ([1, 2, 3], "")
        assert done.run_after > done.created_at

    def test_attempts_come_to_an_end(self, database: Database, make_executor: MakeExecutor) -> None:
        queue, attempts = make_queue(database), list[int]()

        def handler(context: JobContext) -> None:
            attempts.append(context.attempt)
            raise DatabaseError("Still not.")

        make_executor(queue, {"work": handler}).start()
        job = queue.enqueue("work", {})
        eventually(lambda: state_of(queue, job.id) == "failed")
        assert (attempts, queue.get(job.id).error_message) == ([1, 2, 3], "Still not.")

    @pytest.mark.parametrize("error", [ValueError, MemoryError, SystemExit, KeyboardInterrupt, GeneratorExit])
    def test_c13_whatever_is_raised_the_job_fails_and_the_next_one_runs(
        self, database: Database, make_executor: MakeExecutor, error: type[BaseException]
    ) -> None:
        """C13, C11: the message leaks nothing of what was raised; the worker lives on."""
        queue = make_queue(database, max_attempts=2)

        def handler(context: JobContext) -> None:
            raise error("the password is hush")

        executor = make_executor(queue, {"bad": handler, "good": Windows(1)})
        executor.start()
        bad = queue.enqueue("bad", {}, request_id="req-77")
        eventually(lambda: state_of(queue, bad.id) == "failed")
        good = queue.enqueue("good", {})
        eventually(lambda: state_of(queue, good.id) == "completed")
        failed = queue.get(bad.id)
        assert (failed.error_code, failed.attempt) == ("internal", 2)
        assert "req-77" in failed.error_message
        assert "hush" not in failed.error_message
        assert executor.alive

    def test_a_result_that_cannot_be_stored_fails_the_job(
        self, database: Database, make_executor: MakeExecutor
    ) -> None:
        queue = make_queue(database, max_attempts=1)
        make_executor(queue, {"work": lambda context: {"not JSON": context}}).start()
        job = queue.enqueue("work", {})
        eventually(lambda: state_of(queue, job.id) == "failed")

    def test_urgent_jobs_go_first(self, database: Database, make_executor: MakeExecutor) -> None:
        queue, order = make_queue(database), list[str]()

        def handler(context: JobContext) -> None:
            order.append(context.payload["name"])

        jobs = [
            queue.enqueue("work", {"name": name}, priority=p) for name, p in [("b", 0), ("d", 5), ("a", -1), ("c", 0)]
        ]
        make_executor(queue, {"work": handler}).start()
        eventually(lambda: all(state_of(queue, job.id) == "completed" for job in jobs))
        assert order == ["a", "b", "c", "d"]

    def test_c9_the_queue_has_a_limit(self, database: Database, make_executor: MakeExecutor) -> None:
        """C9: refused when full, open again when there is room."""
        queue = make_queue(database, limit=2)
        jobs = [queue.enqueue("work", {}) for _ in range(2)]
        with pytest.raises(QueueFullError) as caught:
            queue.enqueue("work", {})
        assert caught.value.http_status == 429
        make_executor(queue, {"work": Windows(1)}).start()
        eventually(lambda: all(state_of(queue, job.id) == "completed" for job in jobs))
        queue.enqueue("work", {})
