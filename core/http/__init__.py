"""The HTTP edge beside the pages: health, files, uploads. Parse, call a service, map errors; nothing else.

Everything is under ``/files`` and ``/health``: ``/media`` and ``/_stcore`` belong to Streamlit.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from core.bootstrap import Workbench
from core.http.errors import guarded
from core.http.health import Health, live
from core.http.media import Files
from core.http.middleware import AllowedHosts, RequestIds, SecurityHeaders
from core.http.upload import Uploads
from core.settings import Settings


def routes(get_workbench: Callable[[], Workbench]) -> list[BaseRoute]:
    """All routes.

    Args:
        get_workbench: Gives the Workbench when a request comes; raises `ReadbackError` while there is none.
    """
    files, uploads, health = Files(get_workbench), Uploads(get_workbench), Health(get_workbench)
    return [
        Route("/health", guarded(health.full), methods=["GET"]),
        Route("/health/live", guarded(live), methods=["GET"]),
        Route("/files/upload", guarded(uploads.receive), methods=["POST"]),
        Route("/files/{token}", guarded(files.media), methods=["GET"]),
        Route("/files/{token}/peaks", guarded(files.peaks), methods=["GET"]),
        Route("/files/{token}/export.{fmt}", guarded(files.export), methods=["GET"]),
    ]


def middleware(settings: Settings) -> list[Middleware]:
    """What every request passes through, pages included; the first is the outermost."""
    return [
        Middleware(RequestIds),
        Middleware(SecurityHeaders),
        Middleware(AllowedHosts, allowed=settings.allowed_hosts),
    ]


__all__ = ["middleware", "routes"]
