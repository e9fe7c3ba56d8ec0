"""Keeps speech models in memory: loads each once however many ask, and lets it go when nobody does.

Loading and unloading happen outside the lock, and an entry counts against the bound until its memory is really free. A
model somebody holds is never taken away; one that is idle makes room for another, the longest unused first. Those who
wait for room are served in the order they came; newcomers do not overtake them, not even for a model that is in memory.

A thread that holds a model and asks for another for which there is no room gets an error instead of waiting: waiting
while holding is how deadlocks are made.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator

import structlog

from core.errors import ConflictError, ModelError, OutOfMemoryError
from core.infra.whisper.entries import Entry, LoadRequest, Weights
from core.ports import ModelHandle, OnDownload
from core.speech.config import TranscriptionConfig
from core.speech.models import LoadedModel

_log = structlog.get_logger(__name__)

#: How often a wait looks whether it should end.
_CHECK_SECONDS = 0.25


class LeasePool:
    """A `ModelPool`.

    Args:
        resolve: Turns a config into what to load; may take long (download) and is called without the lock.
        load: Loads it.
        max_models: How many may be in memory at once.
        idle_seconds: A model nobody used for this long is unloaded. 0: at once.
    """

    def __init__(
        self,
        resolve: Callable[[TranscriptionConfig, OnDownload | None], LoadRequest],
        load: Callable[[LoadRequest], Weights],
        *,
        max_models: int,
        idle_seconds: float,
    ) -> None:
        self._resolve, self._load = resolve, load
        self._max, self._idle_seconds = max_models, idle_seconds
        self._changed = threading.Condition()
        self._entries: dict[LoadRequest, Entry] = {}
        #: Tickets of those who wait for room, the first to be served at the left.
        self._queue: deque[object] = deque()
        #: Leases by thread.
        self._holders: Counter[int] = Counter()
        self._timer: threading.Thread | None = None
        self._closed = False

    @contextlib.contextmanager
    def lease(
        self, config: TranscriptionConfig, *, check: Callable[[], None] | None = None,
        on_download: OnDownload | None = None,
    ) -> Iterator[ModelHandle]:  # fmt: skip
        """The model for a config, loaded if need be; see `core.ports.ModelPool`.

        Raises:
            ModelError: It cannot be found, fetched or loaded. The next call tries again.
            ConflictError: This thread holds a model already and there is no room for another; or the pool is closed.
        """
        request = self._resolve(config, on_download)
        thread = threading.get_ident()
        entry = self._acquire(request, thread, check)
        try:
            assert entry.weights is not None
            yield entry.weights.handle(request)
        except ModelError:
            # After a failure the engine may hold memory it no longer needs, or a GPU context that is broken.
            entry.condemned = True
            raise
        finally:
            self._release(entry, thread)

    def snapshot(self) -> tuple[LoadedModel, ...]:
        """What is in memory now, for the System page."""
        with self._changed:
            return tuple(entry.describe() for entry in self._entries.values())

    def close(self) -> None:
        """Frees what is idle now; what is held goes when it is given back. Nothing more is lent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            timer = self._timer
        self._unload_idle(0.0)
        if timer is not None:
            timer.join()

    def unload(self, path: str) -> None:
        """Frees a model that nobody holds, before its files are deleted.

        Raises:
            ConflictError: Somebody holds it.
        """
        with self._changed:
            found = [entry for entry in self._entries.values() if entry.request.path == path]
            if any(entry.state != "unloading" and not entry.idle for entry in found):
                raise ConflictError("The model is in use. Try again when the jobs that use it have ended.")
            going = [entry for entry in found if self._begin_unload(entry)]
        for entry in going:
            self._finish_unload(entry)

    # -- lending -------------------------------------------------------------------------------------------------------

    def _acquire(self, request: LoadRequest, thread: int, check: Callable[[], None] | None) -> Entry:
        ticket = object()
        awaited: Entry | None = None
        try:
            while True:
                victim: Entry | None = None
                with self._changed:
                    if self._closed:
                        raise ConflictError("The program is stopping; no more models are loaded.")
                    entry = self._entries.get(request)
                    if awaited is not None and awaited.state == "ready":
                        return self._lend(awaited, thread)
                    if awaited is not None and isinstance(awaited.error, Exception):
                        raise awaited.error
                    if awaited is not None and awaited is not entry:
                        # Its loading was broken off by something that was meant for its own thread only.
                        awaited.expected, awaited = awaited.expected - 1, None
                    if entry is not None and entry.state == "loading":
                        if awaited is None:
                            entry.expected, awaited = entry.expected + 1, entry
                    elif entry is not None and entry.state == "ready" and self._may_take(entry, thread, ticket):
                        return self._lend(entry, thread)
                    else:
                        victim = self._queue_for_room(request, thread, ticket)
                        if victim is None and request in self._entries and self._entries[request] is not entry:
                            mine = self._entries[request]
                            break
                    if victim is None:
                        self._changed.wait(_CHECK_SECONDS if check else None)
                if victim is not None:
                    self._finish_unload(victim)
                elif check is not None:
                    check()
        finally:
            with self._changed:
                if awaited is not None:
                    awaited.expected -= 1
                if ticket in self._queue:
                    self._queue.remove(ticket)
                self._changed.notify_all()
        self._load_into(mine, thread)
        return mine

    def _may_take(self, entry: Entry, thread: int, ticket: object) -> bool:
        """Whether a ready model can be lent now. Newcomers wait behind those who wait for room, so that these get it
        one day; a thread that holds a model already does not, or it might wait for itself."""
        first = not self._queue or self._queue[0] is ticket
        return not entry.condemned and (first or self._holders[thread] > 0)

    def _queue_for_room(self, request: LoadRequest, thread: int, ticket: object) -> Entry | None:
        """When it is this thread's turn: puts a new entry into the pool if there is room, or else gives the idle entry
        that has to go for it."""
        if ticket not in self._queue:
            self._queue.append(ticket)
        first = self._queue[0] is ticket
        if first and request not in self._entries:
            if len(self._entries) < self._max:
                self._entries[request] = Entry(request)
                return None
            idle = [entry for entry in self._entries.values() if entry.idle]
            if idle:
                victim = min(idle, key=lambda entry: entry.used_at)
                self._begin_unload(victim)
                return victim
        if self._holders[thread] and not (first and any(e.state == "unloading" for e in self._entries.values())):
            raise ConflictError("There is no room for one more model. Raise READBACK_MAX_LOADED_MODELS.")
        return None

    def _lend(self, entry: Entry, thread: int) -> Entry:
        entry.leases += 1
        self._holders[thread] += 1
        return entry

    def _load_into(self, entry: Entry, thread: int) -> None:
        started = time.monotonic()
        try:
            weights = self._load_with_room(entry.request)
        except BaseException as error:  # whatever it was, those who wait for this loading must be told
            with self._changed:
                entry.error = error
                del self._entries[entry.request]
                self._changed.notify_all()
            raise
        with self._changed:
            entry.weights, entry.state = weights, "ready"
            entry.load_ms = round((time.monotonic() - started) * 1000)
            self._lend(entry, thread)
            self._changed.notify_all()
        _log.info("model_loaded", model=entry.request.name, device=entry.request.device, load_ms=entry.load_ms)

    def _load_with_room(self, request: LoadRequest) -> Weights:
        """Loads; if memory does not suffice, once more after all idle models have gone."""
        try:
            return self._load(request)
        except OutOfMemoryError:
            if not self._unload_idle(0.0):
                raise
        return self._load(request)

    # -- letting go ----------------------------------------------------------------------------------------------------

    def _release(self, entry: Entry, thread: int) -> None:
        with self._changed:
            entry.leases -= 1
            self._holders[thread] -= 1
            if not self._holders[thread]:
                del self._holders[thread]
            entry.used_at = time.monotonic()
            going = (entry.condemned or self._closed or self._idle_seconds <= 0) and self._begin_unload(entry)
            if not going and self._timer is None and not self._closed:
                self._timer = threading.Thread(target=self._watch, name="model-pool", daemon=True)
                self._timer.start()
            self._changed.notify_all()
        if going:
            self._finish_unload(entry)

    def _begin_unload(self, entry: Entry) -> bool:
        if not entry.idle:
            return False
        entry.state = "unloading"
        return True

    def _finish_unload(self, entry: Entry) -> None:
        weights, entry.weights = entry.weights, None
        try:
            if weights is not None:
                weights.unload()
        finally:
            del weights
            with self._changed:
                del self._entries[entry.request]
                self._changed.notify_all()
        _log.info("model_unloaded", model=entry.request.name, device=entry.request.device)

    def _unload_idle(self, idle_seconds: float) -> int:
        with self._changed:
            due = time.monotonic() - idle_seconds
            going = [entry for entry in self._entries.values() if entry.used_at <= due and self._begin_unload(entry)]
        for entry in going:
            self._finish_unload(entry)
        return len(going)

    def _watch(self) -> None:
        """The timer's thread: unloads what has been idle for too long, until the pool is closed."""
        while True:
            with self._changed:
                if self._closed:
                    return
                idle = [entry.used_at for entry in self._entries.values() if entry.idle]
                wait = min(idle) + self._idle_seconds - time.monotonic() if idle else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
            self._unload_idle(self._idle_seconds)
