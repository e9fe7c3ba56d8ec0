"""Files on the local disk: originals and what is derived from them, by content.

Under the root lies one file a key. New files are first *staged*: written in a folder of this process next to the root,
on the same disk, so that moving them in is one atomic step. The folder has a lock that the system releases when the
process ends, however it ends; `recover` removes the folders of processes that are gone. A file moved in is of no use
before a row refers to it, so whoever moves it notes that in the staging folder first (`pending`); `recover` hands out
what such notes say, and whoever asked removes what no row refers to (C10).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from core.errors import DiskFullError, EmptyMediaError, MediaMissingError, MediaTooLargeError, StorageError
from core.infra.file_lock import FileLock
from core.ports import StoredBytes

_log = structlog.get_logger(__name__)
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*", re.ASCII)
_LONGEST_KEY = 200
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
#: How often the room left on the disk is looked at while a file comes in.
_CHECK_BYTES = 32 * 1024 * 1024
_PENDING = ".pending.json"


class LocalMediaStore:
    """See the module's docstring.

    Args:
        root: Folder of the stored files; made when needed.
        staging: Folder for files that are coming in, on the same disk. Default: `staging` beside the root.
        min_free_bytes: Room to leave on the disk.
    """

    def __init__(self, root: Path, *, staging: Path | None = None, min_free_bytes: int = 0) -> None:
        self._root = root
        self._staging = staging or root.parent / "staging"
        self._min_free = min_free_bytes
        self._mine: Path | None = None
        self._lock: FileLock | None = None
        self._making = threading.Lock()

    def path(self, key: str) -> Path:
        """Where a stored file is.

        Raises:
            MediaMissingError: It is not there.
        """
        path = self._target(key)
        if not path.is_file():
            raise MediaMissingError("The stored file has gone: it was removed from the data folder. Bring it in again.")
        return path

    def stage(self, chunks: Iterable[bytes], *, max_bytes: int | None = None, expected_bytes: int = 0) -> StoredBytes:
        """Writes a new file beside the store and hashes it on the way; nothing of it stays if that fails.

        Args:
            chunks: The content.
            max_bytes: The most it may be.
            expected_bytes: What it is said to be, to refuse at once what cannot fit.

        Raises:
            MediaTooLargeError, EmptyMediaError, DiskFullError, StorageError: As their names say.
        """
        if max_bytes is not None and expected_bytes > max_bytes:
            raise _too_large(max_bytes)
        with _storage_errors():
            path = self._own_folder() / secrets.token_hex(16)
            self._check_room(expected_bytes)
        try:
            return self._write(path, chunks, max_bytes)
        except BaseException:
            self.discard(path)
            raise

    def discard(self, staged: Path) -> None:
        """Removes a staged file; no error if it is gone already."""
        with _storage_errors():
            staged.unlink(missing_ok=True)

    def put(self, staged: Path, key: str) -> None:
        """Moves a staged file in, atomically. Doing it twice with the same key is harmless.

        Raises:
            StorageError: Also `DiskFullError`: it could not be moved, and is where it was.
        """
        target = self._target(key)
        with _storage_errors():
            if target.is_file():
                staged.unlink(missing_ok=True)
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged, target)
            _sync_folder(target.parent)

    def delete(self, key: str) -> None:
        """Removes the file; no error if it is gone already."""
        with _storage_errors():
            self._target(key).unlink(missing_ok=True)

    @contextmanager
    def pending(self, keys: Sequence[str]) -> Iterator[Callable[[], None]]:
        """While this lasts, the keys' files may be there without a row that refers to them. If it ends with an
        exception, or the process dies meanwhile, a later `recover` hands out the keys; unless the function it gives was
        called, which says that all is in order again."""
        if not keys:
            yield lambda: None
            return

        def settle() -> None:
            with _storage_errors():
                note.unlink(missing_ok=True)

        with _storage_errors():
            note = self._own_folder() / f"{secrets.token_hex(16)}{_PENDING}"
            note.write_text(json.dumps(list(keys)))
        yield settle
        settle()

    def recover(self) -> tuple[str, ...]:
        """Removes what processes that are gone were bringing in.

        Returns:
            Keys whose files may be stored without a row that refers to them.
        """
        keys: list[str] = []
        if not self._staging.is_dir():
            return ()
        for lock_path in sorted(self._staging.glob("*.lock")):
            lock = FileLock(lock_path)
            if not lock.acquire():
                continue  # its process lives
            folder = lock_path.with_suffix("")
            with _storage_errors():
                for note in folder.glob(f"*{_PENDING}"):
                    with contextlib.suppress(ValueError):  # it died while it wrote the note: nothing was moved in yet
                        keys += [key for key in json.loads(note.read_text()) if _KEY.fullmatch(str(key))]
                removed = len(list(folder.glob("*")))
                shutil.rmtree(folder, ignore_errors=True)
            lock.remove()
            _log.info("media.recovered", files_removed=removed)
        return tuple(keys)

    def close(self) -> None:
        """Removes what this process has staged. Notes of pending keys stay for the next `recover`."""
        with self._making:
            if self._mine is not None and self._lock is not None:
                for path in self._mine.iterdir():
                    if not path.name.endswith(_PENDING):
                        path.unlink(missing_ok=True)
                try:
                    self._mine.rmdir()
                except OSError:  # notes are left
                    self._lock.release()
                else:
                    self._lock.remove()
            self._mine = self._lock = None

    def _target(self, key: str) -> Path:
        # Keys come from the database, but a path outside the root must be impossible whatever is in there.
        if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key):
            raise MediaMissingError("The stored file has a name that cannot be one of ours.")
        return self._root.joinpath(*key.split("/"))

    def _own_folder(self) -> Path:
        with self._making:
            if self._mine is None:
                self._staging.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder = self._staging / secrets.token_hex(8)
                self._lock = FileLock(folder.with_suffix(".lock"))
                self._lock.acquire()
                folder.mkdir(mode=0o700)
                self._mine = folder
            return self._mine

    def _check_room(self, bytes_coming: int) -> None:
        free = shutil.disk_usage(self._staging).free
        if free - bytes_coming < self._min_free:
            raise DiskFullError(
                f"There is not enough room on the disk: {free // 2**20:,} MiB are free and "
                f"{self._min_free // 2**20:,} MiB have to stay free. Delete recordings you no longer need."
            )

    def _write(self, path: Path, chunks: Iterable[bytes], max_bytes: int | None) -> StoredBytes:
        size, checked, digest = 0, 0, hashlib.sha256()
        with _storage_errors(), path.open("xb") as file:
            os.chmod(path, 0o600)
            for chunk in chunks:
                size += len(chunk)
                if max_bytes is not None and size > max_bytes:
                    raise _too_large(max_bytes)
                if size - checked >= _CHECK_BYTES:
                    self._check_room(len(chunk))
                    checked = size
                digest.update(chunk)
                file.write(chunk)
            if not size:
                raise EmptyMediaError("The file is empty. If it was copied or downloaded, try that again.")
            file.flush()
            os.fsync(file.fileno())
        return StoredBytes(path=path, sha256=digest.hexdigest(), size_bytes=size)


def _too_large(max_bytes: int) -> MediaTooLargeError:
    return MediaTooLargeError(
        f"The file is larger than {max_bytes / 2**30:.3g} GiB, the most that may be brought in "
        "(READBACK_MAX_UPLOAD_BYTES)."
    )


@contextmanager
def _storage_errors() -> Iterator[None]:
    """What the disk says, in words for the user."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFullError(
                "The disk of the data folder is full. Nothing was stored; make room and try again."
            ) from error
        raise StorageError(f"The data folder cannot be used: {error.strerror or error}.") from error


def _sync_folder(folder: Path) -> None:
    """Makes a new name in a folder survive a power cut, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
