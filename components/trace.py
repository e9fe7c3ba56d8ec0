"""The request id of what the user is doing: logged, shown with a failure, and given to the jobs that come of it."""

from __future__ import annotations

import uuid

from structlog.contextvars import bind_contextvars, get_contextvars

_NAME = "request_id"


def begin() -> str:
    """A new id for this run of the page; every log line of this thread carries it from now on."""
    request_id = uuid.uuid4().hex[:12]
    bind_contextvars(**{_NAME: request_id})
    return request_id


def request_id() -> str:
    """The id of this run. A fragment reruns without the page, in another thread: it gets one of its own."""
    bound = get_contextvars().get(_NAME)
    return str(bound) if bound else begin()
