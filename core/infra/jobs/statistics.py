"""Figures about the queue, counted by the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, select

from core.infra.db import Database
from core.infra.jobs.records import Throughput
from core.infra.tables import Job, JobState
from core.infra.tables.base import now


def counts(database: Database) -> dict[str, int]:
    """How many jobs are in each state; every state is there."""
    with database.read() as session:
        rows = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
    found = {row[0]: row[1] for row in rows}
    return {str(state): found.get(state, 0) for state in JobState}


def oldest_queued_age(database: Database) -> float | None:
    """Seconds that the job waiting longest has been ready to run; None if none is."""
    moment = now()
    with database.read() as session:
        oldest = session.scalar(
            select(func.min(Job.run_after)).where(Job.state == JobState.QUEUED, Job.run_after <= moment)
        )
    return None if oldest is None else max(0.0, (moment - oldest).total_seconds())


def throughput(database: Database, since: datetime, *, bucket_seconds: int) -> tuple[Throughput, ...]:
    """What ended since then, by stretches of `bucket_seconds` that start at whole multiples of it (in UTC).

    Empty stretches are there too; the last one is the present, unfinished one.
    """
    bucket = (_epoch_seconds(database) // bucket_seconds).label("bucket")
    completed = case((Job.state == JobState.COMPLETED, 1), else_=0)
    query = (
        select(
            bucket,
            func.sum(completed),
            func.sum(case((Job.state == JobState.FAILED, 1), else_=0)),
            func.sum(case((Job.state == JobState.CANCELLED, 1), else_=0)),
            func.sum(completed * Job.done_ms),
        )
        .where(Job.finished_at >= since)
        .group_by(bucket)
    )
    with database.read() as session:
        rows = {int(row[0]): row for row in session.execute(query)}
    first, last = (int(moment.timestamp()) // bucket_seconds for moment in (since, now()))
    start = datetime.fromtimestamp(first * bucket_seconds, UTC)
    series = []
    for number in range(first, last + 1):
        _, done, failed, cancelled, audio_ms = rows.get(number, (number, 0, 0, 0, 0))
        series.append(
            Throughput(
                start=start + timedelta(seconds=(number - first) * bucket_seconds),
                completed=int(done),
                failed=int(failed),
                cancelled=int(cancelled),
                audio_ms=int(audio_ms),
            )
        )
    return tuple(series)


def _epoch_seconds(database: Database) -> ColumnElement[int]:
    """Whole seconds since 1970 of `finished_at`; the two databases have no common word for it."""
    if database.dialect == "sqlite":
        return cast(func.strftime("%s", Job.finished_at), BigInteger)
    return cast(func.floor(func.extract("epoch", Job.finished_at)), BigInteger)  # a plain cast would round
