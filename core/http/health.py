"""Whether the app is well, for machines."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import metadata
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.bootstrap import Workbench
from core.errors import ReadbackError


async def live(_request: Request) -> Response:
    """GET /health/live: the process answers."""
    return JSONResponse({"status": "ok", "version": version()}, headers={"cache-control": "no-store"})


class Health:
    """GET /health: the database answers and a worker lives; 503 with the problems otherwise (B14)."""

    def __init__(self, get_workbench: Callable[[], Workbench]) -> None:
        self._workbench = get_workbench

    async def full(self, _request: Request) -> Response:
        """The answer."""
        try:
            health = await to_thread.run_sync(self._workbench().system.health)
        except ReadbackError as error:  # starting or stopping
            starting = {"status": "unavailable", "problems": [error.message], "version": version()}
            return JSONResponse(starting, status_code=503, headers={"cache-control": "no-store"})
        answer: dict[str, Any] = {
            "status": "ok" if health.ok else "unavailable",
            "database_ms": None if health.database_ms is None else round(health.database_ms, 2),
            "workers": health.workers,
            "problems": list(health.problems),
            "version": version(),
        }
        return JSONResponse(answer, status_code=200 if health.ok else 503, headers={"cache-control": "no-store"})


@cache
def version() -> str:
    """The program's version; empty where it runs without being installed."""
    try:
        return metadata.version("readback")
    except metadata.PackageNotFoundError:
        return ""
