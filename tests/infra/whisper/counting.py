"""A loader that loads nothing and counts everything, and ways to run and wait, for the tests of the pool."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from core.infra.whisper.entries import LoadRequest
from core.infra.whisper.pool import LeasePool
from core.ports import ModelHandle, OnDownload
from core.speech.config import TranscriptionConfig

DEADLINE = 20.0


class CountedWeights:
    """Weights that know whether they are alive."""

    def __init__(self, loader: "CountingLoader", name: str) -> None:
        self._loader, self.name, self.size_bytes = loader, name, 10

    def handle(self, request: LoadRequest) -> ModelHandle:
        return cast(ModelHandle, self)

    def unload(self) -> None:
        with self._loader.lock:
            self._loader.alive -= 1
            self._loader.unloads[self.name] += 1


class CountingLoader:
    """Loads nothing, counts everything; can be held up and can fail."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loads: Counter[str] = Counter()
        self.unloads: Counter[str] = Counter()
        self.alive = self.most_alive = 0
        self.gate = threading.Event()
        self.gate.set()
        self.failures: list[BaseException] = []

    def __call__(self, request: LoadRequest) -> CountedWeights:
        assert self.gate.wait(DEADLINE)
        with self.lock:
            self.loads[request.path] += 1
            if self.failures:
                raise self.failures.pop(0)
            self.alive += 1
            self.most_alive = max(self.most_alive, self.alive)
        return CountedWeights(self, request.path)


Make = Callable[..., LeasePool]


def config(name: str) -> TranscriptionConfig:
    return TranscriptionConfig(model=name)


def resolve(wanted: TranscriptionConfig, on_download: OnDownload | None = None) -> LoadRequest:
    return LoadRequest(path=wanted.model, device="cpu", compute_type="int8", name=wanted.model)


def run_all(targets: list[Callable[[], Any]]) -> list[BaseException]:
    """Runs them all at the same moment, to their end; gives what they raised."""
    barrier = threading.Barrier(len(targets))
    errors: list[BaseException] = []

    def run(target: Callable[[], Any]) -> None:
        barrier.wait(DEADLINE)
        try:
            target()
        except BaseException as error:  # noqa: BLE001 — every error is handed to the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(target,)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive(), "a thread waits for ever"
    return errors


def until(condition: Callable[[], bool]) -> None:
    """Waits until something is so; fails after a long time."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)
