"""Reads the source tree for tests about the code itself."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: The program; everything else in Python is tests.
PROGRAM = ("app.py", "core", "components", "pages", "plugins", "migrations")


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, under version control; relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(sorted({Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()}))


def python_files(*tops: str) -> list[Path]:
    """Python files under the given top-level names (all of the program when none is given)."""
    wanted = tops or PROGRAM
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in wanted]


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def module_name(path: Path) -> str:
    """The dotted name a file is imported by: ``core/speech/__init__.py`` is ``core.speech``."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@dataclass(frozen=True, kw_only=True)
class Import:
    #: What is imported, with the imported name: ``from core.infra import db`` gives ``core.infra.db``.
    target: str
    line: int
    #: Runs when the module is imported: not inside a function, not only for type checkers.
    at_import: bool

    @property
    def top(self) -> str:
        return self.target.split(".")[0]


def imports(tree: ast.Module, module: str, *, is_package: bool = False) -> Iterator[Import]:
    """All imports of a module, also those inside functions."""
    yield from _walk(tree, module.split(".") if is_package else module.split(".")[:-1], at_import=True)


def imports_of(path: Path) -> Iterator[Import]:
    return imports(parse(path), module_name(path), is_package=path.name == "__init__.py")


def _walk(node: ast.AST, package: list[str], *, at_import: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(target=alias.name, line=node.lineno, at_import=at_import)
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        base = [*base, *(node.module.split(".") if node.module else [])]
        for alias in node.names:
            yield Import(target=".".join([*base, alias.name]), line=node.lineno, at_import=at_import)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for statement in node.body:
            yield from _walk(statement, package, at_import=False)
        for statement in node.orelse:
            yield from _walk(statement, package, at_import=at_import)
    else:
        inside = at_import and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, package, at_import=inside)
