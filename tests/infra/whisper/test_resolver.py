"""The model side wired together: from a config to words, loading once."""

import threading
from pathlib import Path

import numpy as np
import pytest

from core.errors import JobCancelledError, ModelNotDownloadedError, UnknownModelError
from core.infra.whisper.catalogue import EMBEDDED_FOLDER
from core.infra.whisper.files import fingerprint
from core.infra.whisper.hub import Hub
from core.infra.whisper.resolver import Models, build_models
from core.settings import Settings
from core.speech.config import TranscriptionConfig
from core.speech.windows import AudioWindow
from tests.infra.whisper.hub_server import demo_files, running_hub

SILENCE = AudioWindow(index=0, start_ms=0, end_ms=1_000, samples=np.zeros(16_000, np.float32))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, cpu_threads=1, offline=True, device="cpu")


@pytest.fixture
def models(settings: Settings) -> Models:
    return build_models(settings)


def test_a_lease_of_the_real_model(models: Models) -> None:
    with models.pool.lease(TranscriptionConfig(model="demo")) as handle:
        assert handle.name == "demo"
        assert handle.versions["model_revision"] == fingerprint(EMBEDDED_FOLDER)
        assert len(list(handle.transcribe([SILENCE], TranscriptionConfig(), language="en"))) == 1
        (model,) = models.pool.snapshot()
        assert (model.leases, model.device, model.compute_type, model.path) == (1, "cpu", "int8", str(EMBEDDED_FOLDER))
        assert model.size_bytes > 1_000_000
    models.pool.close()
    assert models.pool.snapshot() == ()


def test_many_threads_share_the_real_model(models: Models) -> None:
    """E4: one load however many ask; two names of one folder are one model."""
    together = threading.Barrier(8)
    loads: list[int] = []

    def use(name: str) -> None:
        with models.pool.lease(TranscriptionConfig(model=name)) as handle:
            together.wait(60)
            loads.append(len(models.pool.snapshot()))
            list(handle.transcribe([SILENCE], TranscriptionConfig(), language="en"))

    threads = [threading.Thread(target=use, args=(["demo", str(EMBEDDED_FOLDER)][n % 2],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert loads == [1] * 8
    models.pool.close()


def test_another_precision_is_another_model(models: Models) -> None:
    int8, float32 = TranscriptionConfig(compute_type="int8"), TranscriptionConfig(compute_type="float32")
    with models.pool.lease(int8), models.pool.lease(float32):
        assert {model.compute_type for model in models.pool.snapshot()} == {"int8", "float32"}
    models.pool.close()


def test_what_cannot_be_had_is_said(models: Models) -> None:
    with pytest.raises(UnknownModelError), models.pool.lease(TranscriptionConfig(model="nonsense")):
        pass
    refused = pytest.raises(ModelNotDownloadedError, match="READBACK_OFFLINE")
    with refused, models.pool.lease(TranscriptionConfig(model="small")):
        pass
    models.pool.close()


def test_a_model_of_the_hub_is_fetched_when_first_used(tmp_path: Path) -> None:
    with running_hub() as hub:
        hub.repositories["someone/tiny"] = demo_files() | {"model.bin": (EMBEDDED_FOLDER / "model.bin").read_bytes()}
        models = build_models(Settings(data_dir=tmp_path, cpu_threads=1, device="cpu"), hub=Hub(hub.url))
        seen: list[tuple[int, int]] = []
        wanted = TranscriptionConfig(model="someone/tiny")
        with models.pool.lease(wanted, on_download=lambda done, total: seen.append((done, total))) as handle:
            assert handle.versions["model_revision"] == hub.revision
        assert seen[-1][0] == seen[-1][1] > 5_000_000, "progress is told, up to the last byte"
        models.pool.close()


def test_a_job_may_be_stopped_while_its_model_comes(tmp_path: Path) -> None:
    """A4: cancel does not have to wait for gigabytes."""

    def stop(done: int, total: int) -> None:
        raise JobCancelledError("stop")

    with running_hub() as hub:
        hub.repositories["someone/tiny"] = demo_files() | {"model.bin": (EMBEDDED_FOLDER / "model.bin").read_bytes()}
        models = build_models(Settings(data_dir=tmp_path, cpu_threads=1, device="cpu"), hub=Hub(hub.url))
        wanted = TranscriptionConfig(model="someone/tiny")
        with pytest.raises(JobCancelledError), models.pool.lease(wanted, on_download=stop):
            pass
        assert models.store.state(models.catalogue.resolve("someone/tiny")) == "not downloaded"
        with models.pool.lease(wanted) as handle:
            assert handle.versions["model_revision"] == hub.revision
        models.pool.close()
