"""Tells the faults of a database apart: what may pass by itself, and what to say to the user about the rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from core.errors import DatabaseError, DiskFullError, StorageError

#: PostgreSQL states of a transaction that only has to be tried again: serialization failure, deadlock, lock timeout.
_PG_TRY_AGAIN = frozenset({"40001", "40P01", "55P03"})
#: ... and of a server that is going down, coming up or full at this moment.
_PG_SERVER_AWAY = frozenset({"57P01", "57P02", "57P03", "53300"})
#: The lower 8 bits of an SQLite code are the error, the upper ones its variety (e.g. BUSY_SNAPSHOT).
_SQLITE_PRIMARY = 0xFF


def is_transient(error: BaseException | None) -> bool:
    """Whether the same transaction may well succeed if it is simply tried again (D6)."""
    if isinstance(error, exc.TimeoutError):  # every pooled connection was in use
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    code = _sqlite_code(error)
    if code is not None:
        return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    state = _pg_state(error)
    if state:
        return state in _PG_TRY_AGAIN or state in _PG_SERVER_AWAY or state.startswith("08")
    # psycopg has no state where there never was a connection.
    return isinstance(error, exc.OperationalError) and not isinstance(error.orig, sqlite3.Error)


def to_user_error(error: exc.SQLAlchemyError) -> StorageError | None:
    """The error a user may read, or None where the fault is in our own statement (then it is not theirs to read)."""
    if isinstance(error, exc.TimeoutError):
        return DatabaseError("The database is too busy at the moment. Try again in a few seconds.")
    if not isinstance(error, exc.DBAPIError):
        return None
    code = _sqlite_code(error)
    if code == sqlite3.SQLITE_FULL or _pg_state(error) == "53100":
        return DiskFullError("The disk that holds the database is full. Free some space and try again.")
    if _is_missing_table(error):
        return DatabaseError("The database's tables are not at this version. Run: readback db upgrade")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DatabaseError("The database file is damaged. Put a backup of it back, or move it away to begin anew.")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return DatabaseError("The database file cannot be opened for writing. Check the data folder's permissions.")
    if is_transient(error) and code is not None:
        return DatabaseError("The database is locked by another program. Try again in a few seconds.")
    if is_transient(error):
        return DatabaseError("The database cannot be reached. Check that it runs and that its address is right.")
    if isinstance(error, exc.OperationalError):
        return DatabaseError("The database could not carry out the request. The log has the details.")
    return None


@contextmanager
def user_errors() -> Iterator[None]:
    """Turns the database's faults inside the block into `StorageError`s; the original stays as the cause.

    Constraint violations pass unchanged: what they mean is for the caller to say.
    """
    try:
        yield
    except exc.SQLAlchemyError as error:
        known = to_user_error(error)
        if known is None:
            raise
        raise known from error


def _sqlite_code(error: exc.DBAPIError) -> int | None:
    if not isinstance(error.orig, sqlite3.Error):
        return None
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else int(code) & _SQLITE_PRIMARY


def _pg_state(error: exc.DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _is_missing_table(error: exc.DBAPIError) -> bool:
    if _pg_state(error) in ("42P01", "42703"):
        return True
    text = str(error.orig)
    return isinstance(error.orig, sqlite3.OperationalError) and (
        "no such table" in text or "no such column" in text or "has no column named" in text
    )
