"""Which files a command line means, brought into a project one by one."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from core.bootstrap import Workbench
from core.commands.common import note, progress_bar
from core.errors import NotFoundError, NotMediaError, ReadbackError
from core.services.importing import ImportFailure
from core.services.records import RecordingRecord

#: Playlists: text, but their type begins with "audio/".
_PLAYLISTS = ("audio/mpegurl", "audio/x-mpegurl", "audio/x-scpls")


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """A file of the user's that is in the library now."""

    recording: RecordingRecord
    #: Its name as the user knows it, which need not be the recording's: below the folder that was given, if one was.
    name: PurePath


def bring_in(
    workbench: Workbench, project_id: int, media: tuple[Path, ...], *, track: int | None
) -> Iterator[Brought | ReadbackError]:
    """Brings files, and all files below folders, into a project; what cannot be brought in comes out as its error.

    What lies in a folder and is no audio or video (a cover, a text) is passed over and only counted; a file that was
    named, or whose own name says that it is media, is an error then.

    Args:
        workbench: The services.
        project_id: Where to.
        media: What the command line names.
        track: Which audio track, from 0; None: the first.
    """
    several_folders = sum(path.is_dir() for path in media) > 1
    for path in media:
        if not path.exists():
            yield NotFoundError(f"There is no file {path}.")
        elif path.is_dir():
            below = PurePath(path.resolve().name) if several_folders else PurePath()
            yield from _folder(workbench, project_id, path, below, track)
        else:
            try:
                with progress_bar(path.name) as show:
                    outcome = workbench.importing.import_file(project_id, path, track=track, on_progress=show)
                yield Brought(recording=outcome.recording, name=PurePath(path.name))
            except ReadbackError as error:
                yield _named(path, error)


def _folder(
    workbench: Workbench, project_id: int, folder: Path, below: PurePath, track: int | None
) -> Iterator[Brought | ReadbackError]:
    found = skipped = 0
    for each in workbench.importing.import_folder(project_id, folder, track=track):
        if isinstance(each, ImportFailure):
            if isinstance(each.error, NotMediaError) and not _says_it_is_media(each.path):
                skipped += 1
                continue
            yield _named(each.path, each.error)
        else:
            assert each.path is not None
            yield Brought(recording=each.recording, name=below / each.path.relative_to(folder))
        found += 1
    if skipped:
        note(f"Skipped {skipped} {'file that is' if skipped == 1 else 'files that are'} not audio or video")
    if not found:
        yield NotMediaError(f"There is no audio or video in {folder}.")


def _says_it_is_media(path: Path) -> bool:
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind.startswith(("audio/", "video/")) and kind not in _PLAYLISTS


def _named(path: Path, error: ReadbackError) -> ReadbackError:
    """The error with the file's name in front: there may be many."""
    if str(path) not in error.message:
        error.message = f"{path}: {error.message}"
    return error
