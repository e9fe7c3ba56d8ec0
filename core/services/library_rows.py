"""From rows to what a list of the library shows, in a number of queries that does not depend on how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, Select, case, func, or_, select
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from core.infra.tables import Job, JobState, Project, Recording, TranscriptRow
from core.services.records import ProjectRecord, RecordingRecord

TRANSCRIBE = "transcribe"


def project_row(session: Session, project_id: int, *, lock: bool = False) -> Project:
    """The row of a project; with `lock`, nobody else changes the order of its recordings meanwhile.

    Raises:
        NotFoundError: There is none.
    """
    row = session.get(Project, project_id, with_for_update=lock)
    if row is None:
        raise NotFoundError("This project does not exist (any more).")
    return row


def recording_row(session: Session, recording_id: int) -> Recording:
    """The row of a recording. Raises `NotFoundError`."""
    row = session.get(Recording, recording_id)
    if row is None:
        raise NotFoundError("This recording does not exist (any more).")
    return row


def with_totals() -> Select[Project, int, int]:
    """Projects, each with how many recordings it has and how long they are together."""
    totals = (
        select(
            Recording.project_id,
            func.count(Recording.id).label("recordings"),
            func.sum(Recording.duration_ms).label("duration_ms"),
        )
        .group_by(Recording.project_id)
        .subquery()
    )
    return select(
        Project, func.coalesce(totals.c.recordings, 0), func.coalesce(totals.c.duration_ms, 0)
    ).outerjoin(totals, totals.c.project_id == Project.id)  # fmt: skip


def project_record(row: Row[Project, int, int]) -> ProjectRecord:
    """A row of `with_totals` as a value."""
    project, recordings, duration_ms = row
    return ProjectRecord(
        id=project.id, title=project.title, kind=project.kind, is_sample=project.is_sample,
        archived=project.archived_at is not None, recording_count=recordings, duration_ms=int(duration_ms),
        created_at=project.created_at,
    )  # fmt: skip


def records(session: Session, rows: Sequence[Recording]) -> tuple[RecordingRecord, ...]:
    """Recordings with the state of their transcription: two queries, each by index, however many rows."""
    ids = [row.id for row in rows]
    newest_jobs = (
        select(func.max(Job.id)).where(Job.recording_id.in_(ids), Job.kind == TRANSCRIBE).group_by(Job.recording_id)
    )
    columns = (Job.recording_id, Job.id, Job.state, Job.done_ms, Job.total_ms)
    jobs = {row.recording_id: row for row in session.execute(select(*columns).where(Job.id.in_(newest_jobs)))}
    newest_transcripts = (
        select(
            TranscriptRow.recording_id, func.max(TranscriptRow.id), func.max(case((TranscriptRow.complete, 1), else_=0))
        )
        .where(TranscriptRow.recording_id.in_(ids), or_(TranscriptRow.complete, TranscriptRow.done_ms > 0))
        .group_by(TranscriptRow.recording_id)
    )
    transcripts = {row[0]: (row[1], bool(row[2])) for row in session.execute(newest_transcripts)}
    return tuple(_record(row, jobs.get(row.id), *transcripts.get(row.id, (None, False))) for row in rows)


def _record(
    row: Recording, job: Row[int | None, int, str, int, int] | None, transcript_id: int | None, transcribed: bool
) -> RecordingRecord:
    running = job is not None and job.state in (JobState.QUEUED, JobState.RUNNING) and job.total_ms > 0
    return RecordingRecord(
        id=row.id, project_id=row.project_id, position=row.position, name=row.name, sha256=row.sha256,
        size_bytes=row.size_bytes, duration_ms=row.duration_ms, container=row.container, codec=row.codec,
        sample_rate_hz=row.sample_rate_hz, channels=row.channels, audio_track=row.audio_track,
        has_video=row.has_video, media_key=row.media_key, peaks_key=row.peaks_key,
        notes=tuple(str(note.get("message", "")) for note in row.notes), created_at=row.created_at,
        transcript_id=transcript_id, transcribed=transcribed, job_state=job.state if job is not None else "",
        job_id=job.id if job is not None else None,
        progress=min(1.0, job.done_ms / job.total_ms) if job is not None and running else 0.0,
    )  # fmt: skip
