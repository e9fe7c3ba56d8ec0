"""``readback jobs``: the queue from the command line."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from typing import Any

import click

from core.commands.common import note, open_workbench, table
from core.services.records import JobRecord
from core.speech.units import clock

#: Longest error and name in a table; `readback jobs show` has all of it.
_ERROR_LENGTH, _NAME_LENGTH = 100, 40
_STATES = ("queued", "running", "completed", "failed", "cancelled")


@click.group("jobs")
def command() -> None:
    """Lists jobs, cancels them, tries them again."""


@command.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only these; may be repeated.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def list_jobs(states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Shows the newest jobs."""
    with open_workbench() as workbench:
        page = workbench.system.jobs(states=states, limit=limit)
        names = workbench.system.recording_names(page.items)
    if as_json:
        for job in page.items:
            click.echo(json.dumps(_fields(job), ensure_ascii=False))
        return
    if not page.items:
        click.echo("There are no jobs.")
        return
    headers = ("JOB", "STATE", "RECORDING", "MODEL", "DONE", "STAGE", "TRIES", "CREATED", "ERROR")
    for line in table(headers, [_row(job, names.get(job.recording_id or 0, "")) for job in page.items]):
        click.echo(line)
    if page.total > len(page.items):
        click.echo(f"… and {page.total - len(page.items)} older ones (--limit)")


@command.command("show")
@click.argument("job_id", type=int)
def show_job(job_id: int) -> None:
    """Shows all there is to know about one job, as JSON."""
    with open_workbench() as workbench:
        job = workbench.system.job(job_id)
    click.echo(json.dumps(_fields(job), ensure_ascii=False, indent=2))


@command.command("cancel")
@click.argument("job_ids", type=int, nargs=-1, required=True)
def cancel_jobs(job_ids: tuple[int, ...]) -> None:
    """Stops jobs; what they have done is kept."""
    with open_workbench() as workbench:
        for job_id in job_ids:
            job = workbench.system.cancel(job_id)
            click.echo(f"Job {job_id}: {'stopping' if job.state == 'running' else job.state}")


@command.command("retry")
@click.argument("job_ids", type=int, nargs=-1, required=True)
def retry_jobs(job_ids: tuple[int, ...]) -> None:
    """Puts failed or cancelled jobs back into the queue, where they go on at their checkpoint.

    They run in the app, or in `readback worker`.
    """
    with open_workbench() as workbench:
        for job_id in job_ids:
            click.echo(f"Job {job_id}: {workbench.system.retry(job_id).state}")
        if not any(worker.alive for worker in workbench.system.workers()):
            note("Nothing runs yet, as no worker does: start the app, or `readback worker`.")


def _row(job: JobRecord, name: str) -> tuple[str, ...]:
    done = f"{clock(job.done_ms)} of {clock(job.total_ms)}" if job.total_ms else ""
    model = str(job.payload.get("config", {}).get("model", ""))
    created = job.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
    return (
        str(job.id), job.state, _line(name, _NAME_LENGTH), _line(model, _NAME_LENGTH), done, job.stage,
        str(job.attempt), created, _line(job.error_message, _ERROR_LENGTH),
    )  # fmt: skip


def _line(text: str, longest: int) -> str:
    """Text as one line of a table, cut if need be."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _fields(job: JobRecord) -> dict[str, Any]:
    values = {field.name: getattr(job, field.name) for field in fields(job)}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
