"""The executor that lives in the app's own process: some threads that run jobs, one that watches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from core.errors import ReadbackError
from core.infra.jobs.context import RunningJob
from core.infra.jobs.queue import JobQueue
from core.infra.jobs.runner import run_claimed
from core.ports import JobHandler

_log = structlog.get_logger(__name__)

#: How often an idle slot looks for jobs that other processes added; those of this process wake it at once.
POLL_SECONDS: Final = 0.5
#: So many times longer it waits while the database cannot be reached.
UNREACHABLE_FACTOR: Final = 4
#: Heartbeats within one lease.
BEATS_PER_LEASE: Final = 4
#: A worker's row and models are refreshed at least this often, for the System page.
LONGEST_BEAT_SECONDS: Final = 5.0
#: The supervisor gets this long to finish a write, even when the slots have used up all the time.
MIN_JOIN_SECONDS: Final = 1.0


def _nothing() -> None:
    """What there is to undo before the first start."""


class EmbeddedExecutor:
    """Runs jobs in threads of this process.

    Args:
        queue: Where the jobs are.
        handlers: By kind of job; only these kinds are taken.
        slots: How many jobs run at the same time. 0: none; `start` does nothing.
        models: Says which models are in memory, for the workers' list.
        poll_seconds: How often an idle slot looks for jobs of other processes.
    """

    def __init__(
        self, queue: JobQueue, handlers: Mapping[str, JobHandler], *, slots: int,
        models: Callable[[], Sequence[Mapping[str, Any]]] = tuple, poll_seconds: float = POLL_SECONDS,
    ) -> None:  # fmt: skip
        self._queue = queue
        self._handlers = dict(handlers)
        self._slots = slots
        self._models = models
        self._poll_seconds = poll_seconds
        self._beat_seconds = min(LONGEST_BEAT_SECONDS, queue.lease_seconds / BEATS_PER_LEASE)
        self._stopping = threading.Event()
        self._slots_ended = threading.Event()
        self._wakened = threading.Condition()
        self._wakeups = 0
        self._running: dict[int, RunningJob] = {}
        self._running_lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._supervisor: threading.Thread | None = None
        self._worker_id = ""
        self._unsubscribe: Callable[[], None] = _nothing

    @property
    def worker_id(self) -> str:
        """This worker's id, new with every start; empty before the first."""
        return self._worker_id

    @property
    def alive(self) -> bool:
        """Whether it would notice a new job."""
        if self._supervisor is None or self._stopping.is_set():
            return False
        return all(thread.is_alive() for thread in (self._supervisor, *self._threads))

    def start(self) -> None:
        """Begins to take jobs. Those whose worker has died are put back into the queue first.

        Raises:
            DatabaseError: The database cannot be reached.
        """
        if self._slots == 0 or self._threads:
            return
        # New events with every start: a thread that still hangs in an earlier one's job must not come back to life.
        stopping, slots_ended = threading.Event(), threading.Event()
        self._stopping, self._slots_ended = stopping, slots_ended
        self._worker_id = self._queue.workers.register(slots=self._slots)
        self._unsubscribe = self._queue.subscribe(self._wake)
        self._take_back()
        self._threads = [
            threading.Thread(target=self._slot, args=(stopping,), name=f"readback-slot-{number}", daemon=True)
            for number in range(self._slots)
        ]
        self._supervisor = threading.Thread(
            target=self._supervise, args=(stopping, slots_ended), name="readback-supervisor", daemon=True
        )
        for thread in (self._supervisor, *self._threads):
            thread.start()
        _log.info("executor.started", worker_id=self._worker_id, slots=self._slots)

    def stop(self, timeout_seconds: float) -> None:
        """Stops taking jobs and tells running ones to end; they go back to the queue at their checkpoint.

        A job that does not end in time is taken from its thread: what that still tries to store is refused.

        Args:
            timeout_seconds: How long to wait for running windows.
        """
        if self._supervisor is None:
            return
        deadline = time.monotonic() + timeout_seconds
        self._stopping.set()
        self._unsubscribe()
        self._wake()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._slots_ended.set()
        self._supervisor.join(max(MIN_JOIN_SECONDS, deadline - time.monotonic()))
        for context in self._contexts():
            self._abandon(context)
        self._guard("worker.stop_failed", lambda: self._queue.workers.stop(self._worker_id))
        self._threads, self._supervisor = [], None
        _log.info("executor.stopped", worker_id=self._worker_id)

    def _abandon(self, context: RunningJob) -> None:
        _log.warning("job.abandoned_at_shutdown", job_id=context.job_id)
        self._guard("job.release_failed", lambda: self._queue.release(context.claim))
        with self._running_lock:
            self._running.pop(context.job_id, None)

    def _slot(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            seen = self._wakeups
            found = False
            try:
                found = self._run_next(stopping)
            except ReadbackError as error:  # the database is away; it is asked again, but not as often
                _log.warning("executor.queue_unreachable", message=error.message)
                stopping.wait(self._poll_seconds * UNREACHABLE_FACTOR)
            except Exception:  # noqa: BLE001 — a dead slot is never replaced; whatever it was, the next job may be fine
                _log.exception("executor.slot_error")
            if not found:
                self._wait(seen)

    def _wait(self, seen: int) -> None:
        """Until a job is added here, or it is time to look for those that others added."""
        with self._wakened:
            self._wakened.wait_for(lambda: self._wakeups != seen, timeout=self._poll_seconds)

    def _run_next(self, stopping: threading.Event) -> bool:
        claim = self._queue.claim(self._worker_id, kinds=tuple(self._handlers))
        if claim is None:
            return False
        context = RunningJob(self._queue, claim, stopping)
        with self._running_lock:
            self._running[claim.id] = context
        try:
            run_claimed(self._queue, self._handlers, context)
        finally:
            with self._running_lock:
                if self._running.get(claim.id) is context:
                    del self._running[claim.id]
        return True

    def _supervise(self, stopping: threading.Event, slots_ended: threading.Event) -> None:
        # Goes on while the slots wind up: until then their jobs are still ours.
        while not slots_ended.wait(self._beat_seconds):
            self._beat()
            if not stopping.is_set():
                self._take_back()

    def _beat(self) -> None:
        for context in self._contexts():
            self._guard("job.heartbeat_failed", context.beat)
        self._guard("worker.heartbeat_failed", self._beat_worker)

    def _beat_worker(self) -> None:
        self._queue.workers.beat(self._worker_id, slots=self._slots, models=self._models())

    def _take_back(self) -> None:
        def work() -> None:
            taken = self._queue.requeue_of_workers(self._queue.workers.dead_ids()) + self._queue.requeue_expired()
            if taken:
                self._wake()

        self._guard("executor.requeue_failed", work)

    def _guard(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except ReadbackError as error:
            _log.warning(name, message=error.message)
        except Exception:  # noqa: BLE001 — the supervisor must outlive anything: without it jobs stay "running" for ever
            _log.exception(name)

    def _contexts(self) -> tuple[RunningJob, ...]:
        with self._running_lock:
            return tuple(self._running.values())

    def _wake(self) -> None:
        with self._wakened:
            self._wakeups += 1
            self._wakened.notify_all()
