"""Jobs and workers as they leave this package: frozen values, never database rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.infra.tables import Job
from core.infra.tables.base import now


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRecord:
    """A job as pages show it."""

    id: int
    kind: str
    state: str
    #: Smaller goes first; 0 is normal.
    priority: int
    payload: Mapping[str, Any]
    result: Mapping[str, Any] | None
    project_id: int | None
    recording_id: int | None
    #: How often a worker has begun it.
    attempt: int
    max_attempts: int
    worker_id: str | None
    cancel_requested: bool
    stage: str
    done_ms: int
    total_ms: int
    error_code: str
    #: Why it failed; of a waiting job, why its last attempt did.
    error_message: str
    request_id: str
    run_after: datetime
    created_at: datetime
    #: When the present (or last) attempt began.
    started_at: datetime | None
    heartbeat_at: datetime | None
    finished_at: datetime | None
    #: Milliseconds left at the present pace, or None while that cannot be told.
    eta_ms: int | None = None

    @property
    def progress(self) -> float:
        """Share done, 0 to 1."""
        return min(1.0, self.done_ms / self.total_ms) if self.total_ms else 0.0

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("queued", "running")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedJob:
    """A job a worker holds. All three parts of its name (job, attempt, worker) are needed to write for it."""

    id: int
    attempt: int
    worker_id: str
    record: JobRecord
    #: What the last `save` of this or an earlier attempt stored.
    checkpoint: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Where a running job is."""

    stage: str
    #: Milliseconds of audio done, and in all.
    done_ms: int = 0
    total_ms: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerRecord:
    """A process that runs jobs."""

    id: str
    host: str
    pid: int
    #: How many jobs it runs at the same time.
    slots: int
    #: Models in its memory: ``{"name", "device", "compute_type", "leases", "idle_seconds"}`` each.
    models: tuple[Mapping[str, Any], ...]
    started_at: datetime
    heartbeat_at: datetime
    stopped_at: datetime | None
    #: Whether it has been heard of lately and has not stopped.
    alive: bool
    #: Ids of the jobs it runs.
    job_ids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Throughput:
    """What ended within one stretch of time."""

    start: datetime
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    #: Audio of the completed ones.
    audio_ms: int = 0


def eta_ms(
    *, started_at: datetime | None, at: datetime, done_ms: int, total_ms: int, attempt_done_ms: int = 0
) -> int | None:
    """Milliseconds left at the pace of the present attempt; None while there is nothing to tell it from.

    Args:
        started_at: When the attempt began.
        at: The present moment.
        done_ms: Audio done in all.
        total_ms: Audio there is.
        attempt_done_ms: What of `done_ms` was there when the attempt began: a resumed job would seem far too fast.
    """
    done_now = done_ms - attempt_done_ms
    if started_at is None or done_now <= 0 or total_ms <= 0:
        return None
    elapsed_ms = (at - started_at).total_seconds() * 1000
    if elapsed_ms <= 0:  # the clock was set back, or that of another machine goes before ours
        return None
    return round(elapsed_ms * max(0, total_ms - done_ms) / done_now)


def job_record(job: Job) -> JobRecord:
    """The row as a value."""
    eta = None
    if job.state == "running":
        eta = eta_ms(
            started_at=job.started_at, at=now(), done_ms=job.done_ms, total_ms=job.total_ms,
            attempt_done_ms=job.attempt_done_ms,
        )  # fmt: skip
    return JobRecord(
        id=job.id, kind=job.kind, state=str(job.state), priority=job.priority, payload=dict(job.payload),
        result=None if job.result is None else dict(job.result), project_id=job.project_id,
        recording_id=job.recording_id, attempt=job.attempt, max_attempts=job.max_attempts, worker_id=job.worker_id,
        cancel_requested=job.cancel_requested, stage=job.stage, done_ms=job.done_ms, total_ms=job.total_ms,
        error_code=job.error_code, error_message=job.error_message, request_id=job.request_id,
        run_after=job.run_after, created_at=job.created_at, started_at=job.started_at,
        heartbeat_at=job.heartbeat_at, finished_at=job.finished_at, eta_ms=eta,
    )  # fmt: skip
