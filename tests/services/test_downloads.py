"""Downloads that outlive the page that asked for them, with the real hub client against a hub on this machine."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.infra.whisper.catalogue import EMBEDDED_FOLDER
from core.infra.whisper.hub import Hub
from core.infra.whisper.resolver import Models, build_models
from core.services.downloads import Downloads, OnProgress
from core.settings import Settings
from tests.infra.whisper.hub_server import FakeHub, demo_files, running_hub

REPO = "someone/tiny"
DEADLINE_S = 60


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with running_hub() as hub:
        hub.repositories[REPO] = demo_files() | {"model.bin": (EMBEDDED_FOLDER / "model.bin").read_bytes()}
        yield hub


@pytest.fixture
def models(tmp_path: Path, hub: FakeHub) -> Iterator[Models]:
    models = build_models(Settings(data_dir=tmp_path), hub=Hub(hub.url))
    yield models
    models.pool.close()


class Held:
    """Pulls from the hub; progress goes on only while `gate` is open."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self.gate, self.begun = threading.Event(), threading.Event()

    def __call__(self, name: str, on_progress: OnProgress) -> object:
        def report(done: int, total: int) -> None:
            self.begun.set()
            assert self.gate.wait(DEADLINE_S)
            on_progress(done, total)

        return self._models.store.pull(self._models.catalogue.resolve(name), report)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_download_goes_on_by_itself_and_ends_as_a_model(models: Models) -> None:
    held = Held(models)
    downloads = Downloads(held)
    downloads.start(REPO)
    downloads.start(REPO)  # asking twice is harmless
    assert held.begun.wait(DEADLINE_S)
    assert downloads.running
    assert downloads.all()[REPO].state == "running"
    held.gate.set()
    wait_until(lambda: not downloads.running)
    assert downloads.all() == {}
    assert models.store.state(models.catalogue.resolve(REPO)) == "ready"


def test_progress_is_told_and_a_stop_keeps_what_has_come(models: Models, hub: FakeHub) -> None:
    shares: list[float] = []

    def pull(name: str, on_progress: OnProgress) -> object:
        def report(done: int, total: int) -> None:
            on_progress(done, total)
            shares.append(downloads.all()[name].share)
            if done > total // 2:
                downloads.stop(name)

        return models.store.pull(models.catalogue.resolve(name), report)

    downloads = Downloads(pull)
    downloads.start(REPO)
    wait_until(lambda: not downloads.running)
    assert downloads.all() == {}, "stopped is not failed"
    assert shares == sorted(shares)
    assert shares[-1] > 0.5
    assert models.store.state(models.catalogue.resolve(REPO)) == "not downloaded"
    again = Downloads(lambda name, report: models.store.pull(models.catalogue.resolve(name), report))
    again.start(REPO)
    wait_until(lambda: not again.running)
    assert models.store.state(models.catalogue.resolve(REPO)) == "ready"


def test_a_failure_says_why_until_it_is_tried_again(models: Models, hub: FakeHub) -> None:
    downloads = Downloads(lambda name, report: models.store.pull(models.catalogue.resolve(name), report))
    downloads.start("someone/nothing")
    wait_until(lambda: not downloads.running)
    failed = downloads.all()["someone/nothing"]
    assert failed.state == "failed"
    assert "someone/nothing" in failed.message
    downloads.stop("someone/nothing")
    assert downloads.all() == {}


def test_closing_ends_downloads_and_begins_none(models: Models) -> None:
    held = Held(models)
    downloads = Downloads(held)
    downloads.start(REPO)
    assert held.begun.wait(DEADLINE_S)
    held.gate.set()
    downloads.close()
    assert not downloads.running
    downloads.start(REPO)
    assert not downloads.running


def test_a_fault_of_ours_is_not_lost_with_its_thread() -> None:
    def broken(name: str, on_progress: OnProgress) -> object:
        raise RuntimeError("secret detail")

    downloads = Downloads(broken)
    downloads.start("small")
    wait_until(lambda: not downloads.running)
    assert "Something went wrong" in downloads.all()["small"].message
    assert "secret" not in downloads.all()["small"].message
