"""D2, B14: health, queue and workers as the System page shows them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from core.errors import ConflictError, NotFoundError
from core.infra import migrate
from core.infra.db import Database
from core.infra.jobs import JobQueue
from core.infra.tables import Job, Project
from core.infra.tables.base import now
from core.services.system import SystemService
from tests.infra.test_db import a_recording


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    migrate.upgrade(database_url)
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def queue(database: Database) -> JobQueue:
    return JobQueue(database, limit=100, max_attempts=2, lease_seconds=30)


@pytest.fixture
def system(database: Database, queue: JobQueue) -> SystemService:
    return SystemService(database, queue)


def fail(queue: JobQueue, *, message: str) -> int:
    job = queue.enqueue("work", {})
    claim = queue.claim("w", job_id=job.id)
    assert claim is not None
    queue.fail(claim, code="x", message=message, retryable=False)
    return job.id


def test_b14_healthy_with_a_living_worker(system: SystemService, queue: JobQueue) -> None:
    """B14."""
    worker = queue.workers.register(slots=1)
    health = system.health()
    assert (health.ok, health.workers, health.problems) == (True, 1, ())
    assert health.database_ms is not None
    assert health.database_ms > 0
    queue.workers.stop(worker)
    health = system.health()
    assert (health.ok, health.workers) == (False, 0)
    assert "readback worker" in health.problems[0]


def test_b14_a_process_for_the_web_only_needs_no_worker(database: Database, queue: JobQueue) -> None:
    """B14."""
    assert SystemService(database, queue, expects_workers=False).health().ok


def test_b14_a_database_that_is_not_there_is_a_finding_not_an_error(
    system: SystemService, database: Database, database_url: str
) -> None:
    """B14: the health check itself does not fall over."""
    migrate.downgrade(database_url, "base")
    health = system.health()
    assert (health.ok, health.database_ms) == (False, None)
    assert "readback db upgrade" in health.problems[0]


def test_d2_overview(system: SystemService, queue: JobQueue, database: Database) -> None:
    """D2."""
    empty = system.overview()
    assert (empty.oldest_wait_seconds, empty.recent_failures) == (None, ())
    assert (len(empty.per_minute), len(empty.per_hour)) == (60, 24)
    claim_id = queue.enqueue("work", {}).id
    claim = queue.claim("w")
    assert claim is not None
    queue.complete(claim, {})
    first, second = fail(queue, message="One."), fail(queue, message="Two.")
    waiting = queue.enqueue("work", {})
    with database.write() as session:
        session.execute(update(Job).where(Job.id == waiting.id).values(run_after=now() - timedelta(minutes=5)))
    seen = system.overview()
    assert seen.counts == {"queued": 1, "running": 0, "completed": 1, "failed": 2, "cancelled": 0}
    assert (seen.oldest_wait_seconds or 0) >= 300
    assert [job.id for job in seen.recent_failures] == [second, first]
    assert seen.recent_failures[0].error_message == "Two."
    for series in (seen.per_minute, seen.per_hour):
        assert (sum(item.completed for item in series), sum(item.failed for item in series)) == (1, 2)
    assert system.job(claim_id).state == "completed"


def test_d2_workers_with_their_jobs(system: SystemService, queue: JobQueue) -> None:
    """D2."""
    worker = queue.workers.register(slots=2)
    queue.workers.beat(worker, slots=2, models=[{"name": "demo"}])
    job = queue.enqueue("work", {})
    queue.claim(worker)
    (record,) = system.workers()
    assert (record.alive, record.slots, record.job_ids, record.models[0]["name"]) == (True, 2, (job.id,), "demo")


def test_d2_retry_cancel_requeue_delete(system: SystemService, queue: JobQueue) -> None:
    """D2: one click each."""
    job_id = fail(queue, message="X.")
    assert system.retry(job_id).state == "queued"
    assert system.cancel(job_id).state == "cancelled"
    with pytest.raises(ConflictError):
        system.requeue(job_id)
    system.delete(job_id)
    with pytest.raises(NotFoundError):
        system.job(job_id)
    for _ in range(3):
        queue.enqueue("work", {})
    queue.claim("w")
    assert system.cancel_waiting() == 2
    assert {job.state for job in system.jobs(limit=10).items} == {"running", "cancelled"}
    assert system.jobs(states=("cancelled",)).total == 2


def test_d2_one_click_requeue_of_a_job_whose_worker_died(system: SystemService, queue: JobQueue) -> None:
    """D2."""
    worker = queue.workers.register(slots=1)
    job = queue.enqueue("work", {})
    queue.claim(worker)
    queue.workers.stop(worker)
    assert system.requeue(job.id).state == "queued"


def test_jobs_are_shown_with_the_names_of_their_recordings(
    system: SystemService, queue: JobQueue, database: Database
) -> None:
    with database.write() as session:
        project = Project(title="A book")
        session.add(project)
        session.flush()
        recording = a_recording(project.id)
        session.add(recording)
        session.flush()
        recording_id = recording.id
    jobs = [queue.enqueue("work", {}, recording_id=recording_id), queue.enqueue("work", {})]
    assert system.recording_names(jobs) == {recording_id: "One"}
    assert system.recording_names(jobs[1:]) == {}
