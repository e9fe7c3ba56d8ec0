"""Projects and their recordings: what there is, in which order, under which name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from core.errors import ConflictError, ValidationFailedError
from core.infra.db import Database
from core.infra.tables import Project, Recording
from core.infra.tables.base import now
from core.paging import Page
from core.ports import MediaStore
from core.services.files import media_key, remove_unreferenced
from core.services.library_rows import project_record, project_row, recording_row, records, with_totals
from core.services.names import ProjectFields, RecordingFields, folded, validated
from core.services.records import ProjectRecord, RecordingRecord

#: What a list of recordings can be sorted by.
Sort = Literal["position", "name", "created", "duration"]
MOST_PER_PAGE = 1_000
_SORTS: dict[str, tuple[Any, ...]] = {
    "position": (Recording.project_id, Recording.position),
    "name": (Recording.name_folded,),
    "created": (Recording.created_at,),
    "duration": (Recording.duration_ms,),
}


class LibraryService:
    """Projects and recordings. Everything raises `NotFoundError` for what is not there (any more).

    Args:
        database: Where the rows are.
        media: Where the files are.
    """

    def __init__(self, database: Database, media: MediaStore) -> None:
        self._database = database
        self._media = media

    def create_project(self, title: str, *, kind: str = "narration", is_sample: bool = False) -> ProjectRecord:
        """Makes an empty project. Raises `ValidationFailedError`."""
        fields = validated(ProjectFields, title=title, kind=kind)

        def add(session: Session) -> int:
            project = Project(title=fields.title, kind=fields.kind, is_sample=is_sample)
            session.add(project)
            session.flush()
            return project.id

        return self.get_project(self._database.run_write(add))

    def rename_project(self, project_id: int, title: str) -> ProjectRecord:
        """Gives a project another title. Raises `ValidationFailedError`."""
        fields = validated(ProjectFields, title=title)

        def rename(session: Session) -> None:
            project_row(session, project_id).title = fields.title

        self._database.run_write(rename)
        return self.get_project(project_id)

    def set_archived(self, project_id: int, archived: bool) -> ProjectRecord:
        """Puts a project out of sight, or back. Nothing of it is lost."""

        def change(session: Session) -> None:
            project = project_row(session, project_id)
            if archived != (project.archived_at is not None):
                project.archived_at = now() if archived else None

        self._database.run_write(change)
        return self.get_project(project_id)

    def get_project(self, project_id: int) -> ProjectRecord:
        """One project."""
        with self._database.read() as session:
            project_row(session, project_id)
            return project_record(session.execute(with_totals().where(Project.id == project_id)).one())

    def list_projects(self, *, archived: bool = False) -> tuple[ProjectRecord, ...]:
        """All projects that are (or are not) archived, newest first."""
        wanted = Project.archived_at.is_not(None) if archived else Project.archived_at.is_(None)
        query = with_totals().where(wanted).order_by(Project.created_at.desc(), Project.id.desc())
        with self._database.read() as session:
            return tuple(project_record(row) for row in session.execute(query))

    def delete_project(self, project_id: int) -> None:
        """Deletes a project with its recordings, transcripts, jobs and files. Files that another project needs stay."""

        def drop(session: Session) -> None:
            project_row(session, project_id)
            session.execute(delete(Project).where(Project.id == project_id))

        self._delete(Recording.project_id == project_id, drop)

    def list_recordings(
        self, *, project_id: int | None = None, search: str = "", sort: Sort = "position", descending: bool = False,
        limit: int = 50, offset: int = 0,
    ) -> Page[RecordingRecord]:  # fmt: skip
        """A page of recordings, each with the state of its transcription, in a fixed number of queries.

        Args:
            project_id: Only of this project; None: of all that are not archived.
            search: Only those whose name contains this, whatever the case.
            sort: What to sort by; ties in the order they came.
            descending: Largest, last or newest first.
            limit: How many at most, 1 to `MOST_PER_PAGE`.
            offset: How many to leave out at the start.

        Raises:
            ValidationFailedError: An argument is out of range.
        """
        if sort not in get_args(Sort):
            raise ValidationFailedError("Sort", f"must be one of: {', '.join(get_args(Sort))}.")
        if not 1 <= limit <= MOST_PER_PAGE or offset < 0:
            raise ValidationFailedError("Page", f"must have 1 to {MOST_PER_PAGE} items and begin at 0 or later.")
        order = [*_SORTS[sort], Recording.id]
        with self._database.read() as session:
            where = _filters(session, project_id, search)
            total = session.scalar(select(func.count(Recording.id)).where(*where)) or 0
            sorted_by = [column.desc() if descending else column for column in order]
            # First only the ids, which the indexes hold: far into the list, whole rows would be read to be skipped.
            page = select(Recording.id).where(*where).order_by(*sorted_by).limit(limit).offset(offset)
            rows = session.scalars(
                select(Recording).where(Recording.id.in_(page.scalar_subquery())).order_by(*sorted_by)
            )
            return Page(items=records(session, rows.all()), total=total, offset=offset)

    def get_recording(self, recording_id: int) -> RecordingRecord:
        """One recording, with the state of its transcription."""
        with self._database.read() as session:
            return records(session, [recording_row(session, recording_id)])[0]

    def rename_recording(self, recording_id: int, name: str) -> RecordingRecord:
        """Gives a recording another name; the file keeps its own. Raises `ValidationFailedError`."""
        fields = validated(RecordingFields, name=name)

        def rename(session: Session) -> None:
            row = recording_row(session, recording_id)
            row.name, row.name_folded = fields.name, folded(fields.name)

        self._database.run_write(rename)
        return self.get_recording(recording_id)

    def move_recording(self, recording_id: int, to_position: int) -> RecordingRecord:
        """Puts a recording at another place of its project (from 0; beyond the end: last); the others make room."""

        def move(session: Session) -> None:
            project_id = recording_row(session, recording_id).project_id
            project_row(session, project_id, lock=True)
            ids = _ordered_ids(session, project_id)
            ids.remove(recording_id)
            ids.insert(max(0, to_position), recording_id)
            _number(session, project_id, ids)

        self._database.run_write(move)
        return self.get_recording(recording_id)

    def reorder(self, project_id: int, recording_ids: Sequence[int]) -> None:
        """Puts all recordings of a project in this order.

        Raises:
            ConflictError: These are not exactly the project's recordings; somebody added or deleted one meanwhile.
        """

        def apply(session: Session) -> None:
            project_row(session, project_id, lock=True)
            if sorted(recording_ids) != sorted(_ordered_ids(session, project_id)):
                raise ConflictError(
                    "The recordings of this project have changed meanwhile. Reload the list, then sort."
                )
            _number(session, project_id, recording_ids)

        self._database.run_write(apply)

    def delete_recording(self, recording_id: int) -> None:
        """Deletes a recording with its transcripts, jobs and files. A job that runs on it ends at its next window."""

        def drop(session: Session) -> None:
            project_id = recording_row(session, recording_id).project_id
            project_row(session, project_id, lock=True)
            session.execute(delete(Recording).where(Recording.id == recording_id))
            _number(session, project_id, _ordered_ids(session, project_id))

        self._delete(Recording.id == recording_id, drop)

    def _delete(self, which: Any, drop: Callable[[Session], None]) -> None:
        """Rows first, then the files nothing refers to any more; a crash in between is made good at the next start."""
        with self._database.read() as session:
            rows = session.execute(select(Recording.sha256, Recording.peaks_key).where(which)).all()
        keys = sorted({key for row in rows for key in (media_key(row.sha256), row.peaks_key)})
        with self._media.pending(keys):
            self._database.run_write(drop)
            remove_unreferenced(self._database, self._media, keys)


def _filters(session: Session, project_id: int | None, search: str) -> list[ColumnElement[bool]]:
    """Conditions that the indexes can answer, as far as possible: the archived projects are few, and usually none."""
    filters: list[ColumnElement[bool]] = []
    if project_id is not None:
        filters.append(Recording.project_id == project_row(session, project_id).id)
    elif archived := session.scalars(select(Project.id).where(Project.archived_at.is_not(None))).all():
        filters.append(Recording.project_id.not_in(archived))
    if wanted := folded(" ".join(search.split())):
        # Both sides are folded already; LIKE would fold again, and read % and _ in a way of its own.
        position = func.instr if session.get_bind().dialect.name == "sqlite" else func.strpos
        matches = position(Recording.name_folded, wanted) > 0
        # Over all projects the matches are found in the index of names alone, before any whole row is read.
        by_index = Recording.id.in_(select(Recording.id).where(matches))
        filters.append(matches if project_id is not None else by_index)
    return filters


def _ordered_ids(session: Session, project_id: int) -> list[int]:
    query = select(Recording.id).where(Recording.project_id == project_id)
    return list(session.scalars(query.order_by(Recording.position, Recording.id)))


def _number(session: Session, project_id: int, ids: Sequence[int]) -> None:
    """Gives each recording its place; writes only those that change."""
    query = select(Recording.id, Recording.position).where(Recording.project_id == project_id)
    present = {row.id: row.position for row in session.execute(query)}
    changed = {recording_id: place for place, recording_id in enumerate(ids) if present[recording_id] != place}
    if changed:
        session.execute(
            update(Recording),
            [{"id": recording_id, "position": place} for recording_id, place in changed.items()],
        )
