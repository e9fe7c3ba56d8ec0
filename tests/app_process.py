"""Starts the real app in a process of its own, as a user would, and stops it with SIGTERM."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import free_port

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
LOG_TAIL_CHARS = 8_000


class AppDidNotStartError(RuntimeError):
    """The app ended, or did not answer in time; the message has the end of its log."""


@dataclass
class RunningApp:
    """The app on a free port with its own data folder.

    Args:
        data_dir: Its data folder; given again, the app finds what it had.
        env: Settings on top of the defaults, e.g. ``{"READBACK_WORKERS": "0"}``.
        arguments: More arguments for ``readback serve``.
    """

    data_dir: Path
    env: Mapping[str, str] | None = None
    arguments: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_path(self) -> Path:
        return self.data_dir.parent / f"{self.data_dir.name}-server.log"

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def url(self, path: str) -> str:
        return f"{self.base_url}/{path.lstrip('/')}"

    def start(self) -> None:
        """Starts the process and returns when ``/health`` answers 200."""
        self.spawn()
        self._wait_healthy()

    def spawn(self) -> None:
        """Starts the process and returns at once."""
        self.port = self.port or free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("READBACK_")}
        environment |= {
            "READBACK_DATA_DIR": str(self.data_dir),
            "READBACK_OFFLINE": "true",
            "STREAMLIT_SERVER_HEADLESS": "true",
            "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
            "PYTHONUNBUFFERED": "1",
            **(self.env or {}),
        }
        # The script next to this interpreter: the same environment, whatever PATH says.
        command = [str(Path(sys.executable).with_name("readback")), "serve"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), *self.arguments]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def _wait_healthy(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AppDidNotStartError(
                    f"The app ended with exit code {self.process.returncode}.\n{self.log[-LOG_TAIL_CHARS:]}"
                )
            if self._healthy():
                return
            time.sleep(0.1)
        self.kill()
        raise AppDidNotStartError(f"No answer within {START_TIMEOUT_S} s.\n{self.log[-LOG_TAIL_CHARS:]}")

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(self.url("/health"), timeout=5) as answer:  # noqa: S310  # our own loopback URL
                # Streamlit answers unknown paths with a page and 200: only our own JSON counts.
                return bool(answer.status == 200 and "json" in answer.headers.get("content-type", ""))
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> int:
        """SIGTERM, and the exit code; a process that does not stop in time is killed and fails the test."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"The app did not stop within {STOP_TIMEOUT_S} s of SIGTERM.\n{self.log[-LOG_TAIL_CHARS:]}"
            ) from None

    def kill(self) -> None:
        """SIGKILL: what a crash or a power cut leaves behind."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
