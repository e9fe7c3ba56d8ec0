"""C8, E4: models go when they are idle, after failures, and at the end."""

import threading

import pytest

from core.errors import ConflictError, JobCancelledError, OutOfMemoryError
from tests.infra.whisper.counting import DEADLINE, CountingLoader, Make, config, until


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
