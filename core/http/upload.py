"""POST /files/upload: a file of any size as the request's body, in flat memory.

Query: ``token`` (kind ``upload``, with ``project_id``), ``name``, optionally ``track``. Faults in the request, and in
receiving it, are answered with their status. Once the file is here, the answer (200, one JSON object a line) tells how
far reading is, and ends with a ``result`` or an ``error``. Whoever goes away before that has not uploaded anything.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import structlog
from anyio import CapacityLimiter, from_thread, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.bootstrap import Workbench
from core.errors import JobCancelledError, MediaTooLargeError, ReadbackError, ValidationFailedError
from core.http.errors import error_json, fault_json
from core.services.importing import StagedFile

_log = structlog.get_logger(__name__)

#: Files that come in at the same time; more wait before they are read from the network.
MOST_RECEIVING = 16
#: Files that are decoded at the same time: each keeps a processor busy.
MOST_READING = max(1, (os.cpu_count() or 2) // 2)
#: A client that sends nothing for this long is gone.
SILENCE_SECONDS = 60.0


class Uploads:
    """Takes files in."""

    def __init__(self, get_workbench: Callable[[], Workbench]) -> None:
        self._workbench = get_workbench
        self._limiters: tuple[CapacityLimiter, CapacityLimiter] | None = None

    async def receive(self, request: Request) -> Response:
        """The endpoint."""
        workbench = self._workbench()
        token = request.query_params.get("token", "")
        claims = await to_thread.run_sync(workbench.links.verify, "upload", token, workbench.settings.link_seconds)
        project_id, track = int(claims["project_id"]), _track(request.query_params.get("track"))
        await to_thread.run_sync(workbench.library.get_project, project_id)
        declared = _length(request.headers.get("content-length"))
        if declared is not None and declared > workbench.settings.max_upload_bytes:
            raise MediaTooLargeError(
                f"The file has {declared / 2**30:.3g} GiB; at most {workbench.settings.max_upload_bytes / 2**30:.3g} "
                "GiB can be brought in (READBACK_MAX_UPLOAD_BYTES)."
            )
        receiving, reading = self._limits()
        name = request.query_params.get("name", "")
        chunks = _chunks(request)
        staged = await to_thread.run_sync(
            lambda: workbench.importing.stage(chunks, name=name, declared_bytes=declared), limiter=receiving
        )
        return _ImportResponse(workbench, project_id, staged, track, request, reading)

    def _limits(self) -> tuple[CapacityLimiter, CapacityLimiter]:
        if self._limiters is None:  # they belong to the event loop, so they are made inside it
            self._limiters = CapacityLimiter(MOST_RECEIVING), CapacityLimiter(MOST_READING)
        return self._limiters


class _ImportResponse(Response):
    """Imports the staged file while it answers."""

    media_type = "application/x-ndjson"

    def __init__(
        self, workbench: Workbench, project_id: int, staged: StagedFile, track: int | None, request: Request,
        limiter: CapacityLimiter,
    ) -> None:  # fmt: skip
        # Said to be encoded, so that nothing on the way collects the lines in order to compress them.
        super().__init__(headers={"cache-control": "no-store", "content-encoding": "identity"})
        del self.headers["content-length"]
        self._workbench, self._project_id, self._staged, self._track = workbench, project_id, staged, track
        self._request, self._limiter = request, limiter
        self._gone = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 — ASGI's signature
        """Sends a line for each step, then the outcome."""
        self._send = send
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._line({"stage": "Reading", "done": 0, "total": 0})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._watch, receive)
                outcome = await to_thread.run_sync(self._import, limiter=self._limiter, abandon_on_cancel=True)
                tasks.cancel_scope.cancel()
            await self._line(outcome)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._gone.set()
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._workbench.importing.discard, self._staged)

    async def _line(self, report: dict[str, Any]) -> None:
        body = json.dumps(report, ensure_ascii=False).encode() + b"\n"
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone.set()

    def _import(self) -> dict[str, Any]:
        try:
            self._tell("Reading", 0, 0)
            outcome = self._workbench.importing.import_staged(
                self._project_id, self._staged, track=self._track, on_progress=self._tell
            )
        except ReadbackError as error:
            return error_json(error)
        # The status has been sent already, so the last line has to say it, here as in `guarded`.
        except Exception:  # noqa: BLE001
            _log.exception("http.fault")
            return fault_json(self._request)
        recording = outcome.recording
        return {"result": {"recording_id": recording.id, "name": recording.name, "duplicate": outcome.duplicate}}

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self._gone.is_set():
            raise JobCancelledError("The upload was cancelled.")
        from_thread.run(self._line, {"stage": stage, "done": done, "total": total})


def _chunks(request: Request) -> Iterator[bytes]:
    """The body, for a worker thread: each step waits in the event loop for what comes next."""
    stream = aiter(request.stream())

    async def following() -> bytes | None:
        try:
            with anyio.fail_after(SILENCE_SECONDS):
                return await anext(stream, None)
        except (ClientDisconnect, TimeoutError) as error:
            raise JobCancelledError("The connection was lost before the file was complete. Try again.") from error

    while (chunk := from_thread.run(following)) is not None:
        if chunk:
            yield chunk


def _track(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > 3:
        raise ValidationFailedError("Track", "must be a whole number from 0.")
    return int(text)


def _length(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
