"""A model hub on this machine: speaks as much of the hub's protocol as the real client needs, and can misbehave."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

#: Files this large or larger are announced with a SHA-256, as the hub does with large-file storage.
LARGE = 100_000


@dataclass
class FakeHub:
    """What the server has and does. Tests change it while it runs."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revision: str = "a" * 40
    #: Status (and the hub's own error code) every answer has, instead of what was asked for.
    refuse: tuple[int, str] | None = None
    #: File name → bytes of it that are sent before the connection is cut, one entry per request.
    cuts: dict[str, list[int]] = field(default_factory=dict)
    #: File whose content is sent with one byte changed.
    corrupt: str = ""
    #: Held back until set, so that a test can act while a download runs.
    gate: threading.Event = field(default_factory=threading.Event)
    #: (path, Range header, Authorization header) of every request.
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""

    def downloads(self, name: str) -> list[str]:
        """The Range headers of the requests for a file."""
        return [span for path, span, _ in self.requests if path.endswith(f"/{name}")]


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    """A hub on a free port."""
    hub = FakeHub()
    hub.gate.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            hub.requests.append((path, self.headers.get("Range", ""), self.headers.get("Authorization", "")))
            if hub.refuse is not None:
                self._answer(hub.refuse[0], b"{}", {"X-Error-Code": hub.refuse[1]} if hub.refuse[1] else {})
            elif path.startswith("/api/models/"):
                self._info(path.removeprefix("/api/models/"))
            else:
                self._file(path)

        def _info(self, repo_id: str) -> None:
            if repo_id not in hub.repositories:
                self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
                return
            siblings = []
            for name, content in hub.repositories[repo_id].items():
                blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
                item: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": blob}
                if len(content) >= LARGE:
                    digest = hashlib.sha256(content).hexdigest()
                    item["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
                siblings.append(item)
            body = {"id": repo_id, "sha": hub.revision, "siblings": siblings}
            self._answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

        def _file(self, path: str) -> None:
            owner, repo, _, revision, name = path.strip("/").split("/", 4)
            assert revision == hub.revision
            assert hub.gate.wait(20)
            content = hub.repositories[f"{owner}/{repo}"][name]
            if hub.corrupt == name:
                content = bytes([content[0] ^ 1]) + content[1:]
            start = 0
            if span := self.headers.get("Range"):
                start = int(span.removeprefix("bytes=").rstrip("-"))
            headers = {"ETag": '"x"', "Accept-Ranges": "bytes"}
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            cuts = hub.cuts.get(name)
            self._answer(206 if start else 200, content[start:], headers, cut=cuts.pop(0) if cuts else None)

        def _answer(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[:cut])
            if cut is not None:
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(2)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        hub.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


def demo_files() -> dict[str, bytes]:
    """The embedded model's small files, weights that only begin like a model's, and a file that is not wanted.

    The weights are larger than two of the 10 MB pieces in which the client writes: what can be resumed are whole ones.
    """
    folder = Path(__file__).resolve().parents[3] / "core" / "demo" / "model"
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    return files | {"model.bin": files["model.bin"][:4_096] * 6_200, "README.md": b"# A model\n"}
