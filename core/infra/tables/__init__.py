"""The database's tables, one module each; importing this package registers them all."""

from core.infra.tables.base import Base
from core.infra.tables.jobs import Job, JobState, Worker
from core.infra.tables.library import Project, ProjectKind, Recording
from core.infra.tables.models import LocalModel, Preference
from core.infra.tables.transcripts import Config, Run, SegmentRow, TranscriptRow

__all__ = [
    "Base", "Config", "Job", "JobState", "LocalModel", "Preference", "Project", "ProjectKind", "Recording", "Run",
    "SegmentRow", "TranscriptRow", "Worker",
]  # fmt: skip
