"""What commands share: the Workbench, signals, and a progress bar that keeps out of pipes."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import click

from core.bootstrap import Workbench, build_workbench, make_data_folder, start_logging
from core.errors import ReadbackError
from core.services.records import JobRecord
from core.settings import Settings, load_settings


def settings_with_logging(*, console: bool = False) -> Settings:
    """The settings, with the data folder made and logging set up: to the file, and to stderr if `console` or
    ``--verbose``.

    Raises:
        SettingsError: A setting cannot be used.
        StorageError: The data folder cannot be used.
    """
    settings = load_settings()
    make_data_folder(settings)  # before anything would be logged into it
    context = click.get_current_context(silent=True)
    verbose = bool(context and context.find_root().obj and context.find_root().obj.get("verbose"))
    start_logging(settings, console=console or verbose)
    return settings


@contextmanager
def open_workbench() -> Iterator[Workbench]:
    """The services, with the database ready, but no worker: jobs run in this thread if at all."""
    settings = settings_with_logging()
    workbench = build_workbench(settings)
    try:
        workbench.start(workers=False)
        yield workbench
    finally:
        workbench.stop()


@contextmanager
def stop_on_sigterm() -> Iterator[threading.Event]:
    """An event that SIGTERM sets, instead of ending the process on the spot."""
    stopping = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield stopping
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def progress_bar(name: str) -> Iterator[Callable[[str, int, int], None]]:
    """A function (stage, done, total) that shows progress on stderr; on anything but a terminal it does nothing."""
    if not sys.stderr.isatty():
        yield lambda _stage, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.fields[file]}", markup=False), TextColumn("{task.description}", markup=False))
    with Progress(
        *columns, BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("Starting", total=None, file=name)
        yield lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total or None)


def run_job(workbench: Workbench, job: JobRecord, show: Callable[[str, int, int], None]) -> JobRecord:
    """Runs a job in this thread (or follows it where it runs already) to its end.

    Raises:
        ReadbackError: It did not complete; the message says why, the exit code is that of the error.
        KeyboardInterrupt: Ctrl-C; the job is cancelled at its checkpoint.
    """
    with stop_on_sigterm() as stopping:
        ended = workbench.run_job(
            job.id, on_progress=lambda now: show(now.stage, now.done_ms, now.total_ms), stopping=stopping
        )
        if stopping.is_set() and ended.active:
            raise click.exceptions.Exit(128 + signal.SIGTERM)
    if ended.state == "cancelled":
        raise failure("cancelled", f"Job {job.id} was cancelled. What was done until then is kept.")
    if ended.state == "failed":
        raise failure(ended.error_code, ended.error_message)
    return ended


def failure(code: str, message: str) -> ReadbackError:
    """The error a job stored, as an exception with the exit code of its class."""
    error = ReadbackError(message)
    kinds: list[type[ReadbackError]] = [ReadbackError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    found = next((kind for kind in kinds if kind.code == code), ReadbackError)
    error.exit_code = found.exit_code
    return error


def note(message: str) -> None:
    """A line for the person at the terminal: stderr, so that pipes get results only."""
    click.echo(message, err=True)


def table(headers: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Lines of a plain table, columns as wide as they must be."""
    widths = [max(len(row[column]) for row in (headers, *rows)) for column in range(len(headers))]
    for row in (headers, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
