"""C5, C13: the queue from several real processes at once, and processes that are killed."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core.infra.db import Database
from core.infra.jobs import EmbeddedExecutor, JobQueue, run_inline
from core.infra.jobs.workers import pid_space
from core.infra.tables import Job
from core.infra.tables.base import now
from core.ports import JobContext
from tests.infra.jobs import processes
from tests.infra.jobs.helpers import eventually, make_queue, note, notes, state_of
from tests.tree import ROOT

PROCESSES = 4


@contextmanager
def pool() -> Iterator[Any]:
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        yield pool
        pool.close()
        pool.join()


@pytest.mark.slow
def test_c5_four_processes_do_each_of_200_jobs_exactly_once(database: Database, database_url: str) -> None:
    """C5: storing a job's result twice would break a constraint."""
    queue = make_queue(database)
    ids = [queue.enqueue("work", {}).id for _ in range(200)]
    with pool() as workers:
        done = workers.map(processes.complete_all, [database_url] * PROCESSES, chunksize=1)
    assert sorted(job_id for part in done for job_id in part) == ids
    assert queue.counts()["completed"] == 200
    assert len(notes(database)) == 200


@pytest.mark.slow
def test_c5_of_many_cancels_one_is_accepted(database: Database, database_url: str) -> None:
    """C5."""
    queue = make_queue(database)
    ids = [queue.enqueue("work", {}).id for _ in range(40)]
    with pool() as workers:
        done = workers.starmap(processes.cancel_all, [(database_url, ids)] * PROCESSES, chunksize=1)
    assert sorted(job_id for part in done for job_id in part) == ids


@pytest.mark.slow
def test_c5_a_job_taken_over_again_and_again_has_one_writer_at_a_time(database: Database, database_url: str) -> None:
    """C5: leases of no length at all, so that every write may come too late."""
    queue = make_queue(database, max_attempts=10_000)
    job = queue.enqueue("work", {})
    with pool() as workers:
        accepted = workers.starmap(processes.take_over_and_write, [(database_url, job.id)] * PROCESSES, chunksize=1)
    # Every accepted write is there, none twice: its key is the attempt.
    assert len(notes(database)) == sum(accepted)
    assert queue.get(job.id).attempt <= 15 * PROCESSES


@contextmanager
def killed_in_the_middle(mode: str, url: str, job_id: int) -> Iterator[int]:
    """A process that works on the job until it is killed with SIGKILL. Yields its pid, which is then no more."""
    command = [sys.executable, "-m", "tests.infra.jobs.processes", mode, url, str(job_id)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            assert any("at the fatal window" in line for line in lines)
        finally:
            process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        yield process.pid


class Resumed:
    """Does what `processes.fatal_handler` does, without dying."""

    def __init__(self) -> None:
        self.begun: list[int] = []

    def __call__(self, context: JobContext) -> Mapping[str, Any]:
        for window in range(int(context.checkpoint.get("next", 0)), processes.WINDOWS):
            self.begun.append(window)
            context.save(
                {"next": window + 1}, stage="x", done_ms=window + 1, total_ms=processes.WINDOWS,
                write=note(f"window-{window}"),
            )  # fmt: skip
        return {"fine": True}


def resumes(queue: JobQueue, job_id: int, handler: Resumed) -> None:
    executor = EmbeddedExecutor(queue, {"work": handler}, slots=1, poll_seconds=0.05)
    executor.start()
    eventually(lambda: state_of(queue, job_id) == "completed")
    executor.stop(30)
    assert handler.begun == [3, 4, 5]
    assert notes(queue.database) == [f"window-{n}" for n in range(processes.WINDOWS)]
    assert queue.get(job_id).attempt == 2


@pytest.mark.skipif(not pid_space(), reason="only Linux lets us know that a process is gone")
@pytest.mark.parametrize("mode", ["executor", "inline"])
def test_c13_after_kill_9_the_next_start_goes_on_at_once(database: Database, database_url: str, mode: str) -> None:
    """C13: the lease would last an hour, but the process is gone, and that can be seen."""
    queue = make_queue(database, lease_seconds=3_600)
    job = queue.enqueue("work", {})
    with killed_in_the_middle(mode, database_url, job.id) as pid, pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    before = queue.get(job.id)
    assert (before.state, before.done_ms) == ("running", 3)
    assert not any(worker.alive for worker in queue.workers.list())
    resumes(queue, job.id, Resumed())


def test_c13_after_kill_9_on_another_machine_the_lease_decides(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C13: from elsewhere nobody can see that process; its silence tells."""
    monkeypatch.setattr("core.infra.jobs.workers.pid_space", lambda: "another machine")
    queue = make_queue(database, lease_seconds=0.5)
    job = queue.enqueue("work", {})
    with killed_in_the_middle("executor", database_url, job.id):
        assert queue.workers.dead_ids() == ()
    # The process took a lease of 30 s; what is left of it shall not hold up the tests.
    with database.write() as session:
        session.execute(update(Job).values(lease_expires_at=now() - timedelta(seconds=1)))
    resumes(queue, job.id, Resumed())


def test_c13_the_command_line_takes_over_from_a_killed_one(database: Database, database_url: str) -> None:
    """C13: `readback transcribe` again after a kill."""
    queue = make_queue(database, lease_seconds=3_600 if pid_space() else 1)
    job = queue.enqueue("work", {})
    with killed_in_the_middle("inline", database_url, job.id):
        pass
    handler = Resumed()
    assert run_inline(queue, {"work": handler}, job.id).state == "completed"
    assert handler.begun == [3, 4, 5]
