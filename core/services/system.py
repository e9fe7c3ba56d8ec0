"""What the System page, the health check and `readback jobs` need: how the queue, its workers and the database are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import select

from core.errors import StorageError
from core.infra.db import Database
from core.infra.jobs import JobQueue
from core.infra.tables import Recording
from core.infra.tables.base import now
from core.services.records import JobRecord, Page, Throughput, WorkerRecord

_log = structlog.get_logger(__name__)

#: How far back the two series of the overview go.
MINUTES_SHOWN: Final = 60
HOURS_SHOWN: Final = 24
#: How many failed jobs the overview names.
FAILURES_SHOWN: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """Whether the app can do its work."""

    ok: bool
    #: One round trip to the database in milliseconds; None if it cannot be reached.
    database_ms: float | None
    #: How many workers are alive, in this process and others.
    workers: int
    #: What is wrong, in words for the user; empty if nothing is.
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """The queue at a glance."""

    #: Jobs by state; every state is there.
    counts: dict[str, int]
    #: What ended in each of the last 60 minutes, oldest first; the last one is the present, unfinished one.
    per_minute: tuple[Throughput, ...]
    #: ... and in each of the last 24 hours.
    per_hour: tuple[Throughput, ...]
    #: Seconds the job waiting longest has been ready to run; None if none is.
    oldest_wait_seconds: float | None
    #: Newest first.
    recent_failures: tuple[JobRecord, ...]


class SystemService:
    """Health, queue and workers.

    Args:
        database: The database.
        queue: The job queue.
        expects_workers: Whether the lack of any live worker is a fault; not where this process is for the web only.
    """

    def __init__(self, database: Database, queue: JobQueue, *, expects_workers: bool = True) -> None:
        self._database = database
        self._queue = queue
        self._expects_workers = expects_workers

    def health(self) -> Health:
        """Asks the database and counts the living workers (B14). Never raises for what it is there to find out."""
        try:
            database_ms = self._database.ping()
            alive = sum(worker.alive for worker in self._queue.workers.list())
        except StorageError as error:
            _log.warning("health.database", message=error.message)
            return Health(ok=False, database_ms=None, workers=0, problems=(error.message,))
        problems: tuple[str, ...] = ()
        if self._expects_workers and not alive:
            problems = ("No worker is running, so jobs wait. Start the app again, or run: readback worker",)
        return Health(ok=not problems, database_ms=database_ms, workers=alive, problems=problems)

    def overview(self) -> Overview:
        """The queue at a glance (D2)."""
        moment = now()
        failed = self._queue.list(states=("failed",), limit=FAILURES_SHOWN)
        return Overview(
            counts=self._queue.counts(),
            per_minute=self._queue.throughput(moment - timedelta(minutes=MINUTES_SHOWN - 1), bucket_seconds=60),
            per_hour=self._queue.throughput(moment - timedelta(hours=HOURS_SHOWN - 1), bucket_seconds=3_600),
            oldest_wait_seconds=self._queue.oldest_queued_age(),
            recent_failures=failed.items,
        )

    def workers(self) -> tuple[WorkerRecord, ...]:
        """All workers, living ones first, with the jobs they run and the models they hold."""
        return self._queue.workers.list()

    def jobs(
        self, *, states: tuple[str, ...] = (), kind: str | None = None, recording_id: int | None = None,
        limit: int = 50, offset: int = 0,
    ) -> Page[JobRecord]:  # fmt: skip
        """Jobs, newest first; see `JobQueue.list`."""
        return self._queue.list(states=states, kind=kind, recording_id=recording_id, limit=limit, offset=offset)

    def recording_names(self, jobs: Iterable[JobRecord]) -> dict[int, str]:
        """The names of the recordings that jobs are about, by the recordings' ids, in one query."""
        ids = {job.recording_id for job in jobs if job.recording_id is not None}
        if not ids:
            return {}
        with self._database.read() as session:
            rows = session.execute(select(Recording.id, Recording.name).where(Recording.id.in_(ids)))
            return {row.id: row.name for row in rows}

    def job(self, job_id: int) -> JobRecord:
        """One job. Raises `NotFoundError`."""
        return self._queue.get(job_id)

    def cancel(self, job_id: int) -> JobRecord:
        """Stops a job: a waiting one at once, a running one within one window.

        Raises:
            NotFoundError: There is no such job.
            IllegalTransitionError: It has ended already.
        """
        return self._queue.cancel(job_id)

    def cancel_waiting(self) -> int:
        """Cancels all jobs that wait. Returns how many."""
        return self._queue.cancel_waiting()

    def retry(self, job_id: int) -> JobRecord:
        """Puts a failed or cancelled job back into the queue; it goes on from its checkpoint.

        Raises:
            NotFoundError: There is no such job.
            IllegalTransitionError: It waits, runs or is completed.
            QueueFullError: As many wait as may.
        """
        return self._queue.retry(job_id)

    def requeue(self, job_id: int) -> JobRecord:
        """Takes a running job from a worker that has died.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It does not run, or its worker lives.
        """
        return self._queue.requeue(job_id)

    def delete(self, job_id: int) -> None:
        """Removes a job that has ended.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It waits or runs.
        """
        self._queue.delete(job_id)
