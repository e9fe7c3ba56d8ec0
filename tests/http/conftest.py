"""The routes over a real Workbench, without pages and without a running worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.bootstrap import Workbench, build_workbench
from core.http import middleware, routes
from core.services.records import RecordingRecord
from core.settings import Settings
from tests import media


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Workbench]:
    workbench = build_workbench(Settings(data_dir=tmp_path / "data", max_upload_bytes=2**22, workers=0))
    workbench.start(workers=False)
    yield workbench
    workbench.stop(timeout_seconds=5)


@pytest.fixture
def app(workbench: Workbench) -> Starlette:
    return Starlette(routes=routes(lambda: workbench), middleware=middleware(workbench.settings))


@pytest.fixture
def client(app: Starlette) -> TestClient:
    return TestClient(app, base_url="http://localhost")


@pytest.fixture
def project(workbench: Workbench) -> int:
    return workbench.library.create_project("A book").id


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return media.write(tmp_path / "Kapitel ä.wav", media.hum(), codec="pcm_s16le", rate=16_000, layout="mono")


@pytest.fixture
def recording(workbench: Workbench, project: int, sound: Path) -> RecordingRecord:
    return workbench.importing.import_file(project, sound).recording
