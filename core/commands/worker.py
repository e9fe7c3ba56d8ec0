"""``readback worker``: runs jobs without pages."""

from __future__ import annotations

import click

from core.bootstrap import build_workbench
from core.commands.common import settings_with_logging, stop_on_sigterm


@click.command("worker")
@click.option("--slots", type=click.IntRange(1, 64), help="Jobs at the same time. Default: READBACK_WORKERS, or 1.")
def command(slots: int | None) -> None:
    """Takes jobs from the queue until it is stopped (Ctrl-C or SIGTERM); what runs then goes back at its checkpoint."""
    settings = settings_with_logging(console=True)
    workbench = build_workbench(settings.model_copy(update={"workers": slots or max(1, settings.workers)}))
    with stop_on_sigterm() as stopping:
        try:
            workbench.start()
            # A wait without end would not notice Ctrl-C on Windows.
            while not stopping.wait(1.0):
                pass
        except KeyboardInterrupt:
            pass  # the usual way to end it, not an error
        finally:
            workbench.stop()
