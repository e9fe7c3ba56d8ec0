"""What workers do with the queue: claim, prove they live, store results, end a job.

Every write names (job, attempt, worker). While a worker holds a lease nobody else takes its job; once the job has gone
to another attempt, each write of the former worker is refused (`LeaseLostError`). The lease only decides when somebody
else may take the job over, and is compared with the clock of whoever looks. Clocks of several machines may differ by a
good part of the lease (heartbeats come four times in it): the worst that comes of more is an attempt done twice, never
a result stored twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Select, and_, select, update
from sqlalchemy.orm import Session

from core.errors import LeaseLostError
from core.infra.db import Database
from core.infra.jobs.records import ClaimedJob, JobRecord, Progress, job_record
from core.infra.jobs.transitions import move, put_down
from core.infra.tables import Job, JobState
from core.infra.tables.base import now

_log = structlog.get_logger(__name__)
_random = secrets.SystemRandom()

#: The pause before a second try, and the longest there is. Each is twice the one before, give or take a quarter.
FIRST_BACKOFF_SECONDS: Final = 2.0
LONGEST_BACKOFF_SECONDS: Final = 300.0


class LeasedJobs:
    """The workers' half of `JobQueue`."""

    def __init__(self, database: Database, *, lease_seconds: float, first_backoff_seconds: float) -> None:
        self.database = database
        #: How long a silent worker keeps its job.
        self.lease_seconds = lease_seconds
        self._first_backoff_seconds = first_backoff_seconds

    def claim(
        self, worker_id: str, *, kinds: Sequence[str] | None = None, job_id: int | None = None
    ) -> ClaimedJob | None:
        """Takes the next job that may run now: the most urgent, among those the one that has waited longest.

        Args:
            worker_id: Who takes it.
            kinds: Only these kinds.
            job_id: Only this job.
        """
        waiting = select(Job).where(Job.state == JobState.QUEUED, Job.run_after <= now())
        if kinds is not None:
            waiting = waiting.where(Job.kind.in_(kinds))
        if job_id is not None:
            waiting = waiting.where(Job.id == job_id)
        # Looking first keeps idle workers from queueing for SQLite's one write lock.
        with self.database.read() as session:
            if session.scalar(waiting.with_only_columns(Job.id).limit(1)) is None:
                return None

        def take(session: Session) -> ClaimedJob | None:
            job = session.scalars(
                waiting.order_by(Job.priority, Job.run_after, Job.id).limit(1).with_for_update(skip_locked=True)
            ).one_or_none()
            if job is None:
                return None
            moment = now()
            move(job, JobState.RUNNING)
            job.attempt += 1
            job.worker_id = worker_id
            job.lease_expires_at = moment + timedelta(seconds=self.lease_seconds)
            job.started_at = job.heartbeat_at = moment
            job.finished_at = None
            job.attempt_done_ms = job.done_ms
            job.stage = "Starting"
            session.flush()
            return ClaimedJob(
                id=job.id, attempt=job.attempt, worker_id=worker_id, record=job_record(job),
                checkpoint=dict(job.checkpoint),
            )  # fmt: skip

        return self.database.run_write(take)

    def heartbeat(self, claim: ClaimedJob, progress: Progress | None = None) -> bool:
        """Renews the lease, and says where the job is. Returns whether the user wants it cancelled.

        Raises:
            LeaseLostError: The job is no longer this worker's.
        """

        def renew(session: Session) -> bool:
            moment = now()
            values: dict[str, Any] = {
                "heartbeat_at": moment, "lease_expires_at": moment + timedelta(seconds=self.lease_seconds)
            }  # fmt: skip
            if progress is not None:
                values |= {"stage": progress.stage, "done_ms": progress.done_ms, "total_ms": progress.total_ms}
            cancel = session.scalar(
                update(Job).where(_is_held(claim)).values(**values).returning(Job.cancel_requested)
                .execution_options(synchronize_session=False)
            )  # fmt: skip
            if cancel is None:
                raise _lost(claim)
            return cancel

        return self.database.run_write(renew)

    def cancel_requested(self, claim: ClaimedJob) -> bool:
        """Whether the user wants the job cancelled; only looks, so it may be asked often.

        Raises:
            LeaseLostError: The job is no longer this worker's.
        """
        with self.database.read() as session:
            cancel = session.scalar(select(Job.cancel_requested).where(_is_held(claim)))
        if cancel is None:
            raise _lost(claim)
        return cancel

    def save(
        self, claim: ClaimedJob, checkpoint: Mapping[str, Any], progress: Progress,
        write: Callable[[Session], None] | None = None,
    ) -> bool:  # fmt: skip
        """Stores checkpoint, progress and what `write` adds in one transaction. Returns whether to cancel.

        Raises:
            LeaseLostError: The job is no longer this worker's; nothing was stored.
        """

        def store(session: Session) -> bool:
            job = self._held(session, claim)
            if write is not None:
                write(session)
            moment = now()
            job.checkpoint = dict(checkpoint)
            job.stage, job.done_ms, job.total_ms = progress.stage, progress.done_ms, progress.total_ms
            job.heartbeat_at = moment
            job.lease_expires_at = moment + timedelta(seconds=self.lease_seconds)
            return job.cancel_requested

        return self.database.run_write(store)

    def complete(self, claim: ClaimedJob, result: Mapping[str, Any] | None = None) -> JobRecord:
        """Ends the job well. Raises `LeaseLostError` like all of these."""

        def end(job: Job) -> None:
            move(job, JobState.COMPLETED)
            job.result = None if result is None else dict(result)
            job.done_ms = job.total_ms
            job.error_code = job.error_message = ""
            job.stage = "Done"

        return self._leave(claim, end)

    def fail(self, claim: ClaimedJob, *, code: str, message: str, retryable: bool) -> JobRecord:
        """Ends the attempt badly: back into the queue after a pause if another try can help and is left, else failed.

        Args:
            claim: Whose attempt it was.
            code: The error's `code`.
            message: The error's message, fit for the user.
            retryable: Whether another try can help.
        """

        def end(job: Job) -> None:
            job.error_code, job.error_message = code, message
            if not retryable or job.attempt >= job.max_attempts:
                move(job, JobState.FAILED)
            elif job.cancel_requested:
                move(job, JobState.CANCELLED)
            else:
                move(job, JobState.QUEUED)
                job.run_after = now() + timedelta(seconds=self._backoff_seconds(job.attempt))
                job.stage = "Waiting for another try"

        return self._leave(claim, end)

    def release(self, claim: ClaimedJob) -> JobRecord:
        """Gives the job back unharmed, at its checkpoint (shutdown). The attempt does not count."""

        def end(job: Job) -> None:
            if job.cancel_requested:
                move(job, JobState.CANCELLED)
                return
            move(job, JobState.QUEUED)
            # The number of the attempt only ever grows, since writes are told apart by it.
            job.max_attempts += 1
            job.stage = "Waiting to go on"

        return self._leave(claim, end)

    def cancelled(self, claim: ClaimedJob) -> JobRecord:
        """The job has stopped because the user wanted it; what it saved stays."""
        return self._leave(claim, lambda job: move(job, JobState.CANCELLED))

    def requeue_expired(self) -> int:
        """Takes jobs from workers that have been silent for too long. Returns how many.

        A job that has no attempt left fails: it may well be what kills its workers.
        """

        def take_back(session: Session) -> int:
            expired = select(Job).where(Job.state == JobState.RUNNING, Job.lease_expires_at < now())
            return self._take_back(session, expired)

        with self.database.read() as session:
            found = session.scalar(
                select(Job.id).where(Job.state == JobState.RUNNING, Job.lease_expires_at < now()).limit(1)
            )
        return 0 if found is None else self.database.run_write(take_back)

    def requeue_of_workers(self, worker_ids: Sequence[str]) -> int:
        """Takes the jobs of workers known to be dead, without waiting for their leases. Returns how many."""
        if not worker_ids:
            return 0
        theirs = select(Job).where(Job.state == JobState.RUNNING, Job.worker_id.in_(worker_ids))
        return self.database.run_write(lambda session: self._take_back(session, theirs))

    def _take_back(self, session: Session, jobs: Select[Job]) -> int:
        rows = session.scalars(jobs.with_for_update(skip_locked=True)).all()
        for job in rows:
            _log.warning("job.taken_back", job_id=job.id, attempt=job.attempt, worker_id=job.worker_id)
            if job.cancel_requested:
                move(job, JobState.CANCELLED)
            elif job.attempt >= job.max_attempts:
                move(job, JobState.FAILED)
                job.error_code = "worker_lost"
                job.error_message = (
                    f"The program running this job ended or froze, in attempt {job.attempt} of {job.max_attempts}. "
                    "It may need more memory than there is. What was done until then is kept."
                )
            else:
                move(job, JobState.QUEUED)
                job.stage = "Waiting to go on"
            put_down(job)
        return len(rows)

    def _leave(self, claim: ClaimedJob, end: Callable[[Job], None]) -> JobRecord:
        def write(session: Session) -> JobRecord:
            job = self._held(session, claim)
            end(job)
            put_down(job)
            session.flush()
            return job_record(job)

        return self.database.run_write(write)

    def _held(self, session: Session, claim: ClaimedJob) -> Job:
        job = session.scalars(select(Job).where(_is_held(claim)).with_for_update()).one_or_none()
        if job is None:
            raise _lost(claim)
        return job

    def _backoff_seconds(self, attempt: int) -> float:
        pause = min(LONGEST_BACKOFF_SECONDS, self._first_backoff_seconds * 2.0 ** (attempt - 1))
        return pause * _random.uniform(0.75, 1.25)


def _is_held(claim: ClaimedJob) -> Any:
    return and_(
        Job.id == claim.id, Job.state == JobState.RUNNING, Job.attempt == claim.attempt,
        Job.worker_id == claim.worker_id,
    )  # fmt: skip


def _lost(claim: ClaimedJob) -> LeaseLostError:
    return LeaseLostError(f"Job {claim.id} is no longer with this worker (attempt {claim.attempt}).")
