"""What a handler holds while its job runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from core.errors import JobCancelledError, LeaseLostError
from core.infra.jobs.leases import LeasedJobs
from core.infra.jobs.records import ClaimedJob, Progress
from core.ports import ShutdownRequested

#: Progress is written, and the wish to cancel looked for, at most this often.
REPORT_SECONDS: Final = 0.3


class RunningJob:
    """The `JobContext` of one claimed job.

    The handler's thread reports, checks and saves; the executor's supervisor calls `beat` from another one.

    Args:
        queue: Where the job lives.
        claim: The job, in this attempt.
        stopping: Set when the process wants to end.
    """

    def __init__(self, queue: LeasedJobs, claim: ClaimedJob, stopping: threading.Event) -> None:
        self.claim = claim
        self._queue = queue
        self._stopping = stopping
        self._checkpoint = claim.checkpoint
        self._cancel = threading.Event()
        self._lost = threading.Event()
        self._progress: Progress | None = None
        self._next_look = 0.0

    @property
    def job_id(self) -> int:
        """Number of the job."""
        return self.claim.id

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self.claim.attempt

    @property
    def payload(self) -> Mapping[str, Any]:
        """What was asked for; JSON values."""
        return self.claim.record.payload

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        """What the last `save` of this or an earlier attempt stored; empty at first."""
        return self._checkpoint

    def report(self, *, stage: str, done_ms: int = 0, total_ms: int = 0) -> None:
        """Says where the job is; written at most a few times a second, and at once when the stage changes.

        Raises:
            JobCancelledError, ShutdownRequested, LeaseLostError: As `check`.
        """
        new_stage = self._progress is None or self._progress.stage != stage
        self._progress = Progress(stage=stage, done_ms=done_ms, total_ms=total_ms)
        if new_stage or time.monotonic() >= self._next_look:
            self.beat()
        self._raise_if_told()

    def check(self) -> None:
        """Does nothing if the job may go on.

        Raises:
            JobCancelledError: The user wants it to stop.
            ShutdownRequested: The process does.
            LeaseLostError: The job is no longer ours.
        """
        if not self._told and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + REPORT_SECONDS
            self._note(lambda: self._queue.cancel_requested(self.claim))
        self._raise_if_told()

    def save(
        self, checkpoint: Mapping[str, Any], *, stage: str, done_ms: int, total_ms: int,
        write: Callable[[Session], None] | None = None,
    ) -> None:  # fmt: skip
        """Stores results and checkpoint in one transaction, if the job is still ours. Then does what `check` does."""
        self._progress = Progress(stage=stage, done_ms=done_ms, total_ms=total_ms)
        progress = self._progress
        self._note(lambda: self._queue.save(self.claim, checkpoint, progress, write))
        if not self._lost.is_set():
            self._checkpoint = dict(checkpoint)
        self._next_look = time.monotonic() + REPORT_SECONDS
        self._raise_if_told()

    def beat(self) -> None:
        """Renews the lease and writes the latest progress; the handler learns at its next `check` what came of it."""
        self._next_look = time.monotonic() + REPORT_SECONDS
        self._note(lambda: self._queue.heartbeat(self.claim, self._progress))

    @property
    def _told(self) -> bool:
        return self._cancel.is_set() or self._lost.is_set() or self._stopping.is_set()

    def _note(self, ask: Callable[[], bool]) -> None:
        try:
            if ask():
                self._cancel.set()
        except LeaseLostError:
            self._lost.set()

    def _raise_if_told(self) -> None:
        if self._lost.is_set():
            raise LeaseLostError(f"Job {self.job_id} is no longer with this worker (attempt {self.attempt}).")
        if self._cancel.is_set():
            raise JobCancelledError("The job was cancelled. What was done until then is kept.")
        if self._stopping.is_set():
            raise ShutdownRequested
