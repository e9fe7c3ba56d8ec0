"""The database: one engine per process, short transactions, SQLite and PostgreSQL alike.

SQLite runs in WAL mode, so that readers never wait for the writer. Writers begin with ``BEGIN IMMEDIATE``: a deferred
transaction that reads first and writes later fails at once under load, however long the busy timeout, because its
snapshot is stale by then. Python's driver would begin transactions by itself, and deferred; it is told not to, and the
``begin`` event says what to do instead.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, exc, make_url, text
from sqlalchemy.orm import Session

from core.errors import DatabaseError, MissingExtraError, SettingsError
from core.infra.db_faults import is_transient, user_errors

T = TypeVar("T")

_log = structlog.get_logger(__name__)

#: How long SQLite waits for another writer.
BUSY_TIMEOUT_MS: Final = 15_000
#: Connections kept open, and how many more may be opened at busy times.
POOL_SIZE: Final = 10
POOL_OVERFLOW: Final = 20
POOL_TIMEOUT_SECONDS: Final = 30
#: PostgreSQL connections older than this are replaced: firewalls forget idle ones.
POOL_RECYCLE_SECONDS: Final = 1_800
CONNECT_TIMEOUT_SECONDS: Final = 10
#: A transaction is tried this often in all; the pauses between double from the first one.
WRITE_TRIES: Final = 5
FIRST_PAUSE_SECONDS: Final = 0.05

_BEGIN_OPTION: Final = "readback_begin"
_random = secrets.SystemRandom()


class Database:
    """Engine and sessions.

    Args:
        url: SQLAlchemy address, e.g. ``sqlite:////home/me/readback.db`` or ``postgresql+psycopg://me@host/readback``.
            The folder of an SQLite file is made (readable by its owner only) if it is missing.

    Raises:
        SettingsError: The address cannot be used.
        MissingExtraError: PostgreSQL without its driver.
    """

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self.engine = make_engine(self.url)
        # The same pool, another way to begin.
        self._write_engine = self.engine.execution_options(**{_BEGIN_OPTION: "IMMEDIATE"})

    @property
    def dialect(self) -> str:
        """``"sqlite"`` or ``"postgresql"``."""
        return self.engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one consistent state on SQLite; whatever it writes is thrown away.

        Raises:
            DatabaseError: The database cannot be reached, or its tables are not at this version.
        """
        with user_errors(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block as one transaction, or not at all.

        It is not tried again when the database is busy, since the block cannot be; `run_write` does that.

        Raises:
            DatabaseError: The database cannot be reached, or its tables are not at this version.
        """
        with user_errors(), Session(self._write_engine, expire_on_commit=False) as session, session.begin():
            yield session

    def run_write(self, work: Callable[[Session], T]) -> T:
        """Runs `work` in a transaction, again from the start if the database fails in a way that passes (D6).

        Args:
            work: Gets a new session each time; must have no effect outside it. If the connection breaks during the
                commit itself nobody can tell whether it was done, so `work` may then run a second time: jobs are
                fenced by attempt, and uniqueness by constraints.

        Raises:
            DatabaseError: Still failing after several tries.
        """
        for trial in range(1, WRITE_TRIES + 1):
            try:
                with self.write() as session:
                    return work(session)
            except DatabaseError as error:
                if trial == WRITE_TRIES or not is_transient(error.__cause__):
                    raise
                pause = FIRST_PAUSE_SECONDS * 2 ** (trial - 1) * _random.uniform(0.5, 1.5)
                _log.warning("database.retry", trial=trial, pause_ms=round(pause * 1000), cause=_brief(error.__cause__))
                time.sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    def ping(self) -> float:
        """Milliseconds for one round trip. Raises `DatabaseError` if there is none."""
        began = time.perf_counter()
        with self.read() as session:
            session.execute(text("SELECT 1"))
        return (time.perf_counter() - began) * 1000

    def dispose(self) -> None:
        """Closes all pooled connections; the next use opens new ones."""
        self.engine.dispose()


def parse_url(url: str) -> URL:
    """Checks an address. Errors never repeat it, since it may hold a password (C11).

    Raises:
        SettingsError: It cannot be used.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise SettingsError("READBACK_DATABASE_URL is not a database address.") from error
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise SettingsError("READBACK_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://.")
    if parsed.get_backend_name() == "sqlite" and (parsed.database or ":memory:") == ":memory:":
        raise SettingsError("READBACK_DATABASE_URL must name a file: workers and pages need connections of their own.")
    return parsed


def make_engine(url: URL, *, foreign_keys: bool = True, pooled: bool = True) -> Engine:
    """An engine set up as this module's docstring says.

    Args:
        url: From `parse_url`.
        foreign_keys: Whether SQLite enforces them; only migrations turn that off.
        pooled: Whether connections are kept open between uses.
    """
    pool: dict[str, Any] = {"poolclass": NullPool}
    if pooled:
        pool = {"pool_size": POOL_SIZE, "max_overflow": POOL_OVERFLOW, "pool_timeout": POOL_TIMEOUT_SECONDS}
    if url.get_backend_name() == "sqlite":
        Path(url.database or "").expanduser().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = create_engine(
            url,
            hide_parameters=True,
            connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
            **pool,
        )
        event.listen(engine, "connect", lambda connection, _: _prepare_sqlite(connection, foreign_keys=foreign_keys))
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if pooled:
        pool |= {"pool_pre_ping": True, "pool_recycle": POOL_RECYCLE_SECONDS}
    try:
        return create_engine(
            url, hide_parameters=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "readback"}, **pool,
        )  # fmt: skip
    except ModuleNotFoundError as error:
        raise MissingExtraError("PostgreSQL", "postgres") from error


def _prepare_sqlite(connection: sqlite3.Connection, *, foreign_keys: bool) -> None:
    connection.isolation_level = None  # the driver begins no transactions of its own; `_begin_sqlite` does
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
    connection.execute("PRAGMA synchronous = NORMAL")  # safe in WAL mode: a power cut cannot corrupt the file
    _enter_wal(connection)


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Switches to WAL. The busy timeout does not cover the switch, and two processes may start at the same moment."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(FIRST_PAUSE_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get(_BEGIN_OPTION, "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _brief(error: BaseException | None) -> str:
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    return f"{type(origin).__name__}: {origin}"[:200]
