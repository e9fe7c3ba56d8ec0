"""``readback db``: the database's version."""

from __future__ import annotations

import click

from core.bootstrap import check_database, downgrade_database, upgrade_database
from core.commands.common import settings_with_logging


@click.group("db")
def command() -> None:
    """Brings the database to this program's version, or checks that it is."""


@command.command("upgrade")
def upgrade() -> None:
    """Makes or changes the tables as this version needs them. The app does it by itself when it starts."""
    revision = upgrade_database(settings_with_logging())
    click.echo(f"The database is at revision {revision}.")


@command.command("check")
def check() -> None:
    """Says whether the database can be reached and is at this program's version (exit code 6 if not)."""
    revision = check_database(settings_with_logging())
    click.echo(f"The database is at revision {revision}, as this program needs it.")


@command.command("downgrade")
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
def downgrade(revision: str, yes: bool) -> None:
    """Takes the tables back to an older REVISION. What only the newer ones hold is lost; make a copy first."""
    if not yes:
        click.confirm("What newer tables and columns hold will be lost. Go on?", abort=True, err=True)
    downgrade_database(settings_with_logging(), revision)
    click.echo(f"The database is at revision {revision}.")
