"""The one place that knows concrete classes: builds the Workbench that pages, routes and commands work with."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import structlog

from core.demo import KNOWN_WORDS, SAMPLE_DIR
from core.errors import ReadbackError, SettingsError, StorageError, UnknownModelError
from core.infra import migrate
from core.infra.audio.reader import PyAvAudioReader
from core.infra.db import Database
from core.infra.jobs import EmbeddedExecutor, JobQueue, JobRecord, run_inline
from core.infra.links import LinkSigner
from core.infra.logs import LOG_FILE_NAME, adopt_loggers, configure_logging, find_log_lines, log_context, new_request_id
from core.infra.media_store import LocalMediaStore
from core.infra.vad import SileroDetector
from core.infra.whisper.catalogue import Catalogue
from core.infra.whisper.files import fingerprint
from core.infra.whisper.resolver import Models, build_models
from core.ports import AudioReader, Executor, JobHandler, MediaStore, ModelPool, VoiceActivityDetector
from core.services.downloads import Downloads
from core.services.exports import ExportService
from core.services.importing import ImportService
from core.services.library import LibraryService
from core.services.modelling import ModelService, added_models
from core.services.preferences import PreferenceService
from core.services.sample import SampleService
from core.services.system import SystemService
from core.services.transcription import JOB_KIND, TranscriptionService
from core.settings import Settings

T = TypeVar("T")
_log = structlog.get_logger(__name__)

_KEY_FILE: Final = "link.key"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workbench:
    """All services, wired. Building it is quick; `start` makes it work."""

    settings: Settings
    database: Database
    queue: JobQueue
    #: Kind of job → what does it.
    handlers: Mapping[str, JobHandler]
    executor: Executor
    media: MediaStore
    audio: AudioReader
    detector: VoiceActivityDetector
    #: The models in memory.
    models: ModelPool
    catalogue: Catalogue
    links: LinkSigner
    library: LibraryService
    importing: ImportService
    transcription: TranscriptionService
    exports: ExportService
    modelling: ModelService
    downloads: Downloads
    system: SystemService
    preferences: PreferenceService
    sample: SampleService
    _closing: tuple[Callable[[], None], ...] = ()

    def start(self, *, workers: bool = True) -> None:
        """Makes the data folder and the database ready, clears up after processes that died, and starts the workers.

        Args:
            workers: Whether to take jobs from the queue; commands that run their own do not.

        Raises:
            StorageError: The data folder or the database cannot be used.
        """
        adopt_loggers()  # the server's exist by now
        migrate.upgrade(self.settings.resolved_database_url)
        self.importing.recover()
        if workers:
            self._make_sample()
            self.executor.start()
        _log.info("workbench.started", data_dir=str(self.settings.data_dir), database=self.database.dialect)

    def _make_sample(self) -> None:
        """On the first start, so that there is something to look at."""
        try:
            self.sample.ensure_first_time()
        except ReadbackError as error:
            _log.warning("sample.not_made", message=error.message)  # the app is as good without it

    def stop(self, timeout_seconds: float | None = None) -> None:
        """Stops the workers, whose jobs go back to the queue at their checkpoint, and lets go of everything.

        Args:
            timeout_seconds: How long to wait for running windows; None: as the settings say.
        """
        self.executor.stop(self.settings.shutdown_seconds if timeout_seconds is None else timeout_seconds)
        for close in self._closing:
            close()
        _log.info("workbench.stopped")

    def run_job(
        self, job_id: int, *, on_progress: Callable[[JobRecord], None] | None = None,
        on_interrupt: Literal["cancel", "release"] = "cancel", stopping: threading.Event | None = None,
    ) -> JobRecord:  # fmt: skip
        """Runs one job in this thread, or follows it where it runs already; see `core.infra.jobs.run_inline`."""
        return run_inline(
            self.queue, self.handlers, job_id, on_progress=on_progress, on_interrupt=on_interrupt, stopping=stopping
        )

    def log_lines(self, reference: str) -> tuple[Mapping[str, Any], ...]:
        """What the log says about a log reference that was shown to the user, oldest line first."""
        return find_log_lines(log_folder(self.settings), reference)


def build_workbench(settings: Settings, **overrides: Any) -> Workbench:
    """Wires the parts. Makes the data folder if need be; loads no model and none of the heavy libraries.

    Args:
        settings: From `core.settings.load_settings`.
        overrides: Parts to use instead of the usual ones, by their name in `Workbench`; what is built on a part gets
            the one given here.

    Raises:
        StorageError: The data folder cannot be made.
        SettingsError: The database's address cannot be used.
    """
    unknown = set(overrides) - {field.name for field in fields(Workbench)}
    if unknown:
        raise TypeError(f"the Workbench has no part called {', '.join(sorted(unknown))}")

    def part(name: str, make: Callable[[], T]) -> T:
        return overrides[name] if name in overrides else make()

    make_data_folder(settings)
    data_dir = settings.data_dir
    database = part("database", lambda: Database(settings.resolved_database_url))
    queue = part("queue", lambda: _queue(settings, database))
    store = LocalMediaStore(data_dir / "media", min_free_bytes=settings.min_free_disk_bytes)
    media: MediaStore = part("media", lambda: store)
    audio: AudioReader = part("audio", lambda: PyAvAudioReader(settings))
    detector: VoiceActivityDetector = part("detector", SileroDetector)
    whisper = build_models(settings, lambda: added_models(database))
    catalogue: Catalogue = part("catalogue", lambda: whisper.catalogue)
    models: ModelPool = part("models", lambda: whisper.pool)
    library = part("library", lambda: LibraryService(database, media))
    importing = part("importing", lambda: ImportService(database, media, audio, settings))
    preferences = part("preferences", lambda: PreferenceService(database, default_model=settings.default_model))
    transcription = part(
        "transcription",
        lambda: TranscriptionService(
            database, queue, media, audio, detector, models,
            catalogue=catalogue, preferences=preferences, revision=_revisions(whisper),
        ),
    )  # fmt: skip
    modelling = part("modelling", lambda: ModelService(database, catalogue, whisper.store, whisper.pool))
    downloads = part("downloads", lambda: Downloads(modelling.pull))
    handlers: Mapping[str, JobHandler] = part("handlers", lambda: {JOB_KIND: transcription.handler})
    executor: Executor = part(
        "executor",
        lambda: EmbeddedExecutor(queue, handlers, slots=settings.workers, models=lambda: _in_memory(whisper)),
    )
    return Workbench(
        settings=settings,
        database=database,
        queue=queue,
        handlers=handlers,
        executor=executor,
        media=media,
        audio=audio,
        detector=detector,
        models=models,
        catalogue=catalogue,
        links=part("links", lambda: LinkSigner(data_dir / _KEY_FILE)),
        library=library,
        importing=importing,
        transcription=transcription,
        exports=part("exports", lambda: ExportService(transcription)),
        modelling=modelling,
        downloads=downloads,
        system=part("system", lambda: SystemService(database, queue, expects_workers=settings.workers > 0)),
        preferences=preferences,
        sample=part(
            "sample", lambda: SampleService(database, library, importing, folder=SAMPLE_DIR, known_words=KNOWN_WORDS)
        ),
        _closing=(downloads.close, whisper.pool.close, store.close, database.dispose),
    )


def _queue(settings: Settings, database: Database) -> JobQueue:
    return JobQueue(
        database,
        limit=settings.queue_limit,
        max_attempts=settings.job_max_attempts,
        lease_seconds=settings.job_lease_seconds,
    )


def _revisions(whisper: Models) -> Callable[[str], str]:
    def revision(name: str) -> str:
        spec = whisper.catalogue.resolve(name)
        return fingerprint(whisper.store.folder(spec)) if whisper.store.state(spec) == "ready" else ""

    return revision


def _in_memory(whisper: Models) -> list[dict[str, Any]]:
    """What the workers' list shows of the models in memory."""
    return [
        {
            "name": model.name, "device": model.device, "compute_type": model.compute_type, "leases": model.leases,
            "idle_seconds": round(model.idle_seconds),
        }
        for model in whisper.pool.snapshot()
    ]  # fmt: skip


def make_data_folder(settings: Settings) -> None:
    """Makes the data folder, readable by its owner only, and sees that it can be written to. Raises `StorageError`."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.data_dir):
            pass
    except OSError as error:
        raise StorageError(
            f"The data folder {settings.data_dir} cannot be used: {error.strerror}. READBACK_DATA_DIR sets another one."
        ) from error


def check_start(settings: Settings) -> None:
    """Finds out whether the app can start, before half of it has; brings the database to this version.

    Raises:
        StorageError: The data folder or the database cannot be used.
        SettingsError: There is no model as READBACK_DEFAULT_MODEL says.
    """
    upgrade_database(settings)
    database = Database(settings.resolved_database_url)
    try:
        check_default_model(settings, Catalogue(lambda: added_models(database)))
    finally:
        database.dispose()


def check_default_model(settings: Settings, catalogue: Catalogue) -> None:
    """Raises `SettingsError` if there is no model as READBACK_DEFAULT_MODEL says."""
    try:
        catalogue.resolve(settings.default_model)
    except UnknownModelError as error:
        raise SettingsError(f"READBACK_DEFAULT_MODEL cannot be used: {error.message}") from error


def log_folder(settings: Settings) -> Path:
    """Where the log files are."""
    return settings.data_dir / "logs"


def start_logging(settings: Settings, *, console: bool = True) -> None:
    """Sets up logging as the settings say.

    Args:
        settings: Level, form, and where the log file goes.
        console: Whether anything is logged to stderr.
    """
    configure_logging(level=settings.log_level, form=settings.log_format, folder=log_folder(settings), console=console)


def upgrade_database(settings: Settings) -> str:
    """Brings the database to this program's version; returns its revision. Raises `DatabaseError`."""
    make_data_folder(settings)
    migrate.upgrade(settings.resolved_database_url)
    return migrate.head_revision()


def downgrade_database(settings: Settings, revision: str) -> None:
    """Takes the database back to an older revision; what only newer tables hold is lost. Raises `DatabaseError`."""
    migrate.downgrade(settings.resolved_database_url, revision)


def check_database(settings: Settings) -> str:
    """Makes sure the database is at this program's version; returns its revision. Raises `DatabaseError`."""
    database = Database(settings.resolved_database_url)
    try:
        migrate.check(database)
    finally:
        database.dispose()
    return migrate.head_revision()


__all__ = [
    "LOG_FILE_NAME", "Workbench", "build_workbench", "check_database", "check_default_model", "check_start",
    "downgrade_database", "log_context", "log_folder", "make_data_folder", "new_request_id", "start_logging",
    "upgrade_database",
]  # fmt: skip
