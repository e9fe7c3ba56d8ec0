"""``readback serve``: the app."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import threading
import time
import webbrowser

import click

from core.bootstrap import check_start
from core.commands.common import note, settings_with_logging, stop_on_sigterm
from core.errors import ReadbackError

#: How long --open waits for the app to answer.
_OPEN_SECONDS = 60.0
_LOOK_SECONDS = 0.1
#: Largest message between page and server: what Streamlit's own server allows.
_LARGEST_MESSAGE_BYTES = 200 * 1024 * 1024
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ANY = ("0.0.0.0", "::")  # noqa: S104 — recognised, not bound to by default

#: Streamlit's own settings, in the only form that is read before any of its code runs.
_STREAMLIT = {
    "STREAMLIT_SERVER_HEADLESS": "true",
    "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}


@click.command("serve")
@click.option("--host", help="Address to listen on. Default: READBACK_HOST, or 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port to listen on. Default: READBACK_PORT, or 8501.")
@click.option("--open", "open_browser", is_flag=True, help="Open the app in the browser once it answers.")
def command(host: str | None, port: int | None, open_browser: bool) -> None:
    """Runs the app: pages, API and workers in one process, on one port.

    SIGTERM or Ctrl-C ends it within READBACK_SHUTDOWN_SECONDS; a running job goes back to the queue at its checkpoint.
    """
    # The app reads its settings from the environment, wherever it is started from.
    if host is not None:
        os.environ["READBACK_HOST"] = host
    if port is not None:
        os.environ["READBACK_PORT"] = str(port)
    settings = settings_with_logging(console=True)
    _require_free(settings.host, settings.port)
    check_start(settings)
    os.environ |= {name: os.environ.get(name, value) for name, value in _STREAMLIT.items()}
    os.environ |= {"STREAMLIT_SERVER_ADDRESS": settings.host, "STREAMLIT_SERVER_PORT": str(settings.port)}
    if settings.host not in _LOOPBACK:
        note(
            f"The app can be reached from other machines; it answers to the names {', '.join(settings.allowed_hosts)}."
        )
    address = f"http://{'localhost' if settings.host in (*_LOOPBACK, *_ANY) else settings.host}:{settings.port}"
    note(f"Readback: {address} (Ctrl-C ends it)")
    if open_browser:
        threading.Thread(target=_open, args=(address, settings.port), name="open-browser", daemon=True).start()
    _run(settings.host, settings.port, settings.shutdown_seconds)


def _run(host: str, port: int, shutdown_seconds: int) -> None:
    import uvicorn

    config = uvicorn.Config(
        importlib.import_module("app").app,
        host=host,
        port=port,
        log_config=None,  # ours is set up
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=_LARGEST_MESSAGE_BYTES,
        timeout_graceful_shutdown=shutdown_seconds,
        server_header=False,
    )
    server = uvicorn.Server(config)
    # Once it has shut down, uvicorn sends itself the signal again; to be asked to stop and to do so is no failure.
    with stop_on_sigterm(), contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise ReadbackError("The app did not start; the log says why.")


def _require_free(host: str, port: int) -> None:
    """Raises if something listens there already: said before half the app has started, and in our words."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name != "nt":  # there it would let two programs share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ReadbackError(
                f"Port {port} on {host} cannot be used: {error.strerror}. Choose another one with --port."
            ) from error


def _open(address: str, port: int) -> None:
    deadline = time.monotonic() + _OPEN_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                webbrowser.open(address)
                return
        time.sleep(_LOOK_SECONDS)
