"""Health, request ids, security headers, host names, faults (B12, B14, D8, E6, E11)."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from core.bootstrap import Workbench
from core.errors import ReadbackError
from core.http import middleware, routes
from core.http.errors import guarded
from core.settings import Settings


def test_health(client: TestClient) -> None:
    """B14: this process is for the web only, so that no worker is expected."""
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["database_ms"] >= 0
    assert answer.headers["cache-control"] == "no-store"
    assert client.get("/health/live").json()["status"] == "ok"


def test_health_tells_what_is_wrong(client: TestClient, workbench: Workbench) -> None:
    workbench.database.dispose()
    database = workbench.settings.data_dir / "readback.db"
    for path in workbench.settings.data_dir.glob("readback.db*"):
        path.unlink()
    database.mkdir()
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["database_ms"] is None
    assert answer.json()["problems"]
    assert client.get("/health/live").status_code == 200


def test_before_the_workbench_is_there() -> None:
    def starting() -> Workbench:
        raise ReadbackError("Readback is starting.")

    client = TestClient(Starlette(routes=routes(starting)))
    assert client.get("/health").json()["problems"] == ["Readback is starting."]
    assert client.get("/files/x").json() == {"error": {"code": "error", "message": "Readback is starting."}}


def test_every_answer_has_a_request_id_and_security_headers(client: TestClient) -> None:
    first, second = client.get("/health/live"), client.get("/nowhere")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    given = client.get("/health/live", headers={"x-request-id": "my-id.7"})
    assert given.headers["x-request-id"] == "my-id.7"
    unsafe = client.get("/health/live", headers={"x-request-id": "x" * 65})
    assert len(unsafe.headers["x-request-id"]) == 12
    assert "frame-ancestors 'self'" in second.headers["content-security-policy"]
    assert second.headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:1", "[::1]:8501", "[::1]", "localhost."])
def test_known_hosts(client: TestClient, host: str) -> None:
    assert client.get("/health/live", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil", "", "::1"])
def test_other_hosts_are_refused(client: TestClient, host: str) -> None:
    answer = client.get("/health/live", headers={"host": host})
    assert answer.status_code == 400
    assert "READBACK_ALLOWED_HOSTS" in answer.text
    assert answer.headers["x-request-id"]


async def _ok(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def _accept(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def test_hosts_by_wildcard_and_on_web_sockets() -> None:
    settings = Settings(allowed_hosts=("*.example.org",))
    app = Starlette(routes=[Route("/", _ok), WebSocketRoute("/socket", _accept)], middleware=middleware(settings))
    client = TestClient(app)
    assert client.get("/", headers={"host": "a.b.example.org"}).status_code == 200
    assert client.get("/", headers={"host": "badexample.org"}).status_code == 400
    with client.websocket_connect("/socket", headers={"host": "a.example.org"}):
        pass
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/socket", headers={"host": "evil.example"}):
        pass
    everywhere = Starlette(routes=[Route("/", _ok)], middleware=middleware(Settings(allowed_hosts=("*",))))
    assert TestClient(everywhere).get("/", headers={"host": "anything"}).status_code == 200


def test_a_fault_of_ours_is_not_described_to_the_client() -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("secret detail")

    app = Starlette(routes=[Route("/", guarded(broken))], middleware=middleware(Settings()))
    answer = TestClient(app, base_url="http://localhost").get("/")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert answer.headers["x-request-id"] in answer.json()["error"]["message"]
    assert "secret" not in answer.text


def test_cancelled_requests_are_not_taken_for_faults() -> None:
    async def cancelled(_request: Request) -> Response:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(guarded(cancelled)(Request({"type": "http", "headers": []})))  # type: ignore[arg-type]
