"""Where a command's results go: stdout, a file, or a folder."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from core.commands.common import note
from core.errors import DiskFullError, StorageError
from core.services.exports import ExportFile

_NO_SPACE = 28  # errno.ENOSPC


class Outputs:
    """Writes exports one after another.

    Args:
        out: A file, a folder, or None for stdout.
        many: Whether there may be several, so that `out` must be a folder.
        quiet: Do not say what was written.
    """

    def __init__(self, out: Path | None, *, many: bool, quiet: bool = False) -> None:
        self._out = out
        self._folder = out is not None and (many or out.is_dir() or str(out).endswith(("/", os.sep)))
        self._quiet = quiet
        self._written: set[Path] = set()

    def write(self, file: ExportFile) -> None:
        """Writes one export.

        Raises:
            StorageError: It cannot be written there.
        """
        if self._out is None:
            for chunk in file.chunks:
                sys.stdout.write(chunk)
            sys.stdout.flush()
            return
        try:
            target = self._target(file.name)
            _write_whole(target, file)
        except OSError as error:
            if error.errno == _NO_SPACE:
                raise DiskFullError(f"There is no room left to write {self._out}.") from error
            raise StorageError(f"{self._out} cannot be written: {error.strerror}.") from error
        if not self._quiet:
            note(f"Wrote {target}")

    def _target(self, name: str) -> Path:
        assert self._out is not None
        if not self._folder:
            return self._out
        self._out.mkdir(parents=True, exist_ok=True)
        target, number = self._out / name, 2
        # Two recordings may have the same name; one written by an earlier command is replaced.
        while target in self._written:
            stem, extension = os.path.splitext(name)
            target, number = self._out / f"{stem} ({number}){extension}", number + 1
        self._written.add(target)
        return target


def _write_whole(target: Path, file: ExportFile) -> None:
    """All of it, or nothing: a file that stops in the middle looks like one that is whole."""
    if target.exists() and not target.is_file():  # a pipe or a device, such as /dev/stdout
        with target.open("w", encoding="utf-8", newline="\n") as pipe:
            pipe.writelines(file.chunks)
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as text:
            text.writelines(file.chunks)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # temporary files are private, results are not
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
