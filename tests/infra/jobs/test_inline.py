"""One job in the calling thread, as the command line runs it."""

import threading
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from core.errors import DatabaseError, MediaMissingError, NotFoundError
from core.infra.db import Database
from core.infra.jobs import EmbeddedExecutor, JobQueue, JobRecord, run_inline
from core.ports import JobContext
from tests.infra.jobs.helpers import Windows, eventually, make_queue, state_of


@pytest.fixture
def queue(database: Database) -> JobQueue:
    return make_queue(database)


def test_runs_exactly_the_job_asked_for(queue: JobQueue) -> None:
    first, second = queue.enqueue("work", {}), queue.enqueue("work", {})
    windows = Windows(2)
    ended = run_inline(queue, {"work": windows}, second.id)
    assert (ended.state, ended.result, windows.begun) == ("completed", {"windows": 2}, [0, 1])
    assert state_of(queue, first.id) == "queued"
    assert not any(worker.alive for worker in queue.workers.list())


def test_tells_of_the_progress(queue: JobQueue) -> None:
    seen: list[JobRecord] = []
    half_seen = threading.Event()

    def tell(record: JobRecord) -> None:
        seen.append(record)
        if record.done_ms == 500:
            half_seen.set()

    def handler(context: JobContext) -> None:
        context.report(stage="Half", done_ms=500, total_ms=1_000)
        assert half_seen.wait(60)

    job = queue.enqueue("work", {})
    run_inline(queue, {"work": handler}, job.id, on_progress=tell)
    assert any((record.stage, record.progress) == ("Half", 0.5) for record in seen)
    assert seen[-1].state == "completed"


def test_tries_again_and_gives_up_like_any_worker(queue: JobQueue) -> None:
    def busy(context: JobContext) -> Mapping[str, Any]:
        if context.attempt == 1:
            raise DatabaseError("Not now.")
        return {"attempt": context.attempt}

    def gone(context: JobContext) -> None:
        raise MediaMissingError("Gone.")

    assert run_inline(queue, {"work": busy}, queue.enqueue("work", {}).id).result == {"attempt": 2}
    failed = run_inline(queue, {"work": gone}, queue.enqueue("work", {}).id)
    assert (failed.state, failed.error_code) == ("failed", "media_missing")


def test_an_unknown_kind_fails(queue: JobQueue) -> None:
    failed = run_inline(queue, {}, queue.enqueue("later", {}).id)
    assert (failed.state, failed.attempt) == ("failed", 1)
    assert "'later'" in failed.error_message


def test_a_job_that_is_not_there(queue: JobQueue) -> None:
    with pytest.raises(NotFoundError):
        run_inline(queue, {}, 4711)


def test_a_job_the_app_has_taken_is_followed(queue: JobQueue) -> None:
    windows, seen = Windows(3, gated=True), threading.Event()
    executor = EmbeddedExecutor(queue, {"work": windows}, slots=1)
    executor.start()
    job = queue.enqueue("work", {})
    eventually(lambda: windows.begun == [0])

    def tell(record: JobRecord) -> None:
        if record.state == "running" and not seen.is_set():
            seen.set()
            windows.permit(3)

    assert run_inline(queue, {}, job.id, on_progress=tell).state == "completed"
    assert seen.is_set()
    executor.stop(30)


@pytest.mark.parametrize(("wish", "state"), [("cancel", "cancelled"), ("release", "queued")])
def test_ctrl_c(queue: JobQueue, wish: Literal["cancel", "release"], state: str) -> None:
    """What was done is kept either way."""

    def handler(context: JobContext) -> None:
        context.save({"next": 2}, stage="x", done_ms=2, total_ms=4)
        raise KeyboardInterrupt

    job = queue.enqueue("work", {})
    with pytest.raises(KeyboardInterrupt):
        run_inline(queue, {"work": handler}, job.id, on_interrupt=wish)
    left = queue.get(job.id)
    assert (left.state, left.done_ms, left.worker_id) == (state, 2, None)
    assert left.max_attempts - left.attempt == (3 if wish == "release" else 2)


def test_ctrl_c_after_the_end_changes_nothing(queue: JobQueue) -> None:
    job = queue.enqueue("work", {})

    def tell(record: JobRecord) -> None:
        if record.state == "completed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_inline(queue, {"work": Windows(1)}, job.id, on_progress=tell)
    assert state_of(queue, job.id) == "completed"


def test_b14_told_to_stop_it_gives_the_job_back(queue: JobQueue) -> None:
    """B14."""
    stopping = threading.Event()

    def handler(context: JobContext) -> None:
        context.save({"next": 1}, stage="x", done_ms=1, total_ms=4)
        stopping.set()
        context.check()

    job = queue.enqueue("work", {})
    assert run_inline(queue, {"work": handler}, job.id, stopping=stopping).state == "queued"
    again = queue.claim("w")
    assert again is not None
    assert again.checkpoint == {"next": 1}
