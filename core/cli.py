"""The command ``readback``: the same services as the app, without a browser. See docs/cli.md."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from core.errors import JobCancelledError, ReadbackError

#: Command → module under `core.commands`, imported when it is called for: `--help` must not take a second.
_MODULES = {
    "serve": "serve",
    "demo": "demo",
    "transcribe": "transcribe",
    "models": "models",
    "jobs": "jobs",
    "worker": "worker",
    "db": "db",
}
_STOPPED = JobCancelledError.exit_code
#: What a shell reports of a program ended by SIGPIPE.
_PIPE_CLOSED = 141


class _Commands(click.Group):
    """Finds commands by name without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — click's signature
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 — click's signature
        if cmd_name not in _MODULES:
            return None
        command = importlib.import_module(f"core.commands.{_MODULES[cmd_name]}").command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="readback", message="%(prog)s %(version)s")
@click.option("--verbose", "-v", is_flag=True, help="Also log to the terminal (stderr).")
@click.pass_context
def cli(ctx: click.Context, verbose: bool) -> None:
    """Readback: transcripts you can trust.

    Everything is stored under READBACK_DATA_DIR. Exit codes: docs/cli.md.
    """
    ctx.obj = {"verbose": verbose}


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; returns the exit code. What goes wrong becomes one line on stderr."""
    try:
        result = cli.main(args=list(arguments), prog_name="readback", standalone_mode=False)
    except click.exceptions.Exit as wish:
        return wish.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _say("Stopped. What was done until now is kept.")
        return _STOPPED
    except ReadbackError as error:
        _say(error.message)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except Exception:  # noqa: BLE001 — the last stop: whatever it is, users get a line, the log the traceback
        return _unexpected()
    return result if isinstance(result, int) else 0


def _unexpected() -> int:
    import structlog

    from core.bootstrap import new_request_id

    reference = new_request_id()
    structlog.get_logger(__name__).exception("command_failed", request_id=reference)
    _say(f"Something went wrong inside Readback. Log reference: {reference} (in the folder logs of the data folder).")
    return ReadbackError.exit_code


def _say(message: str) -> None:
    click.echo(f"readback: {message}", err=True)


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
