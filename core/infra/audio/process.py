"""The parent's side of the process that reads untrusted media: start it, watch it, end it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from core.errors import CorruptMediaError, MediaError, MediaMissingError, MediaTimeoutError
from core.infra.decoder import frames

_log = structlog.get_logger(__name__)
#: How often the watchdog looks at the clock.
_WATCH_SECONDS = 0.2
#: How long a child that has closed its pipe may take to end.
_END_SECONDS = 2.0
_START = "import sys; sys.path[:0] = sys.argv[2:]; from core.infra.decoder.main import run; run(sys.argv[1])"
_KINDS: list[type[MediaError]] = [MediaError, *MediaError.__subclasses__()]
_ERRORS = {kind.code: kind for kind in _KINDS}


@cache
def _module_folders() -> tuple[str, ...]:
    """Where the child finds our code and PyAV; found without importing PyAV here."""
    spec = importlib.util.find_spec("av")
    if spec is None or spec.origin is None:  # pragma: no cover — PyAV is one of the base requirements
        raise ImportError("PyAV is not installed")
    return str(Path(__file__).resolve().parents[3]), str(Path(spec.origin).parent.parent)


class DecoderProcess:
    """One run of the child. Use as a context manager: leaving it ends the process, whatever it is doing.

    Args:
        path: The file to read; opened here, so that the child need not be able to open anything.
        request: See `core.infra.decoder.main.run`.
        patience_seconds: How long, in all, we wait for the child. Time the caller takes between reads does not count.

    Raises:
        MediaMissingError: The file is not there or not readable.
    """

    def __init__(self, path: Path, request: dict[str, Any], *, patience_seconds: float) -> None:
        self._path = path
        self._patience = patience_seconds
        self._waiting_since: float | None = None
        self._timed_out = False
        self._done = threading.Event()
        command = [sys.executable, "-I", "-S", "-B", "-c", _START, json.dumps(request), *_module_folders()]
        try:
            with path.open("rb") as file:
                # A session of its own, so that nothing it might start outlives it.
                self._process = subprocess.Popen(
                    command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
                    env=_environment(), cwd=os.sep,
                )  # fmt: skip
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            raise MediaMissingError(f"The file {path.name} cannot be opened: {error.strerror}.") from error
        self._watchdog = threading.Thread(target=self._watch, name="decoder-watchdog", daemon=True)
        self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def receive(self) -> tuple[bytes, bytes]:
        """The next frame as (kind, payload).

        Raises:
            MediaError: The child said the file is bad, or ended without saying anything, or takes too long.
        """
        assert self._process.stdout is not None
        self._waiting_since = time.monotonic()
        try:
            frame = frames.read(self._process.stdout)
            if frame is None:
                raise frames.BrokenPipeline
            kind, payload = frame
            if kind == frames.MESSAGE:
                self._raise_if_error(frames.parse_message(payload))
            return frame
        except frames.BrokenPipeline:
            raise self._ended() from None
        finally:
            self._patience -= time.monotonic() - (self._waiting_since or 0)
            self._waiting_since = None

    def close(self) -> None:
        """Ends the process with everything in its session, and lets go of the pipe."""
        self._done.set()
        self._kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()
        self._watchdog.join()

    def _kill(self) -> None:
        if self._process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    def _watch(self) -> None:
        """Ends a child that is overdue. Its end closes the pipe, so that nobody waits for ever."""
        while not self._done.wait(_WATCH_SECONDS):
            since = self._waiting_since
            if since is not None and time.monotonic() - since > self._patience:
                self._timed_out = True
                self._kill()
                return

    def _ended(self) -> MediaError:
        try:
            status = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
            status = self._process.wait()
        _log.warning("decoder.ended", file=self._path.name, status=status, timed_out=self._timed_out)
        # SIGXCPU: its own limit of time. SIGKILL, where it was not us: the system was out of memory.
        if self._timed_out or -status in (getattr(signal, "SIGXCPU", None), getattr(signal, "SIGKILL", None)):
            return MediaTimeoutError(
                "Reading the file took more time or memory than it may. It may be damaged; if it is only long, raise "
                "READBACK_DECODE_TIMEOUT_SECONDS."
            )
        return CorruptMediaError("The file is damaged: the process that read it crashed. Nothing else was affected.")

    def _raise_if_error(self, message: dict[str, Any]) -> None:
        if message.get("type") != "error":
            return
        if "detail" in message:
            _log.warning("decoder.failed", file=self._path.name, detail=str(message["detail"])[:500])
        kind = _ERRORS.get(str(message.get("code")), CorruptMediaError)
        raise kind(str(message.get("message", "The file cannot be read."))[:500])


def _environment() -> dict[str, str]:
    """Next to nothing: no secrets, no proxies, no settings of ours."""
    kept = ("SYSTEMROOT", "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"OPENBLAS_NUM_THREADS": "1"}
