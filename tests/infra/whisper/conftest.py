"""Fixtures of the pool's tests."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from core.infra.whisper.pool import LeasePool
from tests.infra.whisper.counting import CountingLoader, Make, resolve


@pytest.fixture
def loader() -> CountingLoader:
    return CountingLoader()


@pytest.fixture
def make(loader: CountingLoader) -> Iterator[Make]:
    with ExitStack() as stack:

        def build(max_models: int = 2, idle_seconds: float = 600.0) -> LeasePool:
            pool = LeasePool(resolve, loader, max_models=max_models, idle_seconds=idle_seconds)
            stack.callback(pool.close)
            return pool

        yield build
