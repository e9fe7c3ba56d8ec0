"""A lock that ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

#: Where the file system knows no locks, a lock untouched for this long is taken for that of a dead process.
_STALE_SECONDS = 24 * 3_600


class FileLock:
    """An exclusive lock on a file of its own.

    Args:
        path: The file; made when the lock is taken.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Takes the lock if nobody has it. Returns whether it did."""
        while True:
            try:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            except PermissionError:  # Windows, while another process removes the file
                return False
            if not _try(descriptor, self._path):
                os.close(descriptor)
                return False
            # Between opening and locking someone may have removed the file: then the lock is of no use.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(self._path)):
                    self._descriptor = descriptor
                    return True
            os.close(descriptor)

    def release(self) -> None:
        """Lets go of the lock; the file stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def remove(self) -> None:
        """Releases the lock and removes its file."""
        if self._descriptor is None:
            return
        if sys.platform == "win32":  # an open file cannot be removed there
            os.close(self._descriptor)
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
        else:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
        self._descriptor = None


def _try(descriptor: int, path: Path) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return sys.platform != "win32" and time.time() - path.stat().st_mtime > _STALE_SECONDS
    return True
