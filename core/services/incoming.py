"""Files on their way in: finding them, reading them, saying how far it is."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import MediaMissingError

#: Called with the stage ("Receiving": bytes, "Reading": milliseconds of sound), how much is done, and of how much; 0 if
#: that is not known.
Progress = Callable[[str, int, int], None]

_CHUNK_BYTES = 1024 * 1024
#: How often progress is told, at most.
_TELL_SECONDS = 0.1


def files_below(folder: Path) -> list[Path]:
    """All files below a folder in natural order, without hidden ones; links are not followed into other folders."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in files if not name.startswith(".")]
    return sorted(found, key=lambda path: [_natural(part) for part in path.relative_to(folder).parts])


def _natural(text: str) -> list[tuple[int, int, str]]:
    pieces = re.split(r"([0-9]+)", text.casefold())
    return [(0, int(piece), piece) if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece]


def size_of(path: Path) -> int:
    """How long a file is, in bytes. Raises `MediaMissingError` if there is none."""
    try:
        if not path.is_file():
            raise MediaMissingError(f"The file {path.name} does not exist.")
        return path.stat().st_size
    except OSError as error:
        raise MediaMissingError(f"The file {path.name} cannot be read: {error.strerror}.") from error


def chunks_of(path: Path, tell: Progress, size: int) -> Iterator[bytes]:
    """A file's content. Raises `MediaMissingError` if it cannot be read."""
    done = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                done += len(chunk)
                yield chunk
                tell("Receiving", done, size)
    except OSError as error:
        raise MediaMissingError(f"The file {path.name} cannot be read: {error.strerror}.") from error


def calmed(on_progress: Progress | None) -> Progress:
    """At most a few reports a second; the last of a stage always."""
    told = 0.0

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal told
        if on_progress is not None and (done >= total > 0 or time.monotonic() - told >= _TELL_SECONDS):
            told = time.monotonic()
            on_progress(stage, done, total)

    return tell
