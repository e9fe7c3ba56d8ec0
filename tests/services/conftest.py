"""The real services over a real database and real files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.infra.audio import PyAvAudioReader
from core.infra.db import Database
from core.infra.media_store import LocalMediaStore
from core.infra.migrate import upgrade
from core.services.importing import ImportService
from core.services.library import LibraryService
from core.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """What a library is made of."""

    settings: Settings
    database: Database
    media: LocalMediaStore
    audio: PyAvAudioReader
    library: LibraryService
    importing: ImportService

    def files(self) -> list[Path]:
        """Every stored file."""
        return sorted(path for path in (self.settings.data_dir / "media").rglob("*") if path.is_file())

    def staged(self) -> list[Path]:
        """Every file that is on its way in."""
        staging = self.settings.data_dir / "staging"
        return sorted(path for path in staging.rglob("*") if path.is_file() and path.suffix != ".lock")


def make_shelf(data_dir: Path, database_url: str) -> Shelf:
    settings = Settings(data_dir=data_dir, database_url=database_url)
    upgrade(database_url)
    database = Database(database_url)
    media = LocalMediaStore(settings.data_dir / "media")
    audio = PyAvAudioReader(settings)
    return Shelf(
        settings=settings,
        database=database,
        media=media,
        audio=audio,
        library=LibraryService(database, media),
        importing=ImportService(database, media, audio, settings),
    )


@pytest.fixture
def shelf(tmp_path: Path, database_url: str) -> Iterator[Shelf]:
    """An empty library, once on SQLite and once on PostgreSQL."""
    shelf = make_shelf(tmp_path / "data", database_url)
    yield shelf
    shelf.media.close()
    shelf.database.dispose()
