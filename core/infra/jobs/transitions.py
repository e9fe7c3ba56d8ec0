"""The life of a job. Whoever changes a job's state does it here; a test makes sure that nobody does it elsewhere.

::

    queued ──→ running ──→ completed
      ↑ │         │ │
      │ │         │ └────→ failed ────→ queued    (the user's retry)
      │ │         ├──────→ cancelled ─→ queued    (the user's retry)
      │ └─────────│──────→ cancelled
      └───────────┘   lease expired, shutdown, another try after an error
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from core.errors import IllegalTransitionError
from core.infra.tables import Job, JobState
from core.infra.tables.base import now

#: From each state, where it may go.
ALLOWED: Final[Mapping[JobState, frozenset[JobState]]] = MappingProxyType(
    {
        JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
        JobState.RUNNING: frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}),
        JobState.COMPLETED: frozenset(),
        JobState.FAILED: frozenset({JobState.QUEUED}),
        JobState.CANCELLED: frozenset({JobState.QUEUED}),
    }
)
#: States in which nothing happens any more by itself.
ENDED: Final = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})


def change(state_from: str, state_to: str) -> JobState:
    """The state after the change.

    Raises:
        IllegalTransitionError: There is no such change.
    """
    before, after = JobState(state_from), JobState(state_to)
    if after not in ALLOWED[before]:
        raise IllegalTransitionError(f"A job that is {before} cannot become {after}.")
    return after


def move(job: Job, state_to: JobState) -> None:
    """Changes the state of a row its caller has locked.

    Raises:
        IllegalTransitionError: There is no such change; the row is as it was.
    """
    job.state = change(job.state, state_to)


def put_down(job: Job) -> None:
    """Takes the worker's name off a job that no longer runs; if it has ended, notes when."""
    job.worker_id = job.lease_expires_at = None
    if job.state in ENDED:
        job.finished_at = now()
        job.cancel_requested = False
