"""The part of the conformance suite about workers: shutdown, leases, many at once. See `conformance`."""

import threading
from collections import Counter

import pytest

from core.errors import LeaseLostError
from core.infra.db import Database
from core.infra.jobs import Progress
from core.ports import JobContext
from tests.infra.jobs.helpers import MakeExecutor, Windows, eventually, make_queue, note, notes, state_of


class WorkerConformance:
    """What must hold when workers come and go."""

    def test_b14_shutdown_gives_the_job_back_and_another_start_goes_on(
        self, database: Database, make_executor: MakeExecutor
    ) -> None:
        """B14: at the checkpoint, without an attempt being spent."""
        queue, windows = make_queue(database, max_attempts=1), Windows(4, gated=True)
        executor = make_executor(queue, {"work": windows})
        executor.start()
        job = queue.enqueue("work", {})
        windows.permit(2)
        eventually(lambda: windows.begun == [0, 1, 2])
        executor.stop(30)
        back = queue.get(job.id)
        assert (back.state, back.worker_id, back.done_ms) == ("queued", None, 2_000)
        assert back.max_attempts - back.attempt == 1
        windows.permit(2)
        make_executor(queue, {"work": windows}).start()
        eventually(lambda: state_of(queue, job.id) == "completed")
        assert windows.begun == [0, 1, 2, 2, 3]

    def test_a_job_that_does_not_stop_is_taken_from_its_thread(
        self, database: Database, make_executor: MakeExecutor
    ) -> None:
        queue, begun, go_on = make_queue(database), threading.Event(), threading.Event()
        outcome: list[str] = []

        def deaf(context: JobContext) -> None:
            begun.set()
            go_on.wait(60)
            try:
                context.save({}, stage="Late", done_ms=1, total_ms=1, write=note("late"))
            except LeaseLostError:
                outcome.append("refused")
                raise

        executor = make_executor(queue, {"work": deaf})
        executor.start()
        job = queue.enqueue("work", {})
        assert begun.wait(60)
        executor.stop(0.1)
        assert state_of(queue, job.id) == "queued"
        go_on.set()
        eventually(lambda: outcome == ["refused"])
        assert (state_of(queue, job.id), notes(database)) == ("queued", [])

    def test_an_expired_lease_is_taken_over_and_the_first_worker_refused(
        self, database: Database, make_executor: MakeExecutor
    ) -> None:
        queue, windows = make_queue(database, lease_seconds=0.3), Windows(4)
        job = queue.enqueue("work", {})
        zombie = queue.claim("zombie")
        assert zombie is not None
        queue.save(zombie, {"next": 2}, Progress(stage="Transcribing", done_ms=2_000, total_ms=4_000), note("kept"))
        make_executor(queue, {"work": windows}).start()
        eventually(lambda: state_of(queue, job.id) == "completed")
        assert windows.begun == [2, 3]
        with pytest.raises(LeaseLostError):
            queue.save(zombie, {"next": 3}, Progress(stage="Transcribing"), note("late"))
        for write in (
            lambda: queue.complete(zombie, {}),
            lambda: queue.release(zombie),
            lambda: queue.heartbeat(zombie),
        ):
            with pytest.raises(LeaseLostError):
                write()
        assert notes(database) == ["kept"]
        assert queue.get(job.id).result == {"windows": 4}

    def test_a_long_job_keeps_its_lease(self, database: Database, make_executor: MakeExecutor) -> None:
        """The heartbeat does not depend on the handler: it may be silent for several leases."""
        queue, go_on, rival = make_queue(database, lease_seconds=0.5), threading.Event(), make_queue(database)
        starts: list[int] = []

        def silent(context: JobContext) -> None:
            starts.append(context.attempt)
            go_on.wait(60)

        make_executor(queue, {"work": silent}).start()
        job = queue.enqueue("work", {})
        eventually(lambda: starts == [1])
        first = queue.get(job.id).heartbeat_at
        assert first is not None
        eventually(lambda: (queue.get(job.id).heartbeat_at or first).timestamp() > first.timestamp() + 1.5)
        assert rival.requeue_expired() == 0
        go_on.set()
        eventually(lambda: state_of(queue, job.id) == "completed")
        assert starts == [1]

    def test_jobs_of_other_processes_are_found(self, database: Database, make_executor: MakeExecutor) -> None:
        queue, elsewhere = make_queue(database), make_queue(database)
        make_executor(queue, {"work": Windows(1)}).start()
        job = elsewhere.enqueue("work", {})
        eventually(lambda: state_of(queue, job.id) == "completed")

    def test_kinds_it_has_no_handler_for_are_left_alone(self, database: Database, make_executor: MakeExecutor) -> None:
        queue = make_queue(database)
        make_executor(queue, {"work": Windows(1)}).start()
        other, ours = queue.enqueue("other", {}), queue.enqueue("work", {})
        eventually(lambda: state_of(queue, ours.id) == "completed")
        assert state_of(queue, other.id) == "queued"

    def test_d9_many_workers_lose_nothing_and_double_nothing(
        self, database: Database, make_executor: MakeExecutor
    ) -> None:
        """D9."""
        runs: Counter[int] = Counter()
        lock = threading.Lock()

        def handler(context: JobContext) -> None:
            with lock:
                runs[context.job_id] += 1
            context.save({}, stage="x", done_ms=1, total_ms=1, write=note(f"job-{context.job_id}"))

        queues = [make_queue(database) for _ in range(3)]
        for queue in queues:
            make_executor(queue, {"work": handler}, slots=2).start()
        jobs = [queues[n % 3].enqueue("work", {"n": n}) for n in range(90)]
        eventually(lambda: queues[0].counts()["completed"] == 90)
        assert runs == Counter({job.id: 1 for job in jobs})
        assert len(notes(database)) == 90
