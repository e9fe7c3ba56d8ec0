"""The database: transactions that are whole or not there, faults that pass, faults in the user's words."""

import sqlite3
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import DatabaseError, DiskFullError, MissingExtraError, SettingsError
from core.infra import db
from core.infra.db import Database
from core.infra.tables import Job, Preference, Project, Recording


def stored(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(session.scalars(select(Preference.key)))


def test_write_commits_at_the_end(database: Database) -> None:
    with database.write() as session:
        session.add(Preference(key="a", value={"n": 1}))
    assert stored(database) == ["a"]


def test_d6_a_batch_is_stored_whole_or_not_at_all(database: Database) -> None:
    """D6."""

    def batch(session: Session) -> None:
        session.add_all(Preference(key=f"k{n}", value={}) for n in range(50))
        session.flush()
        raise LookupError

    with pytest.raises(LookupError):
        database.run_write(batch)
    assert stored(database) == []


def test_read_throws_writes_away(database: Database) -> None:
    with database.read() as session:
        session.add(Preference(key="a", value={}))
        session.flush()
    assert stored(database) == []


def test_constraint_violations_pass_to_the_caller(database: Database) -> None:
    with database.write() as session:
        session.add(Preference(key="a", value={}))
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Preference(key="a", value={}))


def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Job(kind="x", recording_id=12345))


def test_ping_measures(database: Database) -> None:
    assert database.ping() > 0


def test_concurrent_read_then_write_loses_nothing(database: Database) -> None:
    """C5: reading first and writing then, from many threads, neither fails nor loses an update."""
    with database.write() as session:
        session.add(Preference(key="count", value={"n": 0}))

    def increment(session: Session) -> None:
        row = session.get_one(Preference, "count", with_for_update=True)
        row.value = {"n": row.value["n"] + 1}

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(database.run_write, increment) for _ in range(160)]:
            done.result()
    with database.read() as session:
        assert session.get_one(Preference, "count").value == {"n": 160}


def test_sqlite_settings(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.read() as session:
        found = {
            name: session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "synchronous")
        }
    database.dispose()
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1}


def test_sqlite_writers_begin_immediate_and_readers_do_not_wait(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    begun: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *a: begun.append(a[2]) if "BEGIN" in a[2] else None)
    with database.write() as writer:
        writer.execute(text("SELECT 1"))
        with database.read() as reader:
            reader.execute(text("SELECT 1"))
    database.dispose()
    assert begun == ["BEGIN IMMEDIATE", "BEGIN DEFERRED"]


def test_d6_a_locked_database_is_tried_again(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """D6: another program holds the lock past the busy timeout, then lets go."""
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 20)
    database = Database(sqlite_url)
    with database.write() as session:
        session.execute(text("CREATE TABLE t (n INTEGER)"))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    refused: list[str] = []

    @event.listens_for(database.engine, "handle_error")
    def let_go(context: object) -> None:
        refused.append("locked")
        if other.in_transaction:
            other.execute("COMMIT")

    database.run_write(lambda session: session.execute(text("INSERT INTO t VALUES (1)")))
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM t")) == 1
    assert refused == ["locked"]
    other.close()
    database.dispose()


def test_a_lock_that_never_goes_is_reported(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 5)
    monkeypatch.setattr(db, "FIRST_PAUSE_SECONDS", 0.001)
    database = Database(sqlite_url)
    database.ping()
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseError, match="locked by another program"):
        database.run_write(lambda session: session.execute(text("SELECT 1")))
    other.close()
    database.dispose()


@pytest.mark.postgres
def test_d6_a_broken_connection_is_tried_again(fresh_postgres_url: str) -> None:
    """D6: the server ends our connection in the middle of a transaction."""
    database = Database(fresh_postgres_url)
    with database.write() as session:
        session.execute(text("CREATE TABLE t (n INTEGER)"))
    trials: list[int] = []

    def work(session: Session) -> None:
        session.execute(text("INSERT INTO t VALUES (1)"))
        trials.append(session.scalar(text("SELECT pg_backend_pid()")) or 0)
        if len(trials) == 1:
            with database.write() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": trials[0]})
        session.execute(text("INSERT INTO t VALUES (2)"))

    database.run_write(work)
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM t")) == 2
    assert len(trials) == 2
    database.dispose()


@pytest.mark.postgres
def test_d6_a_deadlock_is_resolved(fresh_postgres_url: str) -> None:
    """D6: two transactions wait for each other; the server ends one of them, which is then tried again."""
    database = Database(fresh_postgres_url)
    with database.write() as session:
        session.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)"))
        session.execute(text("INSERT INTO t VALUES (1, 0), (2, 0)"))
    both_began = threading.Barrier(2)
    tries = {1: 0, 2: 0}

    def work(first: int, second: int) -> None:
        def change(session: Session) -> None:
            tries[first] += 1
            session.execute(text("UPDATE t SET n = n + 1 WHERE id = :id"), {"id": first})
            if tries[first] == 1:
                both_began.wait(30)
            session.execute(text("UPDATE t SET n = n + 1 WHERE id = :id"), {"id": second})

        database.run_write(change)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work, 1, 2), pool.submit(work, 2, 1)]:
            done.result()
    with database.read() as session:
        assert list(session.scalars(text("SELECT n FROM t ORDER BY id"))) == [2, 2]
    assert sorted(tries.values()) == [1, 2]
    database.dispose()


@pytest.mark.postgres
def test_c11_an_unreachable_server_is_named_without_its_password() -> None:
    """C11."""
    database = Database("postgresql://me:hush-hush@127.0.0.1:1/readback")
    with pytest.raises(DatabaseError) as caught:
        database.ping()
    assert "cannot be reached" in caught.value.message
    assert "hush" not in caught.value.message


def test_missing_tables_say_what_to_run(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(DatabaseError, match="readback db upgrade"), database.read() as session:
        session.scalar(select(func.count()).select_from(Project))
    database.dispose()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "readback.db").write_bytes(b"this is not a database" * 100)
    database = Database(f"sqlite:///{tmp_path / 'readback.db'}")
    with pytest.raises(DatabaseError, match="damaged"):
        database.ping()
    database.dispose()


def test_c10_a_full_disk_is_named(sqlite_url: str) -> None:
    """C10."""
    database = Database(sqlite_url)
    with database.write() as session:
        session.execute(text("CREATE TABLE t (b BLOB)"))
    event.listen(database.engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 3"))
    with pytest.raises(DiskFullError, match="full"), database.write() as session:
        session.execute(text("INSERT INTO t VALUES (zeroblob(1000000))"))
    database.dispose()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://me:hush@h/db", "sqlite://", "sqlite:///:memory:"])
def test_e5_unusable_addresses_are_refused(url: str) -> None:
    """E5: and the message does not repeat them (C11)."""
    with pytest.raises(SettingsError) as caught:
        Database(url)
    assert "READBACK_DATABASE_URL" in caught.value.message
    assert "hush" not in caught.value.message


def test_postgres_without_its_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match="postgres"):
        Database("postgresql://me@localhost/readback")


def test_the_data_folder_is_private(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new' / 'readback.db'}")
    database.ping()
    database.dispose()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_deleting_a_project_deletes_what_is_its(database: Database) -> None:
    """B2: the cascade is the database's own."""
    with database.write() as session:
        session.add(Project(title="A book"))
    with database.write() as session:
        project = session.scalars(select(Project)).one()
        session.add(a_recording(project.id))
        session.add(Job(kind="x", project_id=project.id))
        session.flush()
        session.add(Job(kind="y", recording_id=session.scalars(select(Recording.id)).one()))
    with database.write() as session:
        session.delete(session.scalars(select(Project)).one())
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Recording)) == 0
        assert session.scalar(select(func.count()).select_from(Job)) == 0


def a_recording(project_id: int) -> Recording:
    return Recording(
        project_id=project_id, position=0, name="One", name_folded="one", sha256="0" * 64, size_bytes=1,
        duration_ms=1, container="wav", codec="pcm", sample_rate_hz=16_000, channels=1, media_key="m", peaks_key="p",
    )  # fmt: skip


def test_no_connection_is_left_open(database: Database) -> None:
    """D7."""
    for _ in range(50):
        with database.write() as session:
            session.execute(text("SELECT 1"))
        with pytest.raises(ZeroDivisionError), database.read():
            _ = 1 / 0
    engine: Engine = database.engine
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # the pool in use has it, the base class not
