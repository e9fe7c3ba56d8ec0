"""The queue: jobs, and the workers that run them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.infra.tables.base import Base, now


class JobState(StrEnum):
    """Where a job is in its life. The only changes there are: see `core.infra.jobs.transitions`."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Base):
    """A piece of work that outlives the process that asked for it. This table is the only truth about jobs."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'completed', 'failed', 'cancelled')", name="state"),
        Index("ix_jobs_claim", "state", "priority", "run_after", "id"),
        Index("ix_jobs_state_lease_expires_at", "state", "lease_expires_at"),
        Index("ix_jobs_recording_id_created_at", "recording_id", "created_at"),
        Index("ix_jobs_project_id", "project_id"),
        Index("ix_jobs_created_at", "created_at"),
        Index("ix_jobs_finished_at", "finished_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Which handler does it, e.g. ``"transcribe"``.
    kind: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20), default=JobState.QUEUED)
    #: Smaller goes first; 0 is normal.
    priority: Mapped[int] = mapped_column(default=0)
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[dict[str, Any] | None]
    checkpoint: Mapped[dict[str, Any]] = mapped_column(default=dict)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    recording_id: Mapped[int | None] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"))
    #: How often a worker has begun it. Writes of an earlier attempt are refused.
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=3)
    worker_id: Mapped[str | None] = mapped_column(String(36))
    lease_expires_at: Mapped[datetime | None]
    #: Not before this moment (back-off between attempts).
    run_after: Mapped[datetime] = mapped_column(default=now)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    stage: Mapped[str] = mapped_column(String(60), default="")
    #: Progress in milliseconds of audio.
    done_ms: Mapped[int] = mapped_column(default=0)
    total_ms: Mapped[int] = mapped_column(default=0)
    #: `done_ms` when the present attempt began: the pace is what was done since then.
    attempt_done_ms: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str] = mapped_column(String(60), default="")
    error_message: Mapped[str] = mapped_column(Text, default="")
    #: The request that asked for it; the log lines of the job carry it too.
    request_id: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    #: When the present (or last) attempt began.
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Worker(Base):
    """A process that runs jobs, for as long as it lives (and a while after, so that its end can be seen)."""

    __tablename__ = "workers"
    __table_args__ = (Index("ix_workers_heartbeat_at", "heartbeat_at"),)

    #: Random, one per process start.
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    #: Names the set of processes `pid` belongs to (machine, boot, container), so that a process of the same set can
    #: tell at once that the worker has died. Empty where that cannot be known; then only silence tells.
    pid_space: Mapped[str] = mapped_column(String(120), default="")
    slots: Mapped[int]
    #: Models in its memory: ``[{"name", "device", "compute_type", "leases", "idle_seconds"}]``.
    models: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    started_at: Mapped[datetime] = mapped_column(default=now)
    heartbeat_at: Mapped[datetime] = mapped_column(default=now)
    stopped_at: Mapped[datetime | None]
