"""What the tests run in processes of their own. Importable by name, since such a process starts from nothing."""

import sys
import threading
from collections.abc import Mapping
from typing import Any

from core.errors import ConflictError, LeaseLostError
from core.infra.db import Database
from core.infra.jobs import EmbeddedExecutor, Progress, run_inline
from core.ports import JobContext
from tests.infra.jobs.helpers import make_queue, note

#: Windows of the jobs below, and the one in which the process is killed.
WINDOWS = 6
FATAL_WINDOW = 3


def complete_all(url: str) -> list[int]:
    """Claims and completes jobs until there are none. Returns which."""
    database = Database(url)
    queue = make_queue(database)
    done = []
    while (claim := queue.claim("worker")) is not None:
        progress = Progress(stage="x", done_ms=1, total_ms=1)
        queue.save(claim, {"n": 1}, progress, note(f"job-{claim.id}"))
        queue.complete(claim, {})
        done.append(claim.id)
    database.dispose()
    return done


def cancel_all(url: str, job_ids: list[int]) -> list[int]:
    """Cancels each job. Returns those for which that was not refused."""
    database = Database(url)
    queue = make_queue(database)
    done = []
    for job_id in job_ids:
        try:
            queue.cancel(job_id)
        except ConflictError:
            continue
        done.append(job_id)
    database.dispose()
    return done


def take_over_and_write(url: str, job_id: int) -> int:
    """Everybody takes the same job again and again, and writes to it late. Returns how many writes were accepted."""
    database = Database(url)
    queue = make_queue(database, lease_seconds=0, max_attempts=10_000)
    accepted = 0
    for _ in range(15):
        queue.requeue_expired()
        claim = queue.claim("worker", job_id=job_id)
        if claim is None:
            continue
        try:
            queue.save(claim, {"attempt": claim.attempt}, Progress(stage="x"), note(f"attempt-{claim.attempt}"))
        except LeaseLostError:
            continue
        accepted += 1
    database.dispose()
    return accepted


def fatal_handler(context: JobContext) -> Mapping[str, Any] | None:
    """Works until the fatal window, says so, and waits there to be killed."""
    for window in range(int(context.checkpoint.get("next", 0)), WINDOWS):
        if window == FATAL_WINDOW:
            sys.stdout.write("at the fatal window\n")
            sys.stdout.flush()
            threading.Event().wait()
        context.save(
            {"next": window + 1}, stage="Transcribing", done_ms=window + 1, total_ms=WINDOWS,
            write=note(f"window-{window}"),
        )  # fmt: skip
    return None


def main(mode: str, url: str, job_id: str) -> None:
    """Runs a job that never ends, as the app does (``executor``) or as the command line does (``inline``)."""
    queue = make_queue(Database(url))
    handlers = {"work": fatal_handler}
    if mode == "inline":
        run_inline(queue, handlers, int(job_id))
        return
    EmbeddedExecutor(queue, handlers, slots=1).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
