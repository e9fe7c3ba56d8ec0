"""The database fixtures themselves: both kinds work, and databases do not leak into each other."""

import pytest
from sqlalchemy import create_engine, inspect, text


@pytest.mark.parametrize("turn", [1, 2])
def test_database_starts_empty(database_url: str, turn: int) -> None:
    engine = create_engine(database_url)
    assert inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (id INTEGER)"))
    engine.dispose()
