"""Where models from the hub are kept, and how they get there.

A model is ready when its folder ``owner--name`` exists: it is put together beside it, in ``.partial``, and moved there
whole, after every file was checked. So an interrupted download is never taken for a model, and goes on where it ended.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import structlog

from core.errors import DiskFullError, ModelError, ModelFilesError, ModelNotDownloadedError, NotFoundError
from core.infra.whisper.files import REVISION_FILE, check_folder
from core.infra.whisper.hub import Hub, HubRepository
from core.speech.models import ModelSpec

_log = structlog.get_logger(__name__)

#: Called with bytes done and bytes in all.
OnProgress = Callable[[int, int], None]
#: Whether a model can be used now.
ModelState = Literal["ready", "not downloaded", "broken"]


class ModelStore:
    """The models on this machine.

    Args:
        root: Folder for what comes from the hub.
        offline: Never contact the hub.
        hub: The hub, or another one for tests.
        min_free_bytes: Room to leave on the disk.
    """

    def __init__(self, root: Path, *, offline: bool = False, hub: Hub | None = None, min_free_bytes: int = 0) -> None:
        self._root, self._offline, self._min_free = root, offline, min_free_bytes
        self._hub = hub or Hub()

    def folder(self, spec: ModelSpec) -> Path:
        """Where the model's files are or will be."""
        if spec.folder is not None:
            return Path(spec.folder)
        assert spec.repo_id is not None
        return self._root / _folder_name(spec.repo_id)

    def state(self, spec: ModelSpec) -> ModelState:
        """Whether it can be used now."""
        folder = self.folder(spec)
        if spec.repo_id is not None and not folder.is_dir():
            return "not downloaded"
        try:
            check_folder(folder)
            _check_sizes(folder)
        except ModelFilesError:
            return "broken"
        return "ready"

    def path(self, spec: ModelSpec) -> Path:
        """The model's folder, checked.

        Raises:
            ModelNotDownloadedError: It is not on this machine.
            ModelFilesError: It is damaged; the message says how.
        """
        folder = self.folder(spec)
        if spec.repo_id is not None and not folder.is_dir():
            raise ModelNotDownloadedError(
                f"The model {spec.name} is not on this machine yet. Download it on the Models page or with "
                f"`readback models pull {spec.name}`."
            )
        check_folder(folder)
        _check_sizes(folder)
        return folder

    def ensure(self, spec: ModelSpec, on_progress: OnProgress | None = None) -> Path:
        """The model's folder, downloaded if need be. Raises like `path` and `pull`."""
        if self.state(spec) == "not downloaded":
            self.pull(spec, on_progress)
        return self.path(spec)

    def pull(self, spec: ModelSpec, on_progress: OnProgress | None = None) -> Path:
        """Downloads a model, or what is missing of it, and checks it.

        A model that is ready is left alone; a damaged one is fetched anew. Of several threads or processes that ask for
        the same model one works, the others wait.

        Args:
            spec: What to download; a model that is a folder is only checked.
            on_progress: Told how far it is. What it raises ends the download, which can be resumed.

        Raises:
            ModelNotDownloadedError: The hub cannot be reached, or may not be.
            ModelDownloadError: The download failed; the next try goes on.
            UnknownModelError: The hub does not have it.
            ModelFilesError: The folder, or what the hub has, is not a usable model.
            DiskFullError: No room for it.
        """
        if spec.repo_id is None or self.state(spec) == "ready":
            return self.path(spec)
        if self._offline:
            raise _not_here(spec, "the model hub may not be contacted (READBACK_OFFLINE is set)", "Unset that")
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # documented, not listed

        partial = self._root / ".partial"
        partial.mkdir(parents=True, exist_ok=True)
        folder = self.folder(spec)
        with WeakFileLock(partial / f"{folder.name}.lock"):
            if self.state(spec) != "ready":
                self._fetch(spec, partial / folder.name, folder, on_progress or _ignore)
        return self.path(spec)

    def remove(self, spec: ModelSpec) -> None:
        """Deletes a downloaded model and what is left of an interrupted download; never the user's own folders.

        Raises:
            NotFoundError: Nothing of it is here.
        """
        folder = self.folder(spec)
        partial = self._root / ".partial" / folder.name
        if spec.repo_id is None or not (folder.is_dir() or partial.is_dir()):
            raise NotFoundError(f"The model {spec.name} is not among the downloaded ones.")
        for path in (folder, partial):
            shutil.rmtree(path, ignore_errors=not path.is_dir())

    def _fetch(self, spec: ModelSpec, staging: Path, folder: Path, on_progress: OnProgress) -> None:
        assert spec.repo_id is not None
        try:
            repository = self._hub.repository(spec.repo_id)
        except ModelNotDownloadedError as error:
            raise _not_here(spec, "the model hub cannot be reached", "Connect to the internet") from error
        staging.mkdir(exist_ok=True)
        self._check_room(repository, staging)
        _log.info("model_download_started", model=spec.name, repo=spec.repo_id, bytes=repository.size)
        done = 0
        for file in repository.files:

            def on_bytes(count: int, before: int = done) -> None:
                on_progress(before + count, repository.size)

            self._hub.fetch(repository, file, staging, on_bytes)
            done += file.size
            on_progress(done, repository.size)
        _discard_strangers(staging, {file.name for file in repository.files})
        try:
            check_folder(staging)
        except ModelError:
            # It is complete and as the hub has it: trying again would bring the same.
            shutil.rmtree(staging)
            raise
        note = {
            "repo_id": repository.repo_id,
            "revision": repository.revision,
            "sizes": {file.name: file.size for file in repository.files},
        }
        (staging / REVISION_FILE).write_text(json.dumps(note, indent=1), encoding="utf-8")
        if folder.is_dir():
            shutil.rmtree(folder)
        os.replace(staging, folder)
        _log.info("model_downloaded", model=spec.name, revision=repository.revision)

    def _check_room(self, repository: HubRepository, staging: Path) -> None:
        here = sum(path.stat().st_size for path in staging.iterdir() if path.is_file())
        need = max(0, repository.size - here) + self._min_free
        if shutil.disk_usage(staging).free < need:
            raise DiskFullError(
                f"The model needs {repository.size / 1e9:.1f} GB and there is no room for it. Make room and try again."
            )


def _not_here(spec: ModelSpec, why: str, remedy: str) -> ModelNotDownloadedError:
    """What to do about a model that cannot be fetched now, under the name it was asked for by."""
    assert spec.repo_id is not None
    own = f"my-{spec.name.rpartition('/')[2]}"
    elsewhere = spec.repo_id if spec.kind == "added" else spec.name  # that machine does not know the user's own names
    return ModelNotDownloadedError(
        f"The model {spec.name} is not on this machine, and {why}. {remedy} and try again. Or, on a machine with "
        f"internet, run `readback models pull {elsewhere}`, copy {_folder_name(spec.repo_id)} from its models folder "
        f"to this machine, and run `readback models add {own} FOLDER` (in the app: Models → Add a model of your own); "
        f"then choose {own}."
    )


def _folder_name(repo_id: str) -> str:
    return repo_id.replace("/", "--")


def _ignore(done: int, total: int) -> None:
    """Nobody wants to know how far it is."""
    del done, total


def _discard_strangers(staging: Path, names: set[str]) -> None:
    """Removes parts of files of an older revision."""
    for path in staging.iterdir():
        if path.name not in names:
            path.unlink()


def _check_sizes(folder: Path) -> None:
    """Compares a downloaded model's files with the sizes noted when they were checked."""
    note = folder / REVISION_FILE
    if not note.is_file():
        return
    try:
        sizes = json.loads(note.read_text(encoding="utf-8"))["sizes"]
    except (ValueError, KeyError, OSError) as error:
        raise ModelFilesError(f"{note} cannot be read. Download the model again.") from error
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise ModelFilesError(f"{path} is damaged or missing. Download the model again.")
