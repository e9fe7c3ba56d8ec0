"""Runs the migrations on the connection `core.infra.migrate` hands over; it holds the transaction and the locks."""

from alembic import context

from core.infra.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    # SQLite cannot alter most of a table: it is copied instead.
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
