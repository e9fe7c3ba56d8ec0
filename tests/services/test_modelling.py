"""The model service on the real catalogue, store, pool and databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ConflictError, InvalidInputError, ModelFilesError, NotFoundError, ValidationFailedError
from core.infra.db import Database
from core.infra.migrate import upgrade
from core.infra.whisper.catalogue import EMBEDDED_FOLDER
from core.infra.whisper.hub import Hub
from core.infra.whisper.resolver import Models, build_models
from core.services.modelling import ModelService, added_models
from core.settings import Settings
from core.speech.config import TranscriptionConfig
from tests.infra.whisper.hub_server import FakeHub, demo_files, running_hub

REPO = "someone/tiny"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    upgrade(database_url)
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with running_hub() as hub:
        hub.repositories[REPO] = demo_files() | {"model.bin": (EMBEDDED_FOLDER / "model.bin").read_bytes()}
        yield hub


@pytest.fixture
def models(database: Database, tmp_path: Path, hub: FakeHub) -> Iterator[Models]:
    settings = Settings(data_dir=tmp_path, cpu_threads=1, device="cpu")
    models = build_models(settings, lambda: added_models(database), hub=Hub(hub.url))
    yield models
    models.pool.close()


@pytest.fixture
def service(database: Database, models: Models) -> ModelService:
    return ModelService(database, models.catalogue, models.store, models.pool)


def test_the_list_says_what_is_here(service: ModelService, models: Models) -> None:
    records = {record.name: record for record in service.list()}
    assert records["demo"].state == "ready"
    assert "vocabulary" in records["demo"].warning
    assert not records["demo"].loaded
    assert records["small"].state == "not downloaded"
    assert records["small"].size_bytes
    with models.pool.lease(TranscriptionConfig(model="demo")):
        assert service.get("demo").loaded


def test_pull_shows_progress_and_makes_ready(service: ModelService) -> None:
    seen: list[tuple[int, int]] = []
    record = service.pull(REPO, lambda done, total: seen.append((done, total)))
    assert record.state == "ready"
    assert seen[-1][0] == seen[-1][1] > 0


def test_a_folder_gets_a_name(service: ModelService, models: Models) -> None:
    record = service.add(" mine ", f" {EMBEDDED_FOLDER} ")
    assert (record.name, record.kind, record.state, record.languages) == ("mine", "added", "ready", "en")
    assert [item.name for item in service.list()[:2]] == ["demo", "mine"]
    with models.pool.lease(TranscriptionConfig(model="mine")) as handle:
        assert handle.name == "mine"
        with pytest.raises(ConflictError, match="in use"):
            service.remove("mine")
    service.remove("mine")
    assert "mine" not in {item.name for item in service.list()}
    assert EMBEDDED_FOLDER.is_dir()


def test_a_hub_id_gets_a_name_and_is_removed_with_its_files(service: ModelService, models: Models) -> None:
    assert service.add("theirs", REPO).state == "not downloaded"
    assert service.pull("theirs").state == "ready"
    folder = models.store.folder(models.catalogue.resolve(REPO))
    assert folder.is_dir()
    service.remove("theirs")
    assert not folder.is_dir()


def test_files_another_name_needs_stay(service: ModelService, models: Models) -> None:
    service.add("one", REPO)
    service.add("two", REPO)
    service.pull("one")
    service.remove("one")
    assert service.get("two").state == "ready"


@pytest.mark.parametrize("name", ["", "a b", "a/b", "-x", "x" * 101, "../x"])
def test_names_that_cannot_be_used(service: ModelService, name: str) -> None:
    with pytest.raises(ValidationFailedError, match="Name"):
        service.add(name, str(EMBEDDED_FOLDER))


@pytest.mark.parametrize("name", ["demo", "small", "turbo"])
def test_names_of_the_program_are_taken(service: ModelService, name: str) -> None:
    with pytest.raises(ConflictError):
        service.add(name, REPO)


def test_a_name_is_given_once(service: ModelService) -> None:
    service.add("mine", REPO)
    with pytest.raises(ConflictError, match="already"):
        service.add("mine", str(EMBEDDED_FOLDER))
    assert service.get("mine").state == "not downloaded"


def test_a_location_must_be_a_model(service: ModelService, tmp_path: Path) -> None:
    with pytest.raises(ValidationFailedError, match="Location"):
        service.add("mine", "/no/such/folder")
    with pytest.raises(ValidationFailedError, match="Location"):
        service.add("mine", "")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelFilesError, match="missing"):
        service.add("mine", str(tmp_path / "empty"))


def test_a_folder_that_has_gone_is_broken_not_an_error(service: ModelService, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in EMBEDDED_FOLDER.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    service.add("mine", str(folder))
    (folder / "model.bin").unlink()
    assert service.get("mine").state == "broken"


def test_what_cannot_be_removed(service: ModelService) -> None:
    with pytest.raises(InvalidInputError):
        service.remove("demo")
    with pytest.raises(InvalidInputError):
        service.remove(str(EMBEDDED_FOLDER))
    with pytest.raises(NotFoundError):
        service.remove("small")
