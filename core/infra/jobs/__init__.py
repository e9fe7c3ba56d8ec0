"""The job queue and the workers that empty it. The `jobs` table is the only truth; see docs/architecture.md."""

from core.infra.jobs.executor import EmbeddedExecutor
from core.infra.jobs.inline import run_inline
from core.infra.jobs.queue import JobQueue
from core.infra.jobs.records import ClaimedJob, JobRecord, Progress, Throughput, WorkerRecord, eta_ms, job_record

__all__ = [
    "ClaimedJob",
    "EmbeddedExecutor",
    "JobQueue",
    "JobRecord",
    "Progress",
    "Throughput",
    "WorkerRecord",
    "eta_ms",
    "job_record",
    "run_inline",
]
