"""``readback models``: speech models by name."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from core.commands.common import note, open_workbench, progress_bar, table
from core.services.modelling import ModelRecord
from core.speech.units import size


@click.group("models")
def command() -> None:
    """Lists speech models, downloads them, adds your own."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def list_models(as_json: bool) -> None:
    """Shows every model with a name, and whether it is on this machine."""
    with open_workbench() as workbench:
        models = workbench.modelling.list()
    if as_json:
        for model in models:
            click.echo(json.dumps(asdict(model), ensure_ascii=False))
        return
    for line in table(("NAME", "STATE", "SIZE", "LANGUAGES", "WHAT IT IS"), [_row(model) for model in models]):
        click.echo(line)


@command.command("pull")
@click.argument("names", nargs=-1, required=True)
def pull_models(names: tuple[str, ...]) -> None:
    """Downloads models by NAME (from the list, or a hub id such as owner/name). Goes on where an earlier try ended."""
    with open_workbench() as workbench:
        for name in names:
            with progress_bar(name) as show:
                model = workbench.modelling.pull(name, lambda done, total: show("Downloading", done, total))
            click.echo(f"{model.name}: {model.state}")


@command.command("add")
@click.argument("name")
@click.argument("location")
def add_model(name: str, location: str) -> None:
    """Gives the model at LOCATION (a folder with a CTranslate2 model, or a hub id) a NAME of your own."""
    with open_workbench() as workbench:
        model = workbench.modelling.add(name, location)
    click.echo(f"{model.name}: {model.state}")
    if model.state != "ready":
        note(f"It is downloaded when it is first used, or now with: readback models pull {model.name}")


@command.command("remove")
@click.argument("names", nargs=-1, required=True)
def remove_models(names: tuple[str, ...]) -> None:
    """Deletes downloaded models, or takes added ones off the list (a folder of yours stays where it is)."""
    with open_workbench() as workbench:
        for name in names:
            workbench.modelling.remove(name)
            click.echo(f"{name}: removed")


def _row(model: ModelRecord) -> tuple[str, ...]:
    about = f"{model.description} {model.warning}".rstrip()
    return model.name, model.state, size(model.size_bytes), model.languages, about
