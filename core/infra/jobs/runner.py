"""Runs one claimed job to the end of its attempt, whatever happens in it (C13)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.errors import JobCancelledError, LeaseLostError, ReadbackError
from core.infra.jobs.context import RunningJob
from core.infra.jobs.leases import LeasedJobs
from core.infra.jobs.records import ClaimedJob, JobRecord
from core.ports import JobHandler, ShutdownRequested

_log = structlog.get_logger(__name__)


def run_claimed(queue: LeasedJobs, handlers: Mapping[str, JobHandler], context: RunningJob) -> None:
    """Calls the job's handler and settles the outcome. Raises nothing, except Ctrl-C in the main thread.

    If even the outcome cannot be written, the job's lease runs out and another attempt finds the last checkpoint.
    """
    claim = context.claim
    record = claim.record
    names = {"job_id": claim.id, "attempt": claim.attempt, "kind": record.kind}
    if record.request_id:
        names["request_id"] = record.request_id
    with structlog.contextvars.bound_contextvars(**names):
        _log.info("job.started")
        try:
            handler = handlers.get(record.kind)
            if handler is None:
                raise ReadbackError(f"This version of Readback cannot do jobs of the kind '{record.kind}'.")
            queue.complete(claim, handler(context))
            _log.info("job.completed")
        except LeaseLostError:
            # Somebody else has it now, or it was deleted: nothing to write, and nothing of ours was.
            _log.warning("job.lease_lost")
        except JobCancelledError:
            _settle(lambda: queue.cancelled(claim))
        except ShutdownRequested:
            _settle(lambda: queue.release(claim))
        except ReadbackError as error:
            _log.warning("job.error", code=error.code, message=error.message, retryable=error.retryable)
            code, message, retryable = error.code, error.message, error.retryable
            _settle(lambda: queue.fail(claim, code=code, message=message, retryable=retryable))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
                raise  # somebody pressed Ctrl-C; the caller decides what that means for the job
            _log.exception("job.crashed")
            _settle(lambda: queue.fail(claim, code="internal", message=_apology(claim), retryable=True))


def _settle(write: Callable[[], JobRecord]) -> None:
    try:
        after = write()
        _log.info("job.left", state=after.state, stage=after.stage)
    except LeaseLostError:
        _log.warning("job.lease_lost")
    except (ReadbackError, SQLAlchemyError):
        _log.exception("job.outcome_not_stored")


def _apology(claim: ClaimedJob) -> str:
    reference = claim.record.request_id or f"job {claim.id}"
    return f"Something went wrong inside Readback. The log has the details; look there for: {reference}"
