"""Projects and their recordings."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.infra.tables.base import Base, now


class ProjectKind(StrEnum):
    """What is recorded in a project; decides the settings that are offered first."""

    NARRATION = "narration"
    CONVERSATION = "conversation"
    OTHER = "other"


class Project(Base):
    """A book, a series, a study: recordings that belong together."""

    __tablename__ = "projects"
    __table_args__ = (
        CheckConstraint("length(title) BETWEEN 3 AND 200", name="title_length"),
        CheckConstraint("kind IN ('narration', 'conversation', 'other')", name="kind"),
        Index("ix_projects_archived_at_created_at", "archived_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: 3 to 200 characters, trimmed.
    title: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20), default=ProjectKind.NARRATION)
    #: Whether this is the sample the app came with.
    is_sample: Mapped[bool] = mapped_column(default=False)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Recording(Base):
    """One audio track of one file, in its place within a project. The original file is never changed."""

    __tablename__ = "recordings"
    __table_args__ = (
        UniqueConstraint("project_id", "sha256", "audio_track"),
        CheckConstraint("length(name) BETWEEN 1 AND 300", name="name_length"),
        CheckConstraint("duration_ms > 0", name="duration_positive"),
        Index("ix_recordings_project_id_position", "project_id", "position"),
        Index("ix_recordings_created_at", "created_at"),
        Index("ix_recordings_name_folded", "name_folded"),
        Index("ix_recordings_duration_ms", "duration_ms"),
        # The list of projects adds up durations; with this it reads the index alone.
        Index("ix_recordings_project_id_duration_ms", "project_id", "duration_ms"),
        Index("ix_recordings_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    #: Place within the project, from 0; the order in which the recordings are read.
    position: Mapped[int]
    #: Name shown; at first the file's.
    name: Mapped[str] = mapped_column(String(300))
    #: `name` in the form search compares: case-folded, NFKC.
    name_folded: Mapped[str] = mapped_column(String(600))
    #: Hash of the whole file, 64 hex digits.
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int]
    container: Mapped[str] = mapped_column(String(100))
    codec: Mapped[str] = mapped_column(String(50))
    sample_rate_hz: Mapped[int]
    channels: Mapped[int]
    #: Which of the file's audio tracks this is, from 0.
    audio_track: Mapped[int] = mapped_column(default=0)
    has_video: Mapped[bool] = mapped_column(default=False)
    #: Where the original is in the media store.
    media_key: Mapped[str] = mapped_column(String(200))
    #: Where the waveform's peaks are in the media store.
    peaks_key: Mapped[str] = mapped_column(String(200))
    #: What import noticed, e.g. damaged frames: ``[{"code": ..., "message": ...}]``.
    notes: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
