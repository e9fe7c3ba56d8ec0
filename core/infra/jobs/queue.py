"""The queue: the `jobs` table, and what may be done to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, event, func, select, text
from sqlalchemy.orm import Session

from core.errors import ConflictError, IllegalTransitionError, NotFoundError, QueueFullError
from core.infra.db import Database
from core.infra.jobs import statistics
from core.infra.jobs.leases import FIRST_BACKOFF_SECONDS, LeasedJobs
from core.infra.jobs.records import JobRecord, Throughput, job_record
from core.infra.jobs.transitions import ENDED, move, put_down
from core.infra.jobs.workers import WorkerRegistry
from core.infra.tables import Job, JobState
from core.infra.tables.base import now
from core.paging import Page

#: PostgreSQL: whoever counts the queue holds this lock, so that two at once cannot both take the last place.
_COUNT_LOCK_KEY: Final = 0x5EADBAC5


class JobQueue(LeasedJobs):
    """Adds, shows and ends jobs for users; its base class serves the workers.

    Args:
        database: Where the jobs are.
        limit: How many may wait.
        max_attempts: How often each is tried.
        lease_seconds: How long a silent worker keeps its job.
        first_backoff_seconds: Pause before the second try; it doubles from try to try.
    """

    def __init__(
        self, database: Database, *, limit: int, max_attempts: int, lease_seconds: float,
        first_backoff_seconds: float = FIRST_BACKOFF_SECONDS,
    ) -> None:  # fmt: skip
        super().__init__(database, lease_seconds=lease_seconds, first_backoff_seconds=first_backoff_seconds)
        self.limit = limit
        self.max_attempts = max_attempts
        self.workers = WorkerRegistry(database, alive_seconds=lease_seconds)
        self._listeners: list[Callable[[], None]] = []
        self._listeners_lock = threading.Lock()

    def enqueue(
        self, kind: str, payload: Mapping[str, Any], *, recording_id: int | None = None, project_id: int | None = None,
        priority: int = 0, request_id: str = "", session: Session | None = None,
    ) -> JobRecord:  # fmt: skip
        """Adds a job.

        Args:
            kind: Which handler does it.
            payload: What it is to do; JSON values.
            recording_id: The recording it is about; it goes when the recording is deleted.
            project_id: The project it is about, likewise.
            priority: Smaller goes first.
            request_id: The request that asks for it.
            session: The caller's transaction to do it in; the job is there if and only if that is committed.

        Raises:
            QueueFullError: As many wait as may.
        """

        def add(session: Session) -> JobRecord:
            self._require_room(session)
            job = Job(
                kind=kind, payload=dict(payload), recording_id=recording_id, project_id=project_id, priority=priority,
                request_id=request_id, max_attempts=self.max_attempts, stage="Waiting",
            )  # fmt: skip
            session.add(job)
            session.flush()
            event.listen(session, "after_commit", lambda _: self._wake(), once=True)
            return job_record(job)

        return self.database.run_write(add) if session is None else add(session)

    def get(self, job_id: int) -> JobRecord:
        """One job. Raises `NotFoundError`."""
        with self.database.read() as session:
            return job_record(_found(session.get(Job, job_id), job_id))

    def list(
        self, *, states: Sequence[str] = (), kind: str | None = None, recording_id: int | None = None,
        limit: int = 50, offset: int = 0,
    ) -> Page[JobRecord]:  # fmt: skip
        """Jobs, newest first.

        Args:
            states: Only in these; empty: in any.
            kind: Only of this kind.
            recording_id: Only about this recording.
            limit: How many at most.
            offset: How many to leave out at the start.
        """
        where: tuple[ColumnElement[bool], ...] = (Job.state.in_(states),) if states else ()
        if kind is not None:
            where += (Job.kind == kind,)
        if recording_id is not None:
            where += (Job.recording_id == recording_id,)
        with self.database.read() as session:
            total = session.scalar(select(func.count()).select_from(Job).where(*where)) or 0
            newest_first = select(Job).where(*where).order_by(Job.created_at.desc(), Job.id.desc())
            rows = session.scalars(newest_first.limit(limit).offset(offset))
            return Page(items=tuple(job_record(job) for job in rows), total=total, offset=offset)

    def cancel(self, job_id: int) -> JobRecord:
        """Stops a job: a waiting one at once, a running one when it next looks (within one window).

        Raises:
            NotFoundError: There is no such job.
            IllegalTransitionError: It has ended already.
        """

        def stop(job: Job) -> None:
            if job.state == JobState.RUNNING:
                job.cancel_requested = True
                return
            if job.state in ENDED:
                raise IllegalTransitionError(
                    f"The job has {_ENDINGS[JobState(job.state)]} already; there is nothing to cancel."
                )
            move(job, JobState.CANCELLED)
            put_down(job)

        return self._change(job_id, stop)

    def cancel_waiting(self) -> int:
        """Cancels all jobs that wait. Returns how many."""

        def stop_all(session: Session) -> int:
            waiting = session.scalars(select(Job).where(Job.state == JobState.QUEUED).with_for_update(skip_locked=True))
            count = 0
            for job in waiting:
                move(job, JobState.CANCELLED)
                put_down(job)
                count += 1
            return count

        return self.database.run_write(stop_all)

    def retry(self, job_id: int) -> JobRecord:
        """Puts a failed or cancelled job back into the queue; it goes on from its checkpoint.

        Raises:
            NotFoundError: There is no such job.
            IllegalTransitionError: It waits, runs or is completed.
            QueueFullError: As many wait as may.
        """

        def again(job: Job) -> None:
            if job.state == JobState.RUNNING:  # legal for workers, not for users: see `requeue`
                raise IllegalTransitionError("The job is running; there is nothing to try again.")
            if job.state in (JobState.QUEUED, JobState.COMPLETED):
                doing = "is waiting" if job.state == JobState.QUEUED else "has completed"
                raise IllegalTransitionError(f"The job {doing} already; there is nothing to try again.")
            move(job, JobState.QUEUED)
            job.max_attempts = job.attempt + self.max_attempts
            job.run_after = now()
            job.error_code = job.error_message = ""
            job.finished_at = None
            job.stage = "Waiting"

        return self._change(job_id, again, needs_room=True)

    def requeue(self, job_id: int) -> JobRecord:
        """Takes a running job from a worker that has died or gone silent, without waiting for the others to notice.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It does not run, or its worker lives.
        """
        dead = set(self.workers.dead_ids())

        def take(job: Job) -> None:
            if job.state != JobState.RUNNING:
                raise ConflictError(f"The job is not running, it is {job.state}.")
            silent = job.lease_expires_at is None or job.lease_expires_at < now()
            if not silent and job.worker_id not in dead:
                raise ConflictError("The job's worker is alive. Cancel the job if it is to stop.")
            move(job, JobState.CANCELLED if job.cancel_requested else JobState.QUEUED)
            job.max_attempts = max(job.max_attempts, job.attempt + 1)
            job.stage = "Waiting to go on"
            put_down(job)

        return self._change(job_id, take)

    def delete(self, job_id: int) -> None:
        """Removes a job that has ended.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It waits or runs.
        """

        def remove(session: Session) -> None:
            job = _found(session.get(Job, job_id, with_for_update=True), job_id)
            if job.state not in ENDED:
                raise ConflictError("A job that waits or runs cannot be deleted. Cancel it first.")
            session.delete(job)

        self.database.run_write(remove)

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state; every state is there."""
        return statistics.counts(self.database)

    def throughput(self, since: datetime, *, bucket_seconds: int) -> tuple[Throughput, ...]:
        """What ended since then, by stretches of `bucket_seconds`; empty stretches are there too."""
        return statistics.throughput(self.database, since, bucket_seconds=bucket_seconds)

    def oldest_queued_age(self) -> float | None:
        """Seconds that the job waiting longest has been ready to run; None if none is."""
        return statistics.oldest_queued_age(self.database)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Has `listener` called when this process adds a job. Returns what ends that."""
        with self._listeners_lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._listeners_lock:
                self._listeners.remove(listener)

        return end

    def _wake(self) -> None:
        with self._listeners_lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()

    def _change(self, job_id: int, change: Callable[[Job], None], *, needs_room: bool = False) -> JobRecord:
        def write(session: Session) -> JobRecord:
            if needs_room:
                self._require_room(session)
            job = _found(session.get(Job, job_id, with_for_update=True), job_id)
            change(job)
            session.flush()
            return job_record(job)

        record = self.database.run_write(write)
        if record.state == JobState.QUEUED:
            self._wake()
        return record

    def _require_room(self, session: Session) -> None:
        if self.database.dialect == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _COUNT_LOCK_KEY})
        # Counting stops at the limit, however many wait.
        waiting = select(Job.id).where(Job.state == JobState.QUEUED).limit(self.limit).subquery()
        if (session.scalar(select(func.count()).select_from(waiting)) or 0) >= self.limit:
            raise QueueFullError(f"{self.limit} jobs are waiting already. Try again when some of them are done.")


#: How a job that ended is spoken of.
_ENDINGS = {JobState.COMPLETED: "completed", JobState.FAILED: "failed", JobState.CANCELLED: "been cancelled"}


def _found(job: Job | None, job_id: int) -> Job:
    if job is None:
        raise NotFoundError(f"Job {job_id} does not exist.")
    return job
