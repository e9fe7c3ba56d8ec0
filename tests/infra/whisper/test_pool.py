"""E4, C8: one load per model however many ask, bounded, idle unload, freed after failure. The loader here counts."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest

from core.errors import ConflictError, JobCancelledError, ModelFilesError, OutOfMemoryError
from core.infra.whisper.entries import LoadRequest
from core.infra.whisper.pool import LeasePool
from core.ports import ModelHandle
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


def config(name: str) -> TranscriptionConfig:
    return TranscriptionConfig(model=name)


def resolve(wanted: TranscriptionConfig) -> LoadRequest:
    return LoadRequest(path=wanted.model, device="cpu", compute_type="int8", name=wanted.model)


@pytest.fixture
def loader() -> CountingLoader:
    return CountingLoader()


Make = Callable[..., LeasePool]


@pytest.fixture
def make(loader: CountingLoader) -> Iterator[Make]:
    with ExitStack() as stack:

        def build(max_models: int = 2, idle_seconds: float = 600.0) -> LeasePool:
            pool = LeasePool(resolve, loader, max_models=max_models, idle_seconds=idle_seconds)
            stack.callback(pool.close)
            return pool

        yield build


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


def test_sixteen_threads_load_once(make: Make, loader: CountingLoader) -> None:
    pool = make()
    together = threading.Barrier(16)

    def use() -> None:
        with pool.lease(config("a")):
            together.wait(DEADLINE)  # all sixteen hold it at the same time

    assert run_all([use] * 16) == []
    assert loader.loads == {"a": 1}
    assert pool.snapshot()[0].leases == 0


def test_a_race_over_few_places_never_goes_over_the_bound(make: Make, loader: CountingLoader) -> None:
    pool = make(max_models=2)

    def use(turn: int) -> None:
        for step in range(12):
            with pool.lease(config("abcd"[(turn * 7 + step * 3) % 4])) as handle:
                assert cast(Any, handle).name in "abcd"

    assert run_all([lambda turn=turn: use(turn) for turn in range(16)]) == []  # type: ignore[misc]  # default binds it
    assert loader.most_alive <= 2
    assert loader.alive == len(pool.snapshot())


def test_the_longest_unused_makes_room_and_a_held_one_never_does(make: Make, loader: CountingLoader) -> None:
    pool = make(max_models=2)
    with pool.lease(config("a")):
        with pool.lease(config("b")):
            pass
        with pool.lease(config("c")):
            assert {model.name for model in pool.snapshot()} == {"a", "c"}
    assert loader.unloads == {"b": 1}


def test_who_waits_for_room_is_served_in_order(make: Make, loader: CountingLoader) -> None:
    pool = make(max_models=1)
    served: list[str] = []
    threads = []

    def use(name: str) -> None:
        with pool.lease(config(name)):
            served.append(name)

    with pool.lease(config("a")):
        for count, name in enumerate(["b", "c", "a", "d"], start=1):
            thread = threading.Thread(target=use, args=(name,))
            thread.start()
            threads.append(thread)
            until(lambda count=count: len(pool._queue) == count)  # type: ignore[misc]  # default binds it
    for thread in threads:
        thread.join(DEADLINE)
    assert served == ["b", "c", "a", "d"]


def test_a_wait_can_be_broken_off(make: Make) -> None:
    """A cancelled job stops waiting for room."""
    pool = make(max_models=1)
    cancelled = threading.Event()
    errors: list[BaseException] = []

    def check() -> None:
        if cancelled.is_set():
            raise JobCancelledError("stopped")

    def wait() -> None:
        try:
            with pool.lease(config("b"), check=check):
                pass
        except JobCancelledError as error:
            errors.append(error)

    with pool.lease(config("a")):
        thread = threading.Thread(target=wait)
        thread.start()
        until(lambda: len(pool._queue) == 1)
        cancelled.set()
        thread.join(DEADLINE)
        assert len(errors) == 1
        assert not pool._queue


def test_waiting_for_a_loading_can_be_broken_off(make: Make, loader: CountingLoader) -> None:
    pool = make()
    loader.gate.clear()
    first = threading.Thread(target=lambda: pool.lease(config("a")).__enter__())
    first.start()
    until(lambda: len(pool.snapshot()) == 1)

    def stop() -> None:
        raise JobCancelledError("stopped")

    with pytest.raises(JobCancelledError), pool.lease(config("a"), check=stop):
        pass
    assert pool.snapshot()[0].state == "loading"
    loader.gate.set()
    first.join(DEADLINE)


def test_holding_and_waiting_is_refused(make: Make) -> None:
    """No deadlock: a thread that holds a model does not wait for room for another."""
    pool = make(max_models=1)
    refused = pytest.raises(ConflictError, match="READBACK_MAX_LOADED_MODELS")
    with pool.lease(config("a")), pool.lease(config("a")), refused, pool.lease(config("b")):
        pass


def test_a_failure_is_told_to_all_who_waited_and_not_remembered(make: Make, loader: CountingLoader) -> None:
    pool = make()
    loader.gate.clear()
    loader.failures = [ModelFilesError("broken")]
    errors: list[BaseException] = []

    def use() -> None:
        try:
            with pool.lease(config("a")):
                pass
        except ModelFilesError as error:
            errors.append(error)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: bool(pool._entries) and next(iter(pool._entries.values())).expected == 7)
    loader.gate.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(errors) == 8
    assert pool.snapshot() == ()
    with pool.lease(config("a")):
        assert loader.loads == {"a": 2}


def test_an_interrupt_of_one_thread_is_not_passed_to_the_others(make: Make, loader: CountingLoader) -> None:
    pool = make()
    loader.gate.clear()
    loader.failures = [KeyboardInterrupt()]
    served: list[str] = []
    interrupted: list[BaseException] = []

    def use() -> None:
        try:
            with pool.lease(config("a")):
                served.append("a")
        except KeyboardInterrupt as error:
            interrupted.append(error)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: bool(pool._entries) and next(iter(pool._entries.values())).expected == 1)
    loader.gate.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert (len(served), len(interrupted)) == (1, 1)


def test_an_idle_model_is_unloaded_by_the_timer(make: Make, loader: CountingLoader) -> None:
    pool = make(idle_seconds=0.05)
    with pool.lease(config("a")):
        pass
    until(lambda: pool.snapshot() == ())
    assert loader.alive == 0
    with pool.lease(config("a")):
        assert loader.loads == {"a": 2}


def test_idle_time_of_zero_unloads_at_once(make: Make, loader: CountingLoader) -> None:
    pool = make(idle_seconds=0)
    with pool.lease(config("a")):
        assert loader.alive == 1
    assert (loader.alive, pool.snapshot()) == (0, ())


def test_a_model_that_failed_in_use_is_freed(make: Make, loader: CountingLoader) -> None:
    """C8: memory is freed after failure."""
    pool = make()
    with pytest.raises(OutOfMemoryError), pool.lease(config("a")):
        raise OutOfMemoryError("too large")
    assert (loader.alive, pool.snapshot()) == (0, ())


def test_an_error_that_is_not_the_models_keeps_it(make: Make, loader: CountingLoader) -> None:
    pool = make()
    with pytest.raises(JobCancelledError), pool.lease(config("a")):
        raise JobCancelledError("stopped")
    assert loader.alive == 1


def test_loading_that_runs_out_of_memory_is_tried_again_without_idle_models(make: Make, loader: CountingLoader) -> None:
    pool = make()
    with pool.lease(config("a")):
        pass
    loader.failures = [OutOfMemoryError("too large")]
    with pool.lease(config("b")):
        assert {model.name for model in pool.snapshot()} == {"b"}
    loader.failures = [OutOfMemoryError("too large")] * 2
    with pytest.raises(OutOfMemoryError), pool.lease(config("c")):
        pass


def test_the_snapshot_says_who_is_there(make: Make) -> None:
    pool = make()
    with pool.lease(config("a")):
        (model,) = pool.snapshot()
        assert (model.name, model.path, model.device, model.compute_type) == ("a", "a", "cpu", "int8")
        assert (model.state, model.leases, model.idle_seconds, model.size_bytes) == ("ready", 1, 0.0, 10)
    (model,) = pool.snapshot()
    assert model.leases == 0
    assert model.idle_seconds >= 0


def test_unload_refuses_what_is_held(make: Make, loader: CountingLoader) -> None:
    pool = make()
    with pool.lease(config("a")), pytest.raises(ConflictError, match="in use"):
        pool.unload("a")
    pool.unload("a")
    pool.unload("never seen")
    assert loader.alive == 0


def test_a_closed_pool_frees_everything_and_lends_no_more(make: Make, loader: CountingLoader) -> None:
    pool = make()
    with pool.lease(config("a")):
        with pool.lease(config("b")):
            pass
        pool.close()
        assert loader.alive == 1
        with pytest.raises(ConflictError, match="stopping"), pool.lease(config("a")):
            pass
    assert loader.alive == 0


def test_closing_ends_the_wait_for_room(make: Make) -> None:
    pool = make(max_models=1)
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            with pool.lease(config("b")):
                pass
        except ConflictError as error:
            errors.append(error)

    with pool.lease(config("a")):
        thread = threading.Thread(target=wait)
        thread.start()
        until(lambda: len(pool._queue) == 1)
        pool.close()
        thread.join(DEADLINE)
    assert len(errors) == 1
