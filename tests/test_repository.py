"""What must never be in the repository, and what must be."""

import ast
import re
from pathlib import Path

import pytest

from tests.tree import PROGRAM, ROOT, files, parse, python_files

TEXT = {".cfg", ".css", ".html", ".ini", ".js", ".json", ".mako", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}
#: Where packages come from is the business of the machine that installs them. Put together here, so that this
#: file does not name them either.
REGISTRY_HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
MACHINE_PATH = re.compile(r"(?<![\w./~-])/(?:work|root)/|(?<![\w./~-])/home/\w")
LARGEST_BYTES = 10 * 1024 * 1024
TOP_LEVEL = {
    *PROGRAM,
    *("tests", "docs", "requirements", ".ci", ".streamlit"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "pyproject.toml", "space.yaml"),
    ".gitignore",
}
LINK = re.compile(r"\]\(([^)#\s]+)")


def text_files() -> list[Path]:
    return [
        path for path in files() if path.suffix in TEXT or path.name in {"Makefile", "LICENSE", "run", ".gitignore"}
    ]


def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_no_package_registry_is_named() -> None:
    found = [f"{path}: {host}" for path in text_files() for host in REGISTRY_HOSTS if host in read(path)]
    assert found == []


def test_no_path_of_one_machine() -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in text_files()
        for number, line in enumerate(read(path).splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_top_level_is_as_agreed() -> None:
    assert {path.parts[0] for path in files()} - TOP_LEVEL == set()


def test_no_placeholder_folders() -> None:
    content: dict[Path, list[Path]] = {}
    for path in files():
        for folder in path.parents:
            content.setdefault(folder, []).append(path)
    empty = [
        folder
        for folder, inside in content.items()
        if all((ROOT / path).stat().st_size == 0 or path.name in {".gitkeep", ".keep"} for path in inside)
    ]
    assert empty == []


def test_no_huge_files() -> None:
    assert [path for path in files() if (ROOT / path).stat().st_size > LARGEST_BYTES] == []


@pytest.mark.parametrize("name", ["utcnow", "utcfromtimestamp"])
def test_no_naive_utc(name: str) -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in python_files(*PROGRAM, "tests")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute) and node.attr == name
    ]
    assert found == []


def test_logging_is_set_up_in_one_place() -> None:
    names = {"basicConfig", "dictConfig", "fileConfig"}
    places = {
        path
        for path in python_files()
        if "training" not in path.parts  # a program of its own
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
    }
    assert len(places) <= 1, places


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{path}: {target}"
        for path in files()
        if path.suffix == ".md"
        for target in LINK.findall(read(path))
        if "://" not in target and not target.startswith("mailto:") and not (ROOT / path.parent / target).exists()
    ]
    assert broken == []
