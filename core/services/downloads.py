"""Downloads of models that go on when the page that asked for them is left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import structlog

from core.errors import JobCancelledError, ReadbackError

_log = structlog.get_logger(__name__)

#: Called with bytes done and bytes in all.
OnProgress = Callable[[int, int], None]
#: How long closing waits for a download to notice: what it waits for itself is the network.
_CLOSE_SECONDS: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """How a download is doing, or why it ended."""

    #: Name of the model.
    name: str
    state: Literal["running", "failed"] = "running"
    done_bytes: int = 0
    #: 0 while it is not known.
    total_bytes: int = 0
    #: Why it failed, in words for the user.
    message: str = ""

    @property
    def share(self) -> float:
        """How much has come, 0 to 1."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else 0.0


class Downloads:
    """Runs each download in a thread of its own; one a model, however often it is asked for.

    What has arrived is kept when one is stopped or fails, or the process ends: the next one goes on from there.

    Args:
        pull: Downloads a model by name and tells how far it is (`ModelService.pull`).
    """

    def __init__(self, pull: Callable[[str, OnProgress], object]) -> None:
        self._pull = pull
        self._lock = threading.Lock()
        self._downloads: dict[str, Download] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._stopping: set[str] = set()
        self._closed = False

    def start(self, name: str) -> None:
        """Begins a download, or leaves it alone if it runs. A failure of an earlier one is forgotten."""
        with self._lock:
            if self._closed or name in self._threads:
                return
            self._downloads[name] = Download(name=name)
            thread = threading.Thread(target=self._run, args=(name,), name=f"readback-download-{name}", daemon=True)
            self._threads[name] = thread
            thread.start()

    def stop(self, name: str) -> None:
        """Ends a download soon; or forgets that it failed."""
        with self._lock:
            if name in self._threads:
                self._stopping.add(name)
            else:
                self._downloads.pop(name, None)

    def all(self) -> Mapping[str, Download]:
        """Those that run or have failed, by the model's name; completed ones are models like any other."""
        with self._lock:
            return dict(self._downloads)

    @property
    def running(self) -> bool:
        """Whether anything is being downloaded."""
        with self._lock:
            return bool(self._threads)

    def close(self) -> None:
        """Ends all downloads; nothing more is begun."""
        with self._lock:
            self._closed = True
            self._stopping.update(self._threads)
            threads = tuple(self._threads.values())
        for thread in threads:
            thread.join(_CLOSE_SECONDS)

    def _run(self, name: str) -> None:
        failure = ""
        try:
            self._pull(name, lambda done, total: self._progress(name, done, total))
        except JobCancelledError:
            _log.info("model_download_stopped", model=name)
        except ReadbackError as error:
            _log.warning("model_download_failed", model=name, code=error.code, message=error.message)
            failure = error.message
        except Exception:  # noqa: BLE001 — nobody waits for this thread: what it does not say here is never known
            _log.exception("model_download_crashed", model=name)
            failure = "Something went wrong inside Readback. The log has the details; what has come is kept."
        with self._lock:
            self._threads.pop(name)
            self._stopping.discard(name)
            ended = self._downloads.pop(name)
            if failure:
                self._downloads[name] = replace(ended, state="failed", message=failure)

    def _progress(self, name: str, done: int, total: int) -> None:
        with self._lock:
            if name in self._stopping:
                raise JobCancelledError("The download was stopped. What has come is kept.")
            self._downloads[name] = replace(self._downloads[name], done_bytes=done, total_bytes=total)
