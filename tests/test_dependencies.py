"""pyproject, the imports and the hashed requirements agree."""

import re
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tree import ROOT, imports_of, python_files

OURS = {"app", "core", "components", "pages", "plugins", "migrations", "tests"}

#: Direct dependencies that no line imports, and why they are there all the same.
NOT_IMPORTED = {
    "python-multipart": "Starlette needs it to read forms",
    "nvidia-cublas-cu12": "loaded as a library, by its file",
    "coverage": "run by pytest-cov; the version decides how child processes are measured",
    "detect-secrets": "run by `make secrets`",
    "httpx2": "Starlette's TestClient needs it",
    "mypy": "run by `make types`",
    "psycopg": "SQLAlchemy loads it by the database address",
    "pytest-cov": "run by `make unit`",
    "pytest-timeout": "a pytest plugin; pyproject sets its limit",
    "pytest-xdist": "run by `make unit`",
    "ruff": "run by `make lint`",
    "uv": "run by `make lock`",
}

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BASE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {
    extra: [Requirement(line) for line in lines if not line.startswith("readback[")]
    for extra, lines in PROJECT["optional-dependencies"].items()
}


def names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


@cache
def installed() -> Mapping[str, list[str]]:
    """Top-level module → the packages that bring it; reading all of them takes a while."""
    return packages_distributions()


@cache
def distribution_of(module: str) -> frozenset[str]:
    """Names of the installed packages an import may come from."""
    return frozenset(canonicalize_name(name) for name in installed().get(module, []))


def is_training(path: Path) -> bool:
    return path.parts[:3] == ("core", "demo", "training")


def third_party(paths: list[Path], *, at_import_only: bool = False) -> dict[str, str]:
    """Imported top-level module → one place where it is imported."""
    return {
        item.top: f"{path}:{item.line}"
        for path in paths
        for item in imports_of(path)
        if item.top not in OURS and item.top not in sys.stdlib_module_names
        if item.at_import or not at_import_only
    }


PROGRAM_FILES = [path for path in python_files() if not is_training(path)]
ALL_FILES = python_files("app.py", "core", "components", "pages", "plugins", "migrations", "tests")


@pytest.mark.parametrize("requirement", BASE, ids=lambda requirement: requirement.name)
def test_every_dependency_is_used(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    used = set().union(*(distribution_of(module) for module in third_party(PROGRAM_FILES)))
    assert name in used or name in NOT_IMPORTED, f"{name} is declared, but nothing imports it"


def test_every_test_dependency_is_used() -> None:
    used = set().union(*(distribution_of(module) for module in third_party(ALL_FILES)))
    assert names(EXTRAS["dev"]) - used - set(NOT_IMPORTED) == set()


def undeclared(imported: dict[str, str], declared: set[str]) -> list[str]:
    # A module of a package that is not installed here (an optional extra) goes by its own name.
    return [
        f"{place}: {module}"
        for module, place in imported.items()
        if not (distribution_of(module) or {canonicalize_name(module)}) & declared
    ]


def test_what_the_program_imports_at_once_is_declared() -> None:
    assert undeclared(third_party(PROGRAM_FILES, at_import_only=True), names(BASE)) == []


def test_what_the_program_imports_later_is_declared() -> None:
    optional = set().union(*(names(lines) for extra, lines in EXTRAS.items() if extra != "dev"))
    assert undeclared(third_party(PROGRAM_FILES), names(BASE) | optional) == []


def test_what_training_imports_is_declared() -> None:
    imported = third_party([path for path in python_files("core") if is_training(path)])
    assert undeclared(imported, names(BASE) | names(EXTRAS["training"])) == []


def test_what_tests_import_is_declared() -> None:
    declared = names(BASE) | names(EXTRAS["dev"]) | names(EXTRAS["postgres"])
    assert undeclared(third_party(python_files("tests")), declared) == []


def pins(file: str) -> dict[str, list[Requirement]]:
    text = (ROOT / "requirements" / file).read_text(encoding="utf-8")
    found: dict[str, list[Requirement]] = {}
    for entry in re.split(r"\n(?=\S)", text.strip()):
        requirement = Requirement(entry.split("--hash")[0].replace("\\\n", " ").strip())
        assert "--hash=sha256:" in entry, f"{requirement.name} in {file} has no hash"
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


@pytest.mark.parametrize(
    ("file", "direct"), [("base.txt", BASE), ("dev.txt", [*BASE, *EXTRAS["dev"], *EXTRAS["postgres"]])]
)
def test_requirements_are_compiled_from_pyproject(file: str, direct: list[Requirement]) -> None:
    pinned = pins(file)
    for requirement in direct:
        versions = [
            str(pin.specifier).removeprefix("==") for pin in pinned.get(canonicalize_name(requirement.name), [])
        ]
        assert versions, f"{requirement.name} is missing from requirements/{file}; run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions), (
            f"{file} has {requirement.name} {versions}, pyproject wants {requirement.specifier}; run `make lock`"
        )


def test_tests_run_on_the_versions_that_users_get() -> None:
    development = pins("dev.txt")
    base = pins("base.txt")
    assert {
        name
        for name, requirements in base.items()
        if {pin.specifier for pin in requirements} != {pin.specifier for pin in development.get(name, [])}
    } == set()
