"""What the tests of jobs share: queues, handlers, and waiting without guessing how long."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.infra.db import Database
from core.infra.jobs import JobQueue
from core.infra.tables import Preference
from core.ports import Executor, JobContext, JobHandler

#: Far more than anything here takes; only a hang reaches it.
DEADLINE_SECONDS = 300


class MakeExecutor(Protocol):
    """Makes the executor under test."""

    def __call__(self, queue: JobQueue, handlers: Mapping[str, JobHandler], *, slots: int = 1) -> Executor: ...


def eventually(condition: Callable[[], bool]) -> None:
    """Waits until the condition holds."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def make_queue(
    database: Database, *, limit: int = 1_000, max_attempts: int = 3, lease_seconds: float = 30.0
) -> JobQueue:
    """A queue that tries again almost at once."""
    return JobQueue(
        database, limit=limit, max_attempts=max_attempts, lease_seconds=lease_seconds, first_backoff_seconds=0.05
    )


def state_of(queue: JobQueue, job_id: int) -> str:
    return queue.get(job_id).state


class Windows:
    """A handler that works through windows as a transcription does: from the checkpoint on, one save for each.

    With `gate`, each window waits for its permit first.
    """

    def __init__(self, count: int = 5, *, gated: bool = False) -> None:
        self.count = count
        #: Windows begun, in order, over all attempts.
        self.begun: list[int] = []
        self._gate = threading.Semaphore(0) if gated else None

    def permit(self, windows: int = 1) -> None:
        assert self._gate is not None
        self._gate.release(windows)

    def __call__(self, context: JobContext) -> Mapping[str, Any]:
        for window in range(int(context.checkpoint.get("next", 0)), self.count):
            context.check()
            self.begun.append(window)
            while self._gate is not None and not self._gate.acquire(timeout=0.02):
                context.check()
            context.save(
                {"next": window + 1}, stage="Transcribing", done_ms=(window + 1) * 1_000, total_ms=self.count * 1_000
            )
        return {"windows": self.count}


def note(key: str) -> Callable[[Session], None]:
    """A result to be stored with a checkpoint; storing it twice fails."""
    return lambda session: session.add(Preference(key=key, value={}))


def notes(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(session.scalars(select(Preference.key)))
