"""The command ``readback``: the same services as the app, without a browser. See docs/cli.md."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from core.errors import JobCancelledError, ReadbackError

#: Command (also the name of its module under `core.commands`) → what lists say of it. Modules are imported when their
#: command is called: `--help` must not take a second.
_COMMANDS = {
    "serve": "Run the app: pages, API and workers on one port.",
    "demo": "Transcribe the sample project and say what was found.",
    "transcribe": "Transcribe audio and video files and folders.",
    "models": "List, download, add and remove speech models.",
    "jobs": "List jobs, cancel them, try them again.",
    "worker": "Run jobs without pages.",
    "db": "Bring the database to this version, or check it.",
}
_STOPPED = JobCancelledError.exit_code
#: What a shell reports of a program ended by SIGPIPE.
_PIPE_CLOSED = 141


class _Commands(click.Group):
    """Finds commands by name without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 — click's signature
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"core.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 — click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


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
    except SystemExit:
        # What click does when whoever reads our output has closed the pipe; it has seen enough.
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
