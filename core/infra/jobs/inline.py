"""Runs one job in the calling thread, for the command line; the same rules as for any other worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final, Literal

import structlog

from core.errors import ConflictError, ReadbackError
from core.infra.jobs.context import RunningJob
from core.infra.jobs.executor import BEATS_PER_LEASE, LONGEST_BEAT_SECONDS
from core.infra.jobs.queue import JobQueue
from core.infra.jobs.records import ClaimedJob, JobRecord
from core.infra.jobs.runner import run_claimed
from core.ports import JobHandler

_log = structlog.get_logger(__name__)

#: How often a job's state is looked at while it runs or waits.
WATCH_SECONDS: Final = 0.25


def run_inline(
    queue: JobQueue, handlers: Mapping[str, JobHandler], job_id: int, *,
    on_progress: Callable[[JobRecord], None] | None = None, on_interrupt: Literal["cancel", "release"] = "cancel",
    stopping: threading.Event | None = None,
) -> JobRecord:  # fmt: skip
    """Runs exactly this job, with all its attempts, and returns it once it has ended.

    If another worker (the running app) takes it first, its progress there is followed instead.

    Args:
        queue: Where the job is.
        handlers: By kind of job.
        job_id: Which job.
        on_progress: Called a few times a second, from a thread of its own, while the job runs or waits.
        on_interrupt: What Ctrl-C does to the job before it goes on to the caller: ``"cancel"`` ends it, keeping
            what was done; ``"release"`` leaves it to the next worker.
        stopping: Set by the caller (SIGTERM) to have the job go back to the queue; returns it as it is then.

    Raises:
        NotFoundError: There is no such job, or it was deleted meanwhile.
        KeyboardInterrupt: After `on_interrupt` was seen to.
    """
    stopping = stopping or threading.Event()
    tell = on_progress or (lambda _: None)
    worker_id = queue.workers.register(slots=1)
    claim: ClaimedJob | None = None
    try:
        while True:
            record = queue.get(job_id)
            tell(record)
            if not record.active or stopping.is_set():
                return record
            queue.requeue_of_workers(queue.workers.dead_ids())
            queue.requeue_expired()
            claim = queue.claim(worker_id, job_id=job_id)
            if claim is None:
                stopping.wait(WATCH_SECONDS)
                continue
            context = RunningJob(queue, claim, stopping)
            ended = threading.Event()
            watcher = threading.Thread(
                target=_watch, args=(queue, context, worker_id, tell, ended), name="readback-inline", daemon=True
            )
            watcher.start()
            try:
                run_claimed(queue, handlers, context)
            finally:
                ended.set()
                watcher.join()
    except KeyboardInterrupt:
        _interrupted(queue, job_id, claim, on_interrupt)
        raise
    finally:
        try:
            queue.workers.stop(worker_id)
        except ReadbackError as error:  # the outcome counts, not this row; it goes stale by itself
            _log.warning("worker.stop_failed", message=error.message)


def _watch(
    queue: JobQueue, context: RunningJob, worker_id: str, tell: Callable[[JobRecord], None], ended: threading.Event
) -> None:
    """Renews the lease, and passes progress on, until the job has ended."""
    beats_apart = min(LONGEST_BEAT_SECONDS, queue.lease_seconds / BEATS_PER_LEASE)
    rounds_per_beat = max(1, int(beats_apart / WATCH_SECONDS))
    rounds = 0
    while not ended.wait(min(WATCH_SECONDS, beats_apart)):
        rounds += 1
        try:
            if rounds % rounds_per_beat == 0:
                context.beat()
                queue.workers.beat(worker_id, slots=1)
            tell(queue.get(context.job_id))
        except ReadbackError as error:
            _log.warning("job.heartbeat_failed", message=error.message)


def _interrupted(queue: JobQueue, job_id: int, claim: ClaimedJob | None, wish: str) -> None:
    try:
        if wish == "cancel" and queue.get(job_id).active:
            queue.cancel(job_id)
        if claim is not None:
            queue.release(claim)  # no thread of ours works on it any more; if it is to be cancelled, that is done now
    except ConflictError:
        _log.info("job.not_ours_at_interrupt", job_id=job_id)  # it had ended, or another worker has it
    except ReadbackError as error:
        _log.warning("job.interrupt_not_stored", job_id=job_id, message=error.message)
