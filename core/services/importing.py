"""Bringing files in: staged and hashed, read once in a child process, stored with their row, or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import AudioTrackError, MediaMissingError, ReadbackError
from core.infra.db import Database
from core.infra.tables import Recording
from core.ports import AudioReader, MediaInfo, MediaStore, StoredBytes
from core.services.files import lock_files, media_key, peaks_key, remove_unreferenced
from core.services.incoming import Progress, calmed, chunks_of, files_below, size_of
from core.services.library_rows import project_row, records
from core.services.measuring import Measured, measure
from core.services.names import folded, name_from_file
from core.services.records import RecordingRecord
from core.settings import Settings

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedFile:
    """A file that has come in whole, but is not a recording yet. Give it to `import_staged` or `discard`."""

    path: Path
    #: The name it came with.
    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOutcome:
    """A file is in the library."""

    recording: RecordingRecord
    #: The project had this content (and track) already; nothing was added.
    duplicate: bool
    #: The file it came from, if it was one of a folder.
    path: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportFailure:
    """A file of a folder could not be brought in."""

    path: Path
    error: ReadbackError


class ImportService:
    """Brings recordings in.

    Args:
        database: Where the rows go.
        media: Where the files go.
        audio: Reads untrusted media.
        settings: The limit of size.
    """

    def __init__(self, database: Database, media: MediaStore, audio: AudioReader, settings: Settings) -> None:
        self._database = database
        self._media = media
        self._audio = audio
        self._max_bytes = settings.max_upload_bytes

    def probe(self, path: Path) -> MediaInfo:
        """What is in a file: its tracks, for the user to choose from. Raises a `MediaError` if it cannot be used."""
        return self._audio.probe(path)

    def import_file(
        self, project_id: int, path: Path, *, name: str | None = None, track: int | None = None,
        on_progress: Progress | None = None,
    ) -> ImportOutcome:  # fmt: skip
        """Brings in a copy of a file; the file itself is only read.

        Args:
            project_id: Where to.
            path: The file.
            name: What to call the recording; None: as the file.
            track: Which audio track, from 0; None: the first.
            on_progress: Told how far it is.

        Raises:
            MediaError: It cannot be used; the class says why.
            NotFoundError: No such project.
            MediaMissingError: No such file.
            StorageError: It cannot be stored (also `DiskFullError`).
        """
        with self._database.read() as session:
            project_row(session, project_id)
        size = size_of(path)
        tell = calmed(on_progress)
        staged = self.stage(chunks_of(path, tell, size), name=name or path.name, declared_bytes=size)
        return self.import_staged(project_id, staged, track=track, on_progress=on_progress)

    def stage(self, chunks: Iterable[bytes], *, name: str, declared_bytes: int | None = None) -> StagedFile:
        """Takes a file in, to be imported or discarded next. Memory does not grow with it.

        Args:
            chunks: The content.
            name: The name it came with.
            declared_bytes: How long it is said to be, to refuse at once what cannot be taken.

        Raises:
            MediaTooLargeError, EmptyMediaError, DiskFullError: As their names say; nothing stays.
        """
        stored = self._media.stage(chunks, max_bytes=self._max_bytes, expected_bytes=declared_bytes or 0)
        return StagedFile(
            path=stored.path, name=name_from_file(name), sha256=stored.sha256, size_bytes=stored.size_bytes
        )  # fmt: skip

    def discard(self, staged: StagedFile) -> None:
        """Throws a staged file away."""
        self._media.discard(staged.path)

    def import_staged(
        self, project_id: int, staged: StagedFile, *, track: int | None = None, on_progress: Progress | None = None
    ) -> ImportOutcome:
        """Makes a recording of a staged file. Whatever happens, the staged file is gone afterwards.

        Raises:
            MediaError, NotFoundError, StorageError: As in `import_file`; nothing is stored then.
        """
        began = time.monotonic()
        try:
            if track is not None and track < 0:
                raise AudioTrackError("There is no audio track before the first.")
            known = self._known(project_id, staged.sha256, track or 0)
            if known is not None:
                return ImportOutcome(recording=known, duplicate=True)
            measured = measure(self._audio, staged.path, track=track, tell=calmed(on_progress))
            outcome = self._store(project_id, staged, measured)
        except ReadbackError as error:
            _log.info("import.refused", code=error.code, size_bytes=staged.size_bytes, project_id=project_id)
            raise
        finally:
            self.discard(staged)
        _log.info(
            "import.done", recording_id=outcome.recording.id, duplicate=outcome.duplicate,
            duration_ms=measured.summary.duration_ms, wall_ms=round((time.monotonic() - began) * 1000),
        )  # fmt: skip
        return outcome

    def import_folder(
        self, project_id: int, folder: Path, *, track: int | None = None
    ) -> Iterator[ImportOutcome | ImportFailure]:
        """Brings in every file below a folder, in natural order (2 before 10), one after another. Hidden files and
        folders are left out. A file that cannot be used does not stop the others. `track` as in `import_file`.

        Raises:
            NotFoundError: No such project.
            MediaMissingError: No such folder.
        """
        with self._database.read() as session:
            project_row(session, project_id)
        if not folder.is_dir():
            raise MediaMissingError(f"The folder {folder.name} does not exist.")
        for path in files_below(folder):
            try:
                outcome = self.import_file(project_id, path, track=track)
                yield ImportOutcome(recording=outcome.recording, duplicate=outcome.duplicate, path=path)
            except ReadbackError as error:
                yield ImportFailure(path=path, error=error)

    def recover(self) -> None:
        """Removes what imports and deletions of processes that died left behind. Call it at start."""
        remove_unreferenced(self._database, self._media, self._media.recover())

    def _known(self, project_id: int, sha256: str, track: int) -> RecordingRecord | None:
        with self._database.read() as session:
            project_row(session, project_id)
            return _same(session, project_id, sha256, track)

    def _store(self, project_id: int, staged: StagedFile, measured: Measured) -> ImportOutcome:
        """Files and row, or neither."""
        peaks = self._media.stage(measured.peaks.chunks())
        keys = (media_key(staged.sha256), peaks_key(staged.sha256, measured.track.index))
        original = StoredBytes(path=staged.path, sha256=staged.sha256, size_bytes=staged.size_bytes)

        def store(session: Session) -> ImportOutcome:
            lock_files(session)
            project_row(session, project_id, lock=True)
            known = _same(session, project_id, staged.sha256, measured.track.index)
            if known is not None:  # somebody else brought the same in meanwhile
                return ImportOutcome(recording=known, duplicate=True)
            for file, key in zip((original, peaks), keys, strict=True):
                self._media.put(file.path, key)
            row = _row(session, project_id, staged, measured, keys)
            session.add(row)
            session.flush()
            return ImportOutcome(recording=records(session, [row])[0], duplicate=False)

        try:
            with self._media.pending(keys) as settle:
                try:
                    return self._database.run_write(store)
                except BaseException:
                    # Should this fail as well (no database, say), the note stays, and `recover` finds it.
                    remove_unreferenced(self._database, self._media, keys)
                    settle()
                    raise
        finally:
            self._media.discard(peaks.path)


def _same(session: Session, project_id: int, sha256: str, track: int) -> RecordingRecord | None:
    row = session.scalar(
        select(Recording).where(
            Recording.project_id == project_id, Recording.sha256 == sha256, Recording.audio_track == track
        )
    )  # fmt: skip
    return records(session, [row])[0] if row is not None else None


def _row(session: Session, project_id: int, staged: StagedFile, measured: Measured, keys: tuple[str, str]) -> Recording:
    last = session.scalar(select(func.max(Recording.position)).where(Recording.project_id == project_id))
    info, track = measured.info, measured.track
    return Recording(
        project_id=project_id, position=0 if last is None else last + 1, name=staged.name,
        name_folded=folded(staged.name), sha256=staged.sha256, size_bytes=staged.size_bytes,
        duration_ms=measured.summary.duration_ms, container=info.container, codec=track.codec,
        sample_rate_hz=track.sample_rate_hz, channels=track.channels, audio_track=track.index,
        has_video=info.has_video, media_key=keys[0], peaks_key=keys[1], notes=list(measured.notes),
    )  # fmt: skip
