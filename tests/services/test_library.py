"""Projects and recordings: kept, ordered, searched, deleted (A1, A3, A19, B16)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, func, insert, select

from core.errors import ConflictError, LeaseLostError, NotFoundError, ValidationFailedError
from core.infra.jobs import JobQueue
from core.infra.tables import Base, Job, Recording, SegmentRow, TranscriptRow
from core.services.files import media_key, peaks_key
from core.services.names import folded
from core.services.records import RecordingRecord
from tests import media
from tests.services.conftest import Shelf


def fill(shelf: Shelf, project_id: int, names: list[str]) -> list[int]:
    """Recordings without files, straight into the table."""
    rows = [
        {
            "project_id": project_id, "position": place, "name": name, "name_folded": folded(name),
            "sha256": f"{project_id:032x}{place:032x}", "size_bytes": 10, "duration_ms": 1_000 + place % 7,
            "container": "wav", "codec": "pcm_s16le", "sample_rate_hz": 16_000, "channels": 1, "notes": [],
            "media_key": media_key(f"{project_id:032x}{place:032x}"),
            "peaks_key": peaks_key(f"{project_id:032x}{place:032x}", 0),
        }
        for place, name in enumerate(names)
    ]  # fmt: skip
    with shelf.database.write() as session:
        session.execute(insert(Recording), rows)
        query = select(Recording.id).where(Recording.project_id == project_id).order_by(Recording.position)
        return list(session.scalars(query))


def names_of(shelf: Shelf, project_id: int) -> list[str]:
    items = shelf.library.list_recordings(project_id=project_id).items
    assert [item.position for item in items] == list(range(len(items)))
    return [item.name for item in items]


@contextmanager
def counted(shelf: Shelf) -> Iterator[list[str]]:
    """The statements sent meanwhile."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            statements.append(statement)

    event.listen(shelf.database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(shelf.database.engine, "before_cursor_execute", note)


def test_projects_are_created_renamed_archived_and_listed(shelf: Shelf) -> None:
    """A1."""
    first = shelf.library.create_project("  The \t Sonnets  ")
    second = shelf.library.create_project("Interviews", kind="conversation")
    assert (first.title, first.kind, first.recording_count, first.duration_ms) == ("The Sonnets", "narration", 0, 0)
    assert shelf.library.rename_project(first.id, "Sonnets").title == "Sonnets"
    assert [project.id for project in shelf.library.list_projects()] == [second.id, first.id]
    assert shelf.library.set_archived(first.id, True).archived
    assert [project.id for project in shelf.library.list_projects()] == [second.id]
    assert [project.id for project in shelf.library.list_projects(archived=True)] == [first.id]
    assert not shelf.library.set_archived(first.id, False).archived


@pytest.mark.parametrize("title", ["", "ab", "  ab  ", "x" * 201, "\x00\x01\x02"])
def test_titles_out_of_range_are_refused(shelf: Shelf, title: str) -> None:
    """A1: 3 to 200 characters, trimmed."""
    with pytest.raises(ValidationFailedError, match=r"^Title: "):
        shelf.library.create_project(title)
    assert shelf.library.list_projects() == ()


def test_kinds_and_names_are_validated(shelf: Shelf) -> None:
    with pytest.raises(ValidationFailedError, match="Kind: must be one of"):
        shelf.library.create_project("A book", kind="opera")
    project = shelf.library.create_project("x" * 200)
    (recording,) = fill(shelf, project.id, ["one"])
    assert shelf.library.rename_recording(recording, " two ").name == "two"
    with pytest.raises(ValidationFailedError, match="Name: needs at least 1 character"):
        shelf.library.rename_recording(recording, "  ")
    with pytest.raises(ValidationFailedError):
        shelf.library.list_recordings(limit=0)
    with pytest.raises(ValidationFailedError):
        shelf.library.list_recordings(sort="colour")  # type: ignore[arg-type]


def test_what_is_not_there_is_said_so(shelf: Shelf) -> None:
    library = shelf.library
    for attempt in (
        lambda: library.get_project(1), lambda: library.rename_project(1, "abc"), lambda: library.delete_project(1),
        lambda: library.set_archived(1, True), lambda: library.list_recordings(project_id=1),
        lambda: library.get_recording(1), lambda: library.rename_recording(1, "abc"), lambda: library.reorder(1, []),
        lambda: library.move_recording(1, 0), lambda: library.delete_recording(1),
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            attempt()


def test_recordings_are_moved_and_reordered(shelf: Shelf) -> None:
    """A3."""
    project = shelf.library.create_project("A book").id
    a, b, c, d = fill(shelf, project, ["a", "b", "c", "d"])
    assert shelf.library.move_recording(a, 2).position == 2
    assert names_of(shelf, project) == ["b", "c", "a", "d"]
    shelf.library.move_recording(d, 0)
    shelf.library.move_recording(b, 99)
    assert names_of(shelf, project) == ["d", "c", "a", "b"]
    shelf.library.reorder(project, [a, b, c, d])
    assert names_of(shelf, project) == ["a", "b", "c", "d"]
    shelf.library.delete_recording(b)
    assert names_of(shelf, project) == ["a", "c", "d"]
    for wrong in ([a, c], [a, c, d, d], [a, c, d, b]):
        with pytest.raises(ConflictError):
            shelf.library.reorder(project, wrong)


def test_many_who_move_at_once_leave_every_place_taken_once(shelf: Shelf) -> None:
    """A3: positions stay 0, 1, 2, ... whatever happens at the same time."""
    project = shelf.library.create_project("A book").id
    ids = fill(shelf, project, [str(index) for index in range(12)])
    threads = [
        threading.Thread(target=shelf.library.move_recording, args=(ids[index], 11 - index)) for index in range(6)
    ]
    threads += [threading.Thread(target=shelf.library.delete_recording, args=(ids[index],)) for index in (9, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names_of(shelf, project)) == 10


def test_recordings_are_searched_sorted_and_paged(shelf: Shelf) -> None:
    project = shelf.library.create_project("A book").id
    fill(shelf, project, ["Überfahrt", "chapter 10%", "Chapter 2", "ﬁnale", "CHAPTER_3"])
    library = shelf.library

    def found(search: str) -> list[str]:
        return [item.name for item in library.list_recordings(project_id=project, search=search).items]

    assert found("chapter") == ["chapter 10%", "Chapter 2", "CHAPTER_3"]
    assert found("%") == ["chapter 10%"]
    assert found("_") == ["CHAPTER_3"]
    assert found("ÜBER") == ["Überfahrt"]
    assert found("FINA") == ["ﬁnale"]
    page = library.list_recordings(sort="name", limit=2, offset=1)
    assert (page.total, page.offset, [item.name for item in page.items]) == (5, 1, ["Chapter 2", "CHAPTER_3"])
    longest = library.list_recordings(sort="duration", descending=True, limit=1).items[0]
    assert longest.name == "CHAPTER_3"
    newest = library.list_recordings(sort="created", descending=True).items[0]
    assert newest.name == "CHAPTER_3"
    library.set_archived(project, True)
    assert library.list_recordings().total == 0
    assert library.list_recordings(project_id=project).total == 5


def test_lists_ask_as_often_for_many_as_for_one(shelf: Shelf) -> None:
    """A19: no N+1."""
    counts = []
    for size in (1, 40):
        project = shelf.library.create_project("A book").id
        fill(shelf, project, [f"name {index}" for index in range(size)])
        with counted(shelf) as statements:
            shelf.library.list_recordings(project_id=project)
        recordings = len(statements)
        with counted(shelf) as statements:
            shelf.library.list_projects()
        counts.append((recordings, len(statements)))
    assert counts == [(5, 1), (5, 1)]


def test_a_recording_shows_its_newest_job_and_transcript(shelf: Shelf) -> None:
    project = shelf.library.create_project("A book").id
    first, second = fill(shelf, project, ["a", "b"])
    with shelf.database.write() as session:
        session.add(TranscriptRow(recording_id=first, complete=True, done_ms=1_000))
        session.flush()
        session.add(partial := TranscriptRow(recording_id=first, done_ms=500))
        session.flush()
        session.add(TranscriptRow(recording_id=first, done_ms=0))
        session.add(Job(kind="transcribe", recording_id=first, state="completed", done_ms=9, total_ms=9))
        session.flush()
        session.add(job := Job(kind="transcribe", recording_id=first, state="running", done_ms=250, total_ms=1_000))
        session.add(Job(kind="other", recording_id=first, state="failed"))
        session.add(Job(kind="transcribe", recording_id=second, state="queued"))
        session.flush()
        expected = (partial.id, job.id)
    a, b = shelf.library.list_recordings(project_id=project).items
    assert (a.transcript_id, a.job_id, a.job_state, a.progress) == (*expected, "running", 0.25)
    assert (b.transcript_id, b.job_state, b.progress) == (None, "queued", 0.0)
    assert shelf.library.get_recording(first) == a


def bring_in(shelf: Shelf, project: int, folder: Path) -> RecordingRecord:
    path = media.write(folder / "x.wav", media.hum(), codec="pcm_s16le", rate=16_000, layout="mono")
    return shelf.importing.import_file(project, path).recording


def test_deleting_takes_rows_and_files_but_not_those_others_need(shelf: Shelf, tmp_path: Path) -> None:
    projects = [shelf.library.create_project(f"Book {index}").id for index in range(2)]
    recording, _ = [bring_in(shelf, project, tmp_path) for project in projects]
    with shelf.database.write() as session:
        session.add(transcript := TranscriptRow(recording_id=recording.id, complete=True))
        session.flush()
        times = {"start_ms": 0, "end_ms": 9, "text": "a", "words": b""}
        session.add(SegmentRow(transcript_id=transcript.id, position=0, **times))
        session.add(Job(kind="transcribe", recording_id=recording.id))
    assert len(shelf.files()) == 2
    shelf.library.delete_project(projects[0])
    assert len(shelf.files()) == 2
    with shelf.database.read() as session:
        for table in ("transcripts", "segments", "jobs"):
            assert session.scalar(select(func.count()).select_from(Base.metadata.tables[table])) == 0
    shelf.library.delete_project(projects[1])
    assert shelf.files() == shelf.staged() == []
    assert (tmp_path / "x.wav").is_file()


def test_deleting_under_a_running_job_ends_the_job(shelf: Shelf, tmp_path: Path) -> None:
    project = shelf.library.create_project("A book").id
    recording = bring_in(shelf, project, tmp_path)
    queue = JobQueue(shelf.database, limit=10, max_attempts=3, lease_seconds=60)
    queue.enqueue("transcribe", {}, recording_id=recording.id)
    claim = queue.claim("worker")
    assert claim is not None
    shelf.library.delete_recording(recording.id)
    with pytest.raises(LeaseLostError):
        queue.heartbeat(claim)
    assert shelf.files() == []
