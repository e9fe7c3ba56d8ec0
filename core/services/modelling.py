"""Which speech models there are, which are on this machine, and bringing more."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.errors import ConflictError, InvalidInputError, NotFoundError, ValidationFailedError
from core.infra.db import Database
from core.infra.tables import LocalModel
from core.speech.models import LoadedModel, ModelSpec

_log = structlog.get_logger(__name__)

#: Called with bytes done and bytes in all.
OnProgress = Callable[[int, int], None]
#: Names that cannot be mistaken for a folder or a hub id.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: ``owner/name`` as the hub allows it.
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRecord:
    """A model as lists show it."""

    name: str
    title: str
    description: str
    #: Size of its files, about; None if unknown.
    size_bytes: int | None
    #: Memory it needs on the CPU, about; None if unknown.
    memory_bytes: int | None
    #: ``"en"``, ``"multilingual"`` or ``"unknown"``.
    languages: str
    #: ``"ready"``, ``"not downloaded"`` or ``"broken"``.
    state: str
    #: ``"embedded"``, ``"family"``, ``"added"``, ``"folder"`` or ``"hub"``.
    kind: str
    #: What the user should know before choosing it; empty for most.
    warning: str
    #: Whether it is in this process's memory.
    loaded: bool


class Catalogue(Protocol):
    """Knows names (`core.infra.whisper.catalogue.Catalogue`)."""

    def list(self) -> tuple[ModelSpec, ...]: ...
    def resolve(self, name: str) -> ModelSpec: ...
    def is_built_in(self, name: str) -> bool: ...


class Store(Protocol):
    """Knows files (`core.infra.whisper.download.ModelStore`)."""

    def state(self, spec: ModelSpec) -> str: ...
    def folder(self, spec: ModelSpec) -> Path: ...
    def path(self, spec: ModelSpec) -> Path: ...
    def pull(self, spec: ModelSpec, on_progress: OnProgress | None = None) -> Path: ...
    def remove(self, spec: ModelSpec) -> None: ...


class Pool(Protocol):
    """Knows memory (`core.infra.whisper.pool.LeasePool`)."""

    def snapshot(self) -> tuple[LoadedModel, ...]: ...
    def unload(self, path: str) -> None: ...


def added_models(database: Database) -> Mapping[str, tuple[str, str]]:
    """The names the user added, with source (``"folder"`` or ``"hub"``) and location: what the catalogue asks for."""
    with database.read() as session:
        return {row.name: (row.source, row.location) for row in session.scalars(select(LocalModel))}


class ModelService:
    """Models by name: list, fetch, add, remove."""

    def __init__(self, database: Database, catalogue: Catalogue, store: Store, pool: Pool) -> None:
        self._database, self._catalogue, self._store, self._pool = database, catalogue, store, pool

    def list(self) -> tuple[ModelRecord, ...]:
        """All models with a name, in the order they are offered."""
        return tuple(self._record(spec) for spec in self._catalogue.list())

    def get(self, name: str) -> ModelRecord:
        """One model; folders and hub ids work as well.

        Raises:
            UnknownModelError: No such name.
        """
        return self._record(self._catalogue.resolve(name))

    def pull(self, name: str, on_progress: OnProgress | None = None) -> ModelRecord:
        """Downloads a model, or goes on where an earlier try ended; does nothing if it is ready.

        Args:
            name: A catalogue name or a hub id.
            on_progress: Told bytes done and bytes in all; what it raises ends the download.

        Raises:
            ModelError: Unknown, not to be reached, refused, or not a usable model; see `core.errors`.
            DiskFullError: No room for it.
        """
        spec = self._catalogue.resolve(name)
        self._store.pull(spec, on_progress)
        return self._record(spec)

    def add(self, name: str, location: str) -> ModelRecord:
        """Gives a model a name of its own in the catalogue.

        Args:
            name: Letters, digits, dot, dash and underscore; not a name of the program's own.
            location: A folder with a CTranslate2 model (checked now), or a hub id (downloaded when first used).

        Raises:
            ValidationFailedError: The name cannot be used, or the location is neither.
            ConflictError: The name is taken.
            ModelFilesError: The folder is not a usable model.
        """
        name, location = name.strip(), location.strip()
        if not _NAME.fullmatch(name):
            raise ValidationFailedError("Name", "use letters, digits, dots, dashes and underscores, 100 at most")
        if self._catalogue.is_built_in(name):
            raise ConflictError(f"{name} is a model the program knows already. Choose another name.")
        source, where = self._locate(name, location)

        def write(session: Session) -> None:
            if session.get(LocalModel, name) is not None:
                raise ConflictError(f"There is a model called {name} already. Remove it first, or choose another name.")
            session.add(LocalModel(name=name, source=source, location=where))

        self._database.run_write(write)
        _log.info("model_added", model=name, source=source)
        return self.get(name)

    def remove(self, name: str) -> None:
        """Takes a model the user added out of the catalogue, or deletes the files of a downloaded one. A folder the
        user added stays where it is.

        Raises:
            NotFoundError: Nothing of it is here.
            ConflictError: A job uses it now.
            InvalidInputError: It is part of the program.
        """
        spec = self._catalogue.resolve(name)
        if spec.kind == "embedded":
            raise InvalidInputError(f"{name} is part of the program and cannot be removed.")
        if spec.kind == "folder":
            raise InvalidInputError("A folder is removed where it is; the program only reads it.")
        self._pool.unload(str(self._store.folder(spec)))
        if spec.kind == "added":
            self._database.run_write(lambda session: session.execute(delete(LocalModel).where(LocalModel.name == name)))
        if spec.repo_id is not None and not self._needed_by_another(spec):
            try:
                self._store.remove(spec)
            except NotFoundError:
                if spec.kind != "added":
                    raise
        _log.info("model_removed", model=name)

    def _needed_by_another(self, spec: ModelSpec) -> bool:
        """Whether another name the user added stands for the same files."""
        return any(
            other.kind == "added" and other.name != spec.name and other.repo_id == spec.repo_id
            for other in self._catalogue.list()
        )

    def _locate(self, name: str, location: str) -> tuple[str, str]:
        folder = Path(os.path.expanduser(location))
        if location and folder.is_dir():
            spec = ModelSpec(name=name, kind="folder", title=name, description="", folder=str(folder.resolve()))
            return "folder", str(self._store.path(spec))
        if _HUB_ID.fullmatch(location):
            return "hub", location
        raise ValidationFailedError("Location", f'"{location}" is neither a folder nor a hub id such as owner/name')

    def _record(self, spec: ModelSpec) -> ModelRecord:
        folder = str(self._store.folder(spec))
        return ModelRecord(
            name=spec.name,
            title=spec.title,
            description=spec.description,
            size_bytes=spec.size_bytes,
            memory_bytes=spec.memory_bytes,
            languages=spec.languages,
            state=self._store.state(spec),
            kind=spec.kind,
            warning=spec.warning,
            loaded=any(model.path == folder for model in self._pool.snapshot()),
        )
