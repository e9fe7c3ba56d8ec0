"""Errors as JSON: ``{"error": {"code": ..., "message": ...}}`` with the status that fits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.errors import ReadbackError

_log = structlog.get_logger(__name__)
Endpoint = Callable[[Request], Awaitable[Response]]


def error_json(error: ReadbackError) -> dict[str, dict[str, str]]:
    """An error as programs get it."""
    return {"error": {"code": error.code, "message": error.message}}


def fault_json(request: Request) -> dict[str, dict[str, str]]:
    """What is said of a fault of ours: where to look, not what it was."""
    reference = getattr(request.state, "request_id", "")
    return {"error": {"code": "internal", "message": f"Something went wrong. Log reference: {reference}"}}


def guarded(endpoint: Endpoint) -> Endpoint:
    """An endpoint whose errors are answered as JSON."""

    @wraps(endpoint)
    async def call(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ReadbackError as error:
            _log.info("http.refused", code=error.code, status=error.http_status)
            return JSONResponse(error_json(error), status_code=error.http_status)
        # The edge: whatever went wrong is logged with its traceback, and the client learns where to look.
        except Exception:  # noqa: BLE001
            _log.exception("http.fault")
            return JSONResponse(fault_json(request), status_code=500)

    return call
