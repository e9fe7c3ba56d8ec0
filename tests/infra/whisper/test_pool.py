"""E4: one load per model however many ask, bounded, fair, without deadlock. The loader here counts."""

import threading
from typing import Any, cast

import pytest

from core.errors import ConflictError, JobCancelledError, ModelFilesError
from tests.infra.whisper.counting import DEADLINE, CountingLoader, Make, config, run_all, until


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
