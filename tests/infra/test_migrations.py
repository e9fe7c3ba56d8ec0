"""B3: migrations that exist, go up and down, and take nobody's rows along."""

import multiprocessing
import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, inspect, select, text

from core.errors import DatabaseError
from core.infra import migrate
from core.infra.db import Database
from core.infra.tables import Base, Project, Recording
from tests.infra.test_db import a_recording

#: Copies a table that others point to, which on SQLite drops the old one.
BATCH_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    recreate = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("projects", recreate=recreate) as batch:
        batch.add_column(sa.Column("extra", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("projects") as batch:
        batch.drop_column("extra")
"""
ORPHANING_MIGRATION = """
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM projects")


def downgrade() -> None:
    pass
"""


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names()) - {"alembic_version"}


def test_b3_up_down_up(database_url: str) -> None:
    """B3."""
    database = Database(database_url)
    assert migrate.current_revision(database) is None
    migrate.upgrade(database_url)
    assert tables(database) == set(Base.metadata.tables)
    migrate.check(database)
    migrate.downgrade(database_url, "base")
    assert tables(database) == set()
    migrate.upgrade(database_url)
    assert tables(database) == set(Base.metadata.tables)
    assert migrate.current_revision(database) == migrate.head_revision()
    database.dispose()


def test_migrated_schema_is_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_constraint_has_its_name(database: Database) -> None:
    found = inspect(database.engine)
    for name, table in Base.metadata.tables.items():
        expected = {str(constraint.name) for constraint in table.constraints}
        checks = found.get_check_constraints(name) + found.get_unique_constraints(name) + found.get_foreign_keys(name)
        actual = {item["name"] for item in checks} | {found.get_pk_constraint(name)["name"]}
        assert actual == expected, name


def test_a19_every_foreign_key_is_the_start_of_an_index(database: Database) -> None:
    """A19: or else deleting a parent reads the whole child table."""
    found = inspect(database.engine)
    for name in Base.metadata.tables:
        starts = {index["column_names"][0] for index in found.get_indexes(name)}
        starts |= {unique["column_names"][0] for unique in found.get_unique_constraints(name)}
        starts |= set(found.get_pk_constraint(name)["constrained_columns"][:1])
        for key in found.get_foreign_keys(name):
            assert key["constrained_columns"][0] in starts, f"{name}.{key['constrained_columns'][0]}"


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("jobs", "state"), ("jobs", "created_at"), ("jobs", "finished_at"), ("workers", "heartbeat_at"),
        ("recordings", "name_folded"), ("recordings", "created_at"), ("recordings", "duration_ms"),
        ("recordings", "sha256"), ("projects", "archived_at"), ("segments", "transcript_id"),
    ],
)  # fmt: skip
def test_a19_what_lists_filter_or_sort_by_is_indexed(database: Database, table: str, column: str) -> None:
    """A19."""
    assert column in {index["column_names"][0] for index in inspect(database.engine).get_indexes(table)}


def history_with(tmp_path: Path, migration: str) -> Path:
    folder = tmp_path / "migrations 100%"  # a percent sign must not be taken for interpolation
    shutil.copytree(migrate.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_later.py").write_text(migration.format(head=migrate.head_revision()), encoding="utf-8")
    return folder


def fill(database: Database) -> None:
    with database.write() as session:
        project = Project(title="A book")
        session.add(project)
        session.flush()
        session.add(a_recording(project.id))


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Recording)) or 0


def test_child_rows_survive_a_table_being_copied(database_url: str, database: Database, tmp_path: Path) -> None:
    """With foreign keys on, SQLite would delete the recordings together with the old copy of their projects."""
    fill(database)
    history = history_with(tmp_path, BATCH_MIGRATION)
    migrate.upgrade(database_url, migrations=history)
    assert count(database) == 1
    migrate.downgrade(database_url, "-1", migrations=history)
    assert count(database) == 1
    migrate.check(database)


def test_the_trap_is_real(sqlite_url: str, tmp_path: Path) -> None:
    """The same migration with foreign keys on does lose the rows: the test above can fail."""
    from alembic import command
    from alembic.config import Config

    migrate.upgrade(sqlite_url)
    database = Database(sqlite_url)
    fill(database)
    config = Config()
    config.set_main_option("script_location", str(history_with(tmp_path, BATCH_MIGRATION)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with database.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert count(database) == 0
    database.dispose()


def test_a_migration_that_orphans_rows_is_undone(sqlite_url: str, tmp_path: Path) -> None:
    migrate.upgrade(sqlite_url)
    database = Database(sqlite_url)
    fill(database)
    with pytest.raises(DatabaseError, match=r"undone.*recordings"):
        migrate.upgrade(sqlite_url, migrations=history_with(tmp_path, ORPHANING_MIGRATION))
    migrate.check(database)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Project)) == 1
    database.dispose()


def test_a_database_of_a_newer_version_is_refused(database_url: str, database: Database, tmp_path: Path) -> None:
    migrate.upgrade(database_url, migrations=history_with(tmp_path, BATCH_MIGRATION))
    with pytest.raises(DatabaseError, match="newer version"):
        migrate.check(database)
    with pytest.raises(DatabaseError, match="newer version"):
        migrate.upgrade(database_url)


def test_check_of_an_empty_database_says_what_to_run(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(DatabaseError, match="readback db upgrade"):
        migrate.check(database)
    database.dispose()


def test_processes_that_start_at_once_do_not_race(database_url: str) -> None:
    """Each finds the tables there, whoever made them."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.map(migrate.upgrade, [database_url] * 4, chunksize=1)
        pool.close()
        pool.join()
    database = Database(database_url)
    migrate.check(database)
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    database.dispose()
