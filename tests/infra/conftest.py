"""A database with our tables, empty, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from core.infra import migrate
from core.infra.db import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """At the newest revision."""
    migrate.upgrade(database_url)
    database = Database(database_url)
    yield database
    database.dispose()
