"""Faults of the database in the user's words, and which of them may pass by themselves."""

from pathlib import Path

import pytest
from sqlalchemy import exc, text

from core.errors import DatabaseError
from core.infra import db
from core.infra.db import Database
from core.infra.db_faults import is_transient, to_user_error, user_errors


class ServerFaultError(Exception):
    """What the PostgreSQL driver raises: an error with a state."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("the server's own words")
        self.sqlstate = sqlstate


def fault(sqlstate: str) -> exc.OperationalError:
    return exc.OperationalError("SELECT 1", {}, ServerFaultError(sqlstate))


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57P01", "57P03", "53300", "08006", ""])
def test_d6_faults_that_pass(state: str) -> None:
    """D6."""
    assert is_transient(fault(state))
    known = to_user_error(fault(state))
    assert isinstance(known, DatabaseError)
    assert known.retryable


@pytest.mark.parametrize("state", ["42P01", "53100", "42601", "XX000"])
def test_d6_faults_that_stay(state: str) -> None:
    """D6: trying again would only take longer."""
    assert not is_transient(fault(state))


@pytest.mark.parametrize(
    ("state", "words"), [("42P01", "readback db upgrade"), ("53100", "disk"), ("XX000", "The log has the details")]
)
def test_the_user_reads_what_to_do_and_not_the_servers_words(state: str, words: str) -> None:
    known = to_user_error(fault(state))
    assert known is not None
    assert words in known.message
    assert "server's own words" not in known.message


def test_our_own_mistakes_are_not_for_the_user() -> None:
    assert to_user_error(exc.InvalidRequestError("we used the session wrongly")) is None
    assert not is_transient(ValueError())
    with pytest.raises(exc.InvalidRequestError), user_errors():
        raise exc.InvalidRequestError("we used the session wrongly")


def test_a_pool_without_a_free_connection(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "POOL_SIZE", 1)
    monkeypatch.setattr(db, "POOL_OVERFLOW", 0)
    monkeypatch.setattr(db, "POOL_TIMEOUT_SECONDS", 0.01)
    database = Database(sqlite_url)
    with database.read() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(DatabaseError, match="too busy") as caught:
            database.ping()
    assert is_transient(caught.value.__cause__)
    database.dispose()


def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "readback.db").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'readback.db'}")
    with pytest.raises(DatabaseError, match="permissions"):
        database.ping()
    database.dispose()
