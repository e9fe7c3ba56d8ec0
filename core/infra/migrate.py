"""Brings a database to the tables this program knows, and says where it is.

All of an upgrade is one transaction, so a database is at one version or the other, never between. The same transaction
keeps two processes that start at once from doing it twice: on SQLite it begins with ``BEGIN IMMEDIATE``, on PostgreSQL
it holds an advisory lock; whoever comes second finds nothing left to do.

On SQLite a changed table is copied and the old one dropped, and dropping a table with foreign keys enforced deletes
the rows that point to it. So migrations run with foreign keys off, and before the commit every reference is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from core.errors import DatabaseError
from core.infra.db import Database, make_engine, parse_url
from core.infra.db_faults import user_errors

_log = structlog.get_logger(__name__)

#: Beside `core`, in a checkout and in an installation alike.
MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations"
#: Names our advisory lock; any number nobody else uses.
_LOCK_KEY: Final = 0x5EADBAC4


def upgrade(database_url: str, *, revision: str = "head", migrations: Path = MIGRATIONS) -> None:
    """Brings the database up to a revision; does nothing if it is there already. Safe to run from several processes.

    Args:
        database_url: As for `Database`.
        revision: Where to go; normally the newest.
        migrations: The folder of the migration history; only tests have another one.

    Raises:
        DatabaseError: The database cannot be reached, is newer than this program, or a migration would break it.
    """
    with _exclusive(database_url) as connection:
        before = _revision_of(connection)
        _run("upgrade", connection, revision, migrations)
        after = _revision_of(connection)
    if before != after:
        _log.info("database.upgraded", from_revision=before, to_revision=after)


def downgrade(database_url: str, revision: str, *, migrations: Path = MIGRATIONS) -> None:
    """Takes the database back to an older revision (``"base"``: no tables at all). What only newer tables hold is lost.

    Raises:
        DatabaseError: The database cannot be reached, or a migration would break it.
    """
    with _exclusive(database_url) as connection:
        _run("downgrade", connection, revision, migrations)
    _log.info("database.downgraded", to_revision=revision)


def head_revision(migrations: Path = MIGRATIONS) -> str:
    """The newest revision this program knows."""
    head = ScriptDirectory(str(migrations)).get_current_head()
    if head is None:
        raise DatabaseError("This installation is incomplete: its folder 'migrations' is empty.")
    return head


def current_revision(database: Database) -> str | None:
    """The revision the database is at, or None if it has no tables of ours."""
    with user_errors(), database.engine.connect() as connection:
        return _revision_of(connection)


def check(database: Database) -> None:
    """Makes sure the database has exactly this program's tables.

    Raises:
        DatabaseError: It has not; the message says what to do.
    """
    current = current_revision(database)
    if current == head_revision():
        return
    if current is None:
        raise DatabaseError(
            "There is no database yet. The app makes it when it starts; to make it now, run: readback db upgrade"
        )
    script = ScriptDirectory(str(MIGRATIONS))
    if current not in {known.revision for known in script.walk_revisions()}:
        raise DatabaseError(
            "The database was made by a newer version of Readback. Install that version or a later one."
        )
    raise DatabaseError("The database's tables are not at this version. Run: readback db upgrade")


@contextmanager
def _exclusive(database_url: str) -> Iterator[Connection]:
    """A connection in a transaction no other migration can overlap, with foreign keys off until it ends."""
    engine = make_engine(parse_url(database_url), foreign_keys=False, pooled=False)
    try:
        with (
            user_errors(),
            engine.execution_options(readback_begin="IMMEDIATE").connect() as connection,
            connection.begin(),
        ):
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            yield connection
            _check_references(connection)
    finally:
        engine.dispose()


def _run(direction: str, connection: Connection, revision: str, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))  # a % would be interpolated
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        {"upgrade": command.upgrade, "downgrade": command.downgrade}[direction](config, revision)
    except CommandError as error:
        raise DatabaseError(
            "The database was made by a newer version of Readback. Install that version or a later one."
        ) from error


def _check_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        raise DatabaseError(f"The upgrade was undone: it would have left rows without their parent in {tables}.")


def _revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
