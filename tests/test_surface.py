"""Nothing that people use is undocumented: settings, commands, pages."""

import ast
import re

import click
import pytest

from core.cli import cli
from core.settings import Settings
from tests.tree import ROOT, files, parse, python_files

#: Environment variables of the tests, which the app does not read.
NOT_SETTINGS = {"READBACK_TEST_CHROMIUM"}
MAIN_PAGE = "main.py"


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_setting_is_documented(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description, f"Settings.{name} has no description"
    rows = [line for line in document("configuration.md").splitlines() if f"`READBACK_{name.upper()}` |" in line]
    assert len(rows) == 1
    assert field.description in rows[0]
    if isinstance(field.default, int | str) and field.default != "":
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        assert f"| `{default}`" in rows[0]


def test_documented_settings_exist() -> None:
    known = {f"READBACK_{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS
    mentioned = {
        f"{path}: {name}"
        for path in files()
        if path.suffix == ".md"
        for name in re.findall(r"\bREADBACK_[A-Z0-9_]*[A-Z0-9]\b", (ROOT / path).read_text(encoding="utf-8"))
        if name not in known
    }
    assert mentioned == set()


def commands(group: click.Group, path: tuple[str, ...]) -> dict[str, click.Command]:
    """Every command by what a user types, also those in groups; asked for as click does, since they load late."""
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        here = (*path, name)
        found[" ".join(here)] = command
        if isinstance(command, click.Group):
            found |= commands(command, here)
    return found


COMMANDS = commands(cli, ("readback",))


@pytest.mark.parametrize("typed", COMMANDS)
def test_command_is_documented(typed: str) -> None:
    command = COMMANDS[typed]
    assert command.help, f"`{typed}` has no help text"
    text = document("cli.md")
    assert typed in text, f"`{typed}` is not in docs/cli.md"
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, f"{option.opts} of `{typed}` has no help text"
            assert max(option.opts, key=len) in text, f"{option.opts} of `{typed}` is not in docs/cli.md"


def page_titles() -> dict[str, str]:
    """File → title, from the calls of ``st.Page`` in the only table of pages."""
    (main,) = [path for path in python_files("pages") if path.name == MAIN_PAGE]
    found: dict[str, str] = {}
    for node in ast.walk(parse(main)):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Page" and node.args):
            continue
        title = next((word.value for word in node.keywords if word.arg == "title"), None)
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(title, ast.Constant):
            found[str(first.value).rsplit("/", 1)[-1]] = str(title.value)
    return found


def test_every_page_is_in_the_menu() -> None:
    pages = {path.name for path in python_files("pages") if path.name not in {MAIN_PAGE, "__init__.py"}}
    assert pages == set(page_titles())


def test_every_page_is_documented() -> None:
    guide = "\n".join(
        (ROOT / path).read_text(encoding="utf-8")
        for path in files()
        if path.suffix == ".md" and path.name != "CHANGELOG.md"
    )
    assert [title for title in page_titles().values() if f"**{title}**" not in guide] == []
