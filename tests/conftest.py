"""Fixtures every test may use: databases of both kinds. Browser fixtures are in tests/e2e/conftest.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer, temporary_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL server, started by the first test that asks; parallel workers have one each."""
    with temporary_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database shared by the whole session: only for tests that leave nothing behind."""
    with postgres_server.fresh_database() as url:
        yield url


@pytest.fixture
def fresh_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A new, empty PostgreSQL database for this test alone."""
    with postgres_server.fresh_database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A new SQLite database file for this test alone; a file, because WAL and several connections need one."""
    return f"sqlite:///{tmp_path / 'readback.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database: the test runs once on SQLite and once on PostgreSQL."""
    fixture = "sqlite_url" if request.param == "sqlite" else "fresh_postgres_url"
    url: str = request.getfixturevalue(fixture)
    return url
