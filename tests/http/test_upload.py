"""Uploads: any size in flat memory, whole or not at all (C1, C10, C12)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.bootstrap import Workbench
from core.errors import DiskFullError
from core.infra.media_store import LocalMediaStore
from tests import media


@pytest.fixture
def token(workbench: Workbench, project: int) -> str:
    return workbench.links.sign("upload", project_id=project)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def leftovers(workbench: Workbench) -> list[Path]:
    data = workbench.settings.data_dir
    found = [*(data / "media").rglob("*"), *(data / "staging").rglob("*")]
    return [path for path in found if path.is_file() and path.suffix != ".lock"]


def test_a_file_is_brought_in(client: TestClient, workbench: Workbench, project: int, token: str, sound: Path) -> None:
    def body() -> Iterator[bytes]:
        content = sound.read_bytes()
        for start in range(0, len(content), 1_000):
            yield content[start : start + 1_000]

    answer = client.post("/files/upload", params={"token": token, "name": "a/b/Eins.wav"}, content=body())
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    *progress, last = lines(answer.text)
    assert progress[-1] == {"stage": "Reading", "done": 2_000, "total": 2_000}
    recording = workbench.library.list_recordings(project_id=project).items[0]
    assert last == {"result": {"recording_id": recording.id, "name": "Eins.wav", "duplicate": False}}
    again = client.post("/files/upload", params={"token": token, "name": "x"}, content=sound.read_bytes())
    assert lines(again.text)[-1]["result"]["duplicate"] is True
    assert len(leftovers(workbench)) == 2


def test_what_cannot_be_read_ends_with_its_error(client: TestClient, workbench: Workbench, token: str) -> None:
    answer = client.post("/files/upload", params={"token": token, "name": "a.wav"}, content=b"Dear diary, " * 100)
    assert answer.status_code == 200
    assert lines(answer.text)[-1]["error"]["code"] == "media_unknown_type"
    assert leftovers(workbench) == []


def test_a_track_may_be_chosen(client: TestClient, workbench: Workbench, token: str, tmp_path: Path) -> None:
    sounds = [media.hum(rate=48_000), media.hum(rate=48_000, hertz=500)]
    video = media.write(tmp_path / "two.mkv", sounds, codec="flac", layout="mono").read_bytes()

    def post(track: str) -> Any:
        return client.post("/files/upload", params={"token": token, "name": "v", "track": track}, content=video)

    recording_id = lines(post("1").text)[-1]["result"]["recording_id"]
    assert workbench.library.get_recording(recording_id).audio_track == 1
    assert lines(post("2").text)[-1]["error"]["code"] == "media_audio_track"
    assert post("two").status_code == 422


@pytest.mark.parametrize(
    ("status", "code", "headers", "content"),
    [
        (413, "media_too_large", {"content-length": str(2**22 + 1)}, b"x"),
        (413, "media_too_large", {}, [bytes(2**20)] * 5),
        (422, "media_empty", {}, b""),
    ],
)
def test_refusals_while_it_comes(
    client: TestClient, workbench: Workbench, token: str, status: int, code: str, headers: dict[str, str], content: Any
) -> None:
    """C12: too large is 413, before reading where the length is known."""
    body = iter(content) if isinstance(content, list) else content
    answer = client.post("/files/upload", params={"token": token}, content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert leftovers(workbench) == []


def test_a_link_for_this_project_is_needed(client: TestClient, workbench: Workbench, project: int) -> None:
    for token in ("", "x", workbench.links.sign("media", project_id=project)):
        assert client.post("/files/upload", params={"token": token}, content=b"x").status_code == 403
    gone = workbench.links.sign("upload", project_id=project + 1)
    assert client.post("/files/upload", params={"token": gone}, content=b"x").status_code == 404


def test_a_full_disk_is_507(
    client: TestClient, workbench: Workbench, token: str, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbench.media, "_min_free", 2**60)
    answer = client.post("/files/upload", params={"token": token, "name": "x"}, content=sound.read_bytes())
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, DiskFullError.code)
    assert isinstance(workbench.media, LocalMediaStore)
    assert leftovers(workbench) == []


async def call(app: Starlette, query: str, messages: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """One request by hand, for a client that does not behave."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/files/upload", "raw_path": b"/files/upload", "query_string": query.encode(),
        "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1), "server": ("localhost", 80),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return await anext(messages)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)  # type: ignore[arg-type]
    return sent


def test_a_client_that_goes_away_while_sending_leaves_nothing(app: Starlette, workbench: Workbench, token: str) -> None:
    """C10."""

    async def messages() -> AsyncIterator[dict[str, Any]]:
        yield {"type": "http.request", "body": bytes(10_000), "more_body": True}
        yield {"type": "http.disconnect"}

    anyio.run(call, app, f"token={token}&name=x", messages())
    assert leftovers(workbench) == []


def test_a_client_that_goes_away_while_it_is_read_leaves_nothing(
    app: Starlette, workbench: Workbench, project: int, token: str, sound: Path
) -> None:
    """C10."""

    content = sound.read_bytes()

    async def messages() -> AsyncIterator[dict[str, Any]]:
        yield {"type": "http.request", "body": content, "more_body": False}
        yield {"type": "http.disconnect"}

    sent = anyio.run(call, app, f"token={token}&name=x", messages())
    assert sent[0]["status"] == 200
    assert leftovers(workbench) == []
    assert workbench.library.list_recordings(project_id=project).total == 0
