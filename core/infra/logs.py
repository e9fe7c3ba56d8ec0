"""The one logging set-up: what we log through structlog and what libraries log through `logging` take the same way out.

On stderr as JSON lines, or readable on a terminal; and always as JSON lines in ``data_dir/logs/readback.log``, where a
log reference shown in the app can be looked up. Every line carries the request or job it belongs to. Nothing secret
gets out (`core.infra.redaction`).
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any, Literal

import structlog
from structlog.types import EventDict, Processor

from core.infra.redaction import SecretRedactor

LOG_FILE_NAME = "readback.log"
_FILE_BYTES = 10 * 1024 * 1024
_FILES_KEPT = 5
_REFERENCE_BYTES = 6
#: Libraries whose INFO is about every request or file; their warnings are kept.
_CHATTY = (
    "httpx",
    "httpcore",
    "urllib3",
    "huggingface_hub",
    "watchdog",
    "alembic.runtime.migration",
    "alembic.runtime.plugins",
    "faster_whisper",
)

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def new_request_id() -> str:
    """A short random name for one request, shown to the user as the log reference: 12 hex digits."""
    return secrets.token_hex(_REFERENCE_BYTES)


@contextmanager
def log_context(**fields: Any) -> Iterator[None]:
    """Adds fields such as ``request_id`` or ``job_id`` to every line logged inside, by this thread or task."""
    with structlog.contextvars.bound_contextvars(**fields):
        yield


def configure_logging(
    *, level: Level = "INFO", form: Literal["auto", "json", "pretty"] = "auto", folder: Path | None = None,
    console: bool = True,
) -> None:  # fmt: skip
    """Sets up logging for the process. May be called again; the last call counts.

    Args:
        level: Least severe messages that are logged.
        form: ``json``, ``pretty``, or ``auto``: pretty if stderr is a terminal.
        folder: Where the log file is kept; none if not given, or if the folder cannot be written to.
        console: Whether anything goes to stderr; commands that talk to a person there log to the file only.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _without_copies,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [h for h in root.handlers if getattr(h, "readback", False)]:
        root.removeHandler(handler)
        handler.close()
    if console:
        pretty = sys.stderr.isatty() if form == "auto" else form == "pretty"
        _install(root, logging.StreamHandler(sys.stderr), shared, pretty=pretty)
    if folder is not None and (file_handler := _file_handler(folder)):
        _install(root, file_handler, shared, pretty=False)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.captureWarnings(True)
    logging.setLoggerClass(_JoiningLogger)
    adopt_loggers()


def adopt_loggers() -> None:
    """Makes loggers that libraries gave a console of their own (uvicorn, Streamlit) use ours; call it once they run."""
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if not isinstance(logger, logging.Logger):
            continue
        own = [handler for handler in logger.handlers if type(handler) is logging.StreamHandler]
        for handler in own:
            logger.removeHandler(handler)
        if own or not logger.propagate:
            logger.propagate = True


def find_log_lines(folder: Path, reference: str, *, limit: int = 100) -> tuple[dict[str, Any], ...]:
    """The newest lines of the log files that belong to a log reference (a request id), oldest first.

    Args:
        folder: The folder the log is kept in.
        reference: What `new_request_id` gave.
        limit: Most lines to return.
    """
    found: list[dict[str, Any]] = []
    numbered = [folder / f"{LOG_FILE_NAME}.{number}" for number in range(_FILES_KEPT, 0, -1)]  # oldest first
    for path in (p for p in (*numbered, folder / LOG_FILE_NAME) if p.exists()):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if reference and reference in line and (fields := _parse(line)).get("request_id") == reference:
                    found.append(fields)
                    del found[:-limit]
    return tuple(found)


def _parse(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        return {}  # half a line, written as a process died
    return fields if isinstance(fields, dict) else {}


def _install(root: logging.Logger, handler: logging.Handler, shared: list[Processor], *, pretty: bool) -> None:
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                SecretRedactor(),
                renderer,
            ],
        )
    )
    handler.readback = True  # type: ignore[attr-defined]  # how we know our own on the next call
    root.addHandler(handler)


def _without_copies(logger: object, method: str, event: EventDict) -> EventDict:  # noqa: ARG001 — structlog's signature
    """Libraries' records may hold the message once more, formatted for a console."""
    for name in ("message", "color_message"):
        event.pop(name, None)
    return event


def _file_handler(folder: Path) -> logging.Handler | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _SharedFileHandler(
            folder / LOG_FILE_NAME, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8"
        )
    except OSError as error:
        # No log file is no reason not to start; whoever looks at stderr learns of it.
        logging.getLogger(__name__).warning("no log file in %s: %s", folder, error)
        return None


class _SharedFileHandler(RotatingFileHandler):
    """A rotating file that several processes (server, command line) may write to."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.stream is None or not self._is_open(self.baseFilename, self.stream):
                self.close()
                self.stream = self._open()
        except OSError:
            # The folder has gone. What is being done must not fail for that; stderr, if it is logged to, has the line.
            return
        super().emit(record)

    def doRollover(self) -> None:  # noqa: N802 — the base class's name
        try:
            super().doRollover()
        except OSError:
            # Windows: another process has it open. Go on in the same file; the next size check tries again.
            self.stream = self._open()

    @staticmethod
    def _is_open(path: str, stream: IO[str]) -> bool:
        """False if another process has renamed the file we have open."""
        try:
            return os.path.samestat(os.stat(path), os.fstat(stream.fileno()))
        except (OSError, ValueError):
            return False


class _JoiningLogger(logging.Logger):
    """A logger that uses the root's handlers whatever its library thinks.

    Streamlit and uvicorn give each of their loggers a console of its own and cut it off from the root; lines would come
    out in three forms, and unredacted.
    """

    def addHandler(self, hdlr: logging.Handler) -> None:  # noqa: N802 — the base class's name
        if type(hdlr) is not logging.StreamHandler:
            super().addHandler(hdlr)

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, True if name == "propagate" else value)
