"""The sample project: something to look at, and to transcribe, before one has brought anything in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.errors import StorageError
from core.infra.db import Database
from core.infra.tables import Preference, Project, ProjectKind
from core.services.importing import ImportService
from core.services.library import LibraryService
from core.services.records import ProjectRecord

_log = structlog.get_logger(__name__)

#: The model in the program; the sample is made of its vocabulary.
SAMPLE_MODEL: Final = "demo"
_TITLE = "Sample: The harbour"
#: In the order they are read: the recording, and the file that says what is really said in it.
_RECORDINGS: Final = {"narration.flac": "reference.json", "pickup.flac": "pickup.json"}
_MADE = "sample_made"
#: Any number, the same in every process: the name of the lock on PostgreSQL.
_LOCK: Final = 7_245_022


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleText:
    """What was really said in one of the sample's recordings."""

    #: Name of the recording.
    name: str
    #: Every word, also those read twice.
    spoken: str


class SampleService:
    """Puts the sample project into the library.

    Args:
        database: Where projects are.
        library: Shows them.
        importing: Brings its recordings in.
        folder: Where the sample's files are.
        known_words: How many words the model that came with it knows; for pages to say so.
    """

    def __init__(
        self, database: Database, library: LibraryService, importing: ImportService, *, folder: Path,
        known_words: int = 0,
    ) -> None:  # fmt: skip
        self.known_words = known_words
        self._database, self._library, self._importing, self._folder = database, library, importing, folder

    def ensure(self) -> ProjectRecord:
        """The sample project with its recordings; whatever of it is missing is brought in. Safe to call at any time,
        from several processes.

        Raises:
            StorageError: This installation has no sample, or it cannot be stored.
        """
        files = self._files()
        project_id = self._database.run_write(_project_id)
        for path in files:
            self._importing.import_file(project_id, path)
        self._database.run_write(lambda session: _note_made(session, project_id))
        return self._library.get_project(project_id)

    def ensure_first_time(self) -> ProjectRecord | None:
        """As `ensure`, but only once in the life of a data folder: who deletes the sample does not get it back."""
        with self._database.read() as session:
            if session.get(Preference, _MADE) is not None:
                return None
        return self.ensure()

    def spoken(self) -> Sequence[SampleText]:
        """What is really said, to measure a transcript against."""
        texts = []
        for name, reference in _RECORDINGS.items():
            path = self._folder / reference
            if path.is_file():
                words = json.loads(path.read_text(encoding="utf-8"))["words"]
                texts.append(SampleText(name=name, spoken=" ".join(str(word["word"]) for word in words)))
        return tuple(texts)

    def _files(self) -> list[Path]:
        files = [self._folder / name for name in _RECORDINGS]
        found = [path for path in files if path.is_file()]
        if not found:
            raise StorageError(f"This installation has no sample recordings in {self._folder}.")
        return found


def _project_id(session: Session) -> int:
    """The sample project, made if there is none."""
    _lock(session)
    found = session.scalar(select(Project.id).where(Project.is_sample).order_by(Project.id).limit(1))
    if found is not None:
        return found
    project = Project(title=_TITLE, kind=ProjectKind.NARRATION, is_sample=True)
    session.add(project)
    session.flush()
    _log.info("sample_made", project_id=project.id)
    return project.id


def _note_made(session: Session, project_id: int) -> None:
    """Last of all: a sample whose recordings could not be brought in is tried again at the next start."""
    _lock(session)
    if session.get(Preference, _MADE) is None:
        session.add(Preference(key=_MADE, value={"project_id": project_id}))


def _lock(session: Session) -> None:
    """Until the transaction ends, nobody else makes the sample (on SQLite nobody else can write anyway)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _LOCK})
