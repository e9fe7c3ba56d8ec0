"""Who runs jobs: one row per worker, kept fresh while it lives."""

from __future__ import annotations

import os
import socket
import sys
import threading
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.infra.db import Database
from core.infra.jobs.records import WorkerRecord
from core.infra.tables import Job, JobState, Worker
from core.infra.tables.base import now

#: Workers that have ended stay in the list for so long, so that their end can be seen.
KEEP_SECONDS: Final = 24 * 3_600


class WorkerRegistry:
    """The `workers` table.

    Args:
        database: Where it is.
        alive_seconds: A worker heard of within this time counts as alive.
    """

    def __init__(self, database: Database, *, alive_seconds: float) -> None:
        self._database = database
        self._alive = timedelta(seconds=alive_seconds)

    def register(self, *, slots: int) -> str:
        """Adds this process as a worker, forgets those long gone. Returns the new worker's id."""
        worker_id = str(uuid.uuid4())
        _own_ids_add(worker_id)

        def add(session: Session) -> None:
            session.execute(delete(Worker).where(Worker.heartbeat_at < now() - timedelta(seconds=KEEP_SECONDS)))
            session.add(_own_row(worker_id, slots))

        self._database.run_write(add)
        return worker_id

    def beat(self, worker_id: str, *, slots: int, models: Sequence[Mapping[str, Any]] = ()) -> None:
        """The worker lives, and has these models in memory."""

        def write(session: Session) -> None:
            worker = session.get(Worker, worker_id)
            if worker is None:  # forgotten while this machine slept for a day
                worker = _own_row(worker_id, slots)
                session.add(worker)
            worker.heartbeat_at = now()
            worker.models = [dict(model) for model in models]

        self._database.run_write(write)

    def stop(self, worker_id: str) -> None:
        """The worker has ended in good order."""

        def write(session: Session) -> None:
            worker = session.get(Worker, worker_id)
            if worker is not None:
                worker.stopped_at = now()
                worker.models = []

        self._database.run_write(write)

    def list(self) -> tuple[WorkerRecord, ...]:
        """All workers, living ones first, then by start, newest first."""
        with self._database.read() as session:
            rows = session.scalars(select(Worker).order_by(Worker.started_at.desc())).all()
            held = session.execute(
                select(Job.worker_id, Job.id).where(Job.state == JobState.RUNNING).order_by(Job.id)
            ).all()
        records = [
            WorkerRecord(
                id=row.id,
                host=row.host,
                pid=row.pid,
                slots=row.slots,
                models=tuple(row.models),
                started_at=row.started_at,
                heartbeat_at=row.heartbeat_at,
                stopped_at=row.stopped_at,
                alive=row.stopped_at is None and row.heartbeat_at >= now() - self._alive and not _seen_dead(row),
                job_ids=tuple(job_id for worker_id, job_id in held if worker_id == row.id),
            )
            for row in rows
        ]
        return tuple(sorted(records, key=lambda record: not record.alive))

    def dead_ids(self) -> tuple[str, ...]:
        """Workers that hold a job and are certainly gone: they have said so, or their process is no more."""
        with self._database.read() as session:
            holders = session.scalars(
                select(Worker).where(Worker.id.in_(select(Job.worker_id).where(Job.state == JobState.RUNNING)))
            ).all()
            return tuple(row.id for row in holders if row.stopped_at is not None or _seen_dead(row))


def _own_row(worker_id: str, slots: int) -> Worker:
    return Worker(id=worker_id, host=socket.gethostname()[:255], pid=os.getpid(), pid_space=pid_space(), slots=slots)


_own_ids: set[str] = set()
_own_ids_lock = threading.Lock()


def _own_ids_add(worker_id: str) -> None:
    with _own_ids_lock:
        _own_ids.add(worker_id)


def _seen_dead(worker: Worker) -> bool:
    """Whether the worker's process was one of this machine and is no more. False where that cannot be told."""
    if not worker.pid_space or worker.pid_space != pid_space():
        return False
    if worker.pid == os.getpid():  # the number may have been given again, to us: containers start with 1 every time
        with _own_ids_lock:
            return worker.id not in _own_ids
    try:
        os.kill(worker.pid, 0)  # asks only; on Windows it would end the process, but there `pid_space` is empty
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@cache
def pid_space() -> str:
    """Names the set of processes in which a pid means something: machine and boot, and on Linux the container.

    Empty where it cannot be known for sure.
    """
    if sys.platform != "linux":
        return ""
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot_id} {namespace}"
