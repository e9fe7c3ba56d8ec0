"""Transcribing: asking for it, doing it (as a job), reading what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from sqlalchemy import insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.errors import IllegalTransitionError, NotFoundError, ValidationFailedError
from core.infra.db import Database
from core.infra.jobs import JobQueue
from core.infra.tables import Config, Job, JobState, Project, ProjectKind, Recording, Run, SegmentRow, TranscriptRow
from core.ports import AudioReader, JobContext, MediaStore, ModelPool, VoiceActivityDetector
from core.services.preferences import PreferenceService
from core.services.records import JobRecord
from core.services.sample import SAMPLE_MODEL
from core.services.transcribing import Parts, transcribe
from core.services.transcripts import TranscriptReader
from core.speech.config import TranscriptionConfig
from core.speech.languages import LANGUAGES
from core.speech.models import ModelSpec

_log = structlog.get_logger(__name__)

#: The kind of these jobs, and of their configs.
JOB_KIND: Final = "transcribe"
CONFIG_KIND: Final = "transcription"

_COPIED = (
    "position", "start_ms", "end_ms", "text", "words", "avg_logprob", "no_speech_probability", "compression_ratio",
)  # fmt: skip


class ModelNames(Protocol):
    """Knows which models there are."""

    def resolve(self, name: str) -> ModelSpec:
        """What a name means. Raises `UnknownModelError`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """What became of a request to transcribe."""

    #: The job that does it; None if it was done before.
    job: JobRecord | None
    #: Where the text is, or will appear.
    transcript_id: int
    #: Whether an earlier result is handed out instead of computing it again.
    reused: bool = False


class TranscriptionService(TranscriptReader):
    """See the module.

    Args:
        database: Where transcripts are.
        queue: Where the jobs go.
        media: Where the files are.
        audio: Reads them.
        detector: Finds speech in them.
        models: Lends models to jobs.
        catalogue: Knows the models' names.
        preferences: Has the settings offered first.
        revision: Names the present content of a model by its name, or gives "" while that is not known (not on this
            machine yet). A result of another revision is not handed out again.
    """

    def __init__(
        self, database: Database, queue: JobQueue, media: MediaStore, audio: AudioReader,
        detector: VoiceActivityDetector, models: ModelPool, *, catalogue: ModelNames, preferences: PreferenceService,
        revision: Callable[[str], str] = lambda _: "",
    ) -> None:  # fmt: skip
        super().__init__(database)
        self._queue = queue
        self._catalogue, self._preferences, self._revision = catalogue, preferences, revision
        self._parts = Parts(database=database, media=media, audio=audio, detector=detector, models=models)

    def default_config(
        self, recording_id: int | None = None, *, kind: str = ProjectKind.NARRATION, is_sample: bool = False
    ) -> TranscriptionConfig:
        """The settings to offer first: the user's, verbatim if what is recorded is a narration. The sample is always
        offered the model that was made for it, so that it works at once whatever the user prefers.

        Args:
            recording_id: Take kind and `is_sample` from this recording's project.
            kind: The kind of project, if there is no recording yet.
            is_sample: Whether it is the sample project, if there is no recording yet.
        """
        if recording_id is not None:
            wanted = select(Project.kind, Project.is_sample).join(Recording, Recording.project_id == Project.id)
            with self._database.read() as session:
                found = session.execute(wanted.where(Recording.id == recording_id)).one_or_none()
            if found is None:
                raise _no_recording(recording_id)
            kind, is_sample = found
        changes: dict[str, Any] = {"verbatim": kind == ProjectKind.NARRATION}
        if is_sample:
            # English is all it knows; a preference for another language, or to translate, would be refused.
            changes |= {"model": SAMPLE_MODEL, "language": "en", "task": "transcribe"}
        return self._preferences.transcription_defaults().model_copy(update=changes)

    def validate(self, config: TranscriptionConfig) -> None:
        """Checks what the config's own fields cannot know.

        Raises:
            UnknownModelError: There is no such model.
            ValidationFailedError: The model does not do what is asked.
        """
        spec = self._catalogue.resolve(config.model)
        if config.language and config.language not in LANGUAGES:
            raise ValidationFailedError("Language", f"“{config.language}” is no language the models know.")
        if spec.english_only and config.language not in (None, "en"):
            raise ValidationFailedError(
                "Language", f"the model {config.model} knows English only; “{config.language}” needs another model."
            )
        if spec.english_only and config.task == "translate":
            raise ValidationFailedError("Task", f"the model {config.model} knows English only and cannot translate.")

    def submit(
        self, recording_id: int, config: TranscriptionConfig, *, priority: int = 0, force: bool = False,
        request_id: str = "",
    ) -> Submission:  # fmt: skip
        """Asks for a transcription. Nothing is computed twice: an equal job that waits or runs is joined, one that
        stopped goes on, and a result there is already (of the same audio anywhere) is handed out.

        Args:
            recording_id: What to transcribe.
            config: How.
            priority: Smaller goes first.
            force: Compute it again even if it was done before.
            request_id: Who asks; the job's log lines carry it.

        Raises:
            NotFoundError: There is no such recording.
            UnknownModelError, ValidationFailedError: See `validate`.
            QueueFullError: Too many jobs wait.
        """
        self.validate(config)
        revision = self._revision(config.model)

        def write(session: Session) -> tuple[Submission | None, int | None]:
            # Locked, so that two who ask at the same moment get the same job.
            recording = session.get(Recording, recording_id, with_for_update=True)
            if recording is None:
                raise _no_recording(recording_id)
            fingerprint = config.fingerprint()
            job = _newest_job(session, recording_id, fingerprint)
            if job is not None and job.state in (JobState.QUEUED, JobState.RUNNING) and not job.cancel_requested:
                return None, job.id
            config_id = _config_id(session, config)
            if not force:
                done = _finished(session, recording, config_id, revision)
                if done is not None:
                    return Submission(job=None, transcript_id=done, reused=True), None
                if job is not None and job.state in (JobState.FAILED, JobState.CANCELLED) and job.checkpoint:
                    return None, job.id
            run = Run(recording_id=recording_id, config_id=config_id)
            session.add(run)
            session.flush()
            transcript = TranscriptRow(recording_id=recording_id, run_id=run.id)
            session.add(transcript)
            session.flush()
            record = self._queue.enqueue(
                JOB_KIND, {
                    "config": config.model_dump(mode="json"), "fingerprint": fingerprint,
                    "run_id": run.id, "transcript_id": transcript.id,
                },
                recording_id=recording_id, priority=priority, request_id=request_id, session=session,
            )  # fmt: skip
            return Submission(job=record, transcript_id=transcript.id), None

        submission, job_id = self._database.run_write(write)
        if job_id is not None:
            submission = self._join(job_id)
        assert submission is not None
        _log.info(
            "transcription_submitted", recording_id=recording_id, model=config.model, reused=submission.reused,
            job_id=submission.job.id if submission.job else None,
        )  # fmt: skip
        return submission

    def handler(self, context: JobContext) -> Mapping[str, Any]:
        """Runs one attempt of a transcription job (a `JobHandler`)."""
        return transcribe(self._parts, context)

    def _join(self, job_id: int) -> Submission:
        job = self._queue.get(job_id)
        if not job.active:
            try:
                job = self._queue.retry(job_id)
            except IllegalTransitionError:
                job = self._queue.get(job_id)  # somebody else was faster
        return Submission(job=job, transcript_id=int(job.payload["transcript_id"]))


def _no_recording(recording_id: int) -> NotFoundError:
    return NotFoundError(f"Recording {recording_id} is not there (any more). It may have been deleted.")


def _newest_job(session: Session, recording_id: int, fingerprint: str) -> Job | None:
    jobs = select(Job).where(Job.recording_id == recording_id, Job.kind == JOB_KIND).order_by(Job.id.desc())
    return next((job for job in session.scalars(jobs) if job.payload.get("fingerprint") == fingerprint), None)


def _config_id(session: Session, config: TranscriptionConfig) -> int:
    """The row of this config; made if need be, once even if several try."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    fingerprint = config.fingerprint()
    session.execute(
        dialect.insert(Config)
        .values(kind=CONFIG_KIND, fingerprint=fingerprint, params=config.model_dump(mode="json"))
        .on_conflict_do_nothing(index_elements=["kind", "fingerprint"])
    )
    return session.scalars(select(Config.id).where(Config.kind == CONFIG_KIND, Config.fingerprint == fingerprint)).one()


def _finished(session: Session, recording: Recording, config_id: int, revision: str) -> int | None:
    """A complete transcript of the same audio by the same config and model; one of another recording is copied."""
    same_audio = (
        select(TranscriptRow, Run)
        .join(Run, TranscriptRow.run_id == Run.id)
        .join(Recording, Run.recording_id == Recording.id)
        .where(
            Recording.sha256 == recording.sha256, Recording.audio_track == recording.audio_track,
            Run.config_id == config_id, TranscriptRow.complete, TranscriptRow.author == "engine",
        )
        .order_by((Recording.id == recording.id).desc(), TranscriptRow.id.desc())
    )  # fmt: skip
    for row, run in session.execute(same_audio):
        if revision and run.versions.get("model_revision", revision) != revision:
            continue
        return row.id if row.recording_id == recording.id else _copy(session, row, run, recording.id)
    return None


def _copy(session: Session, row: TranscriptRow, run: Run, recording_id: int) -> int:
    new_run = Run(
        recording_id=recording_id, config_id=run.config_id, versions=run.versions, warnings=run.warnings,
        language=run.language, language_probability=run.language_probability, audio_ms=run.audio_ms,
        wall_ms=run.wall_ms, finished_at=run.finished_at,
    )  # fmt: skip
    session.add(new_run)
    session.flush()
    new = TranscriptRow(
        recording_id=recording_id, run_id=new_run.id, language=row.language, complete=True, done_ms=row.done_ms,
        word_count=row.word_count,
    )  # fmt: skip
    session.add(new)
    session.flush()
    columns = [getattr(SegmentRow, name) for name in _COPIED]
    session.execute(
        insert(SegmentRow).from_select(
            ["transcript_id", *_COPIED],
            select(literal(new.id), *columns).where(SegmentRow.transcript_id == row.id).order_by(SegmentRow.position),
        )
    )
    return new.id
