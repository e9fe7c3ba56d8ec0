"""Where a command's results go: stdout, a file, or a folder."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath

from core.commands.common import note
from core.errors import DiskFullError, StorageError, ValidationFailedError
from core.services.exports import ExportFile, file_stem
from core.speech.subtitles import FORMATS

DEFAULT_FORMAT = "txt"
_NO_SPACE = 28  # errno.ENOSPC


def chosen_format(out: str | None, fmt: str | None, *, many: bool) -> str:
    """What to write, from ``--out`` and ``--format``: the file's extension says it where nothing else does.

    Args:
        out: What ``--out`` says, if anything.
        fmt: What ``--format`` says, if anything.
        many: Whether there may be several outputs.

    Raises:
        ValidationFailedError: The two contradict each other, or one file is to take several outputs.
    """
    if out is None or _is_folder(out):
        return fmt or DEFAULT_FORMAT
    if many:
        raise ValidationFailedError(
            "--out", f"there may be several files, so it must be a folder: {out}{os.sep}, or one that exists."
        )
    ending = Path(out).suffix.lower().removeprefix(".")
    if fmt is None:
        return ending if ending in FORMATS else DEFAULT_FORMAT
    if ending in FORMATS and ending != fmt:
        raise ValidationFailedError("--out", f"{out} ends in .{ending}, but --format is {fmt}. Leave one of them out.")
    return fmt


class Outputs:
    """Writes exports one after another.

    Args:
        out: A file, a folder, or None for stdout.
        many: Whether there may be several, so that `out` is a folder, and what goes to stdout must be told apart.
        quiet: Do not say what was written.
    """

    def __init__(self, out: str | Path | None, *, many: bool, quiet: bool = False) -> None:
        self._out = None if out is None else Path(out)
        self._many, self._quiet = many, quiet
        self._folder = out is not None and (many or _is_folder(out))
        self._written: set[Path] = set()
        self._printed = 0

    def write(self, file: ExportFile, source: PurePath | None = None) -> None:
        """Writes one export.

        Args:
            file: What to write.
            source: The file it was made from, as the user knows it: the output is called like it, in a folder like its
                own. None: as the export itself is called.

        Raises:
            StorageError: It cannot be written there.
        """
        if self._out is None:
            sys.stdout.writelines(self._told_apart(file, source) if self._many else file.chunks)
            sys.stdout.flush()
            self._printed += 1
            return
        try:
            target = self._target(self._out, PurePath(file.name), source)
            _write_whole(target, file)
        except OSError as error:
            if error.errno == _NO_SPACE:
                raise DiskFullError(f"There is no room left to write {self._out}.") from error
            raise StorageError(f"{self._out} cannot be written: {error.strerror}.") from error
        if not self._quiet:
            note(f"Wrote {target}")

    def _told_apart(self, file: ExportFile, source: PurePath | None) -> Iterator[str]:
        """One of several outputs on stdout: text under a line with its name, JSON as one line."""
        kind = PurePath(file.name).suffix
        if kind == ".json":
            yield from (chunk.replace("\n", "") for chunk in file.chunks)  # inside strings they are escaped
            yield "\n"
            return
        if kind == ".txt":
            yield "\n" if self._printed else ""
            yield f"== {source or file.name} ==\n"
        yield from file.chunks

    def _target(self, out: Path, name: PurePath, source: PurePath | None) -> Path:
        if not self._folder:
            return out
        folder, stem = out, name.stem
        if source is not None:
            folder, stem = out / source.parent, file_stem(source.name)
        folder.mkdir(parents=True, exist_ok=True)
        target, number = folder / f"{stem}{name.suffix}", 2
        # Two files may give the same name; one written by an earlier command is replaced.
        while target in self._written:
            target, number = folder / f"{stem} ({number}){name.suffix}", number + 1
        self._written.add(target)
        return target


def _is_folder(out: str | Path) -> bool:
    return str(out).endswith(("/", os.sep)) or Path(out).is_dir()


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
