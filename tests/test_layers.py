"""Import arrows point one way: what a module may import is written here, and nowhere else."""

import ast
from pathlib import Path

import pytest

from tests.tree import Import, imports, imports_of, module_name, python_files

OURS = {"app", "core", "components", "pages", "plugins", "migrations", "tests"}

#: Open to every layer but `core.speech`, which knows only the errors.
COMMON = ("core.errors", "core.paging", "core.settings")

#: Module (or package) → what of ours it may import beside `COMMON`. The longest name that fits counts.
ALLOWED: dict[str, tuple[str, ...]] = {
    "core": (),
    "core.errors": (),
    "core.paging": (),
    "core.settings": ("core.speech",),
    "core.speech": ("core.speech",),
    "core.ports": ("core.speech",),
    "core.infra": ("core.infra", "core.ports", "core.speech"),
    "core.services": (
        "core.services",
        "core.speech",
        "core.ports",
        "core.infra.db",
        "core.infra.tables",
        "core.infra.jobs",
    ),
    "core.demo": ("core.demo", "core.services", "core.ports", "core.speech"),
    "core.demo.training": ("core.demo", "core.speech"),
    "core.plugin_api": ("core.speech",),
    "core.registry": ("core.plugin_api", "core.ports", "core.speech"),
    # The one place that knows concrete classes.
    "core.bootstrap": ("core",),
    # The edges hold the Workbench that bootstrap builds, and call its services.
    "core.http": ("core.http", "core.bootstrap", "core.services", "core.speech"),
    "core.cli": ("core.bootstrap", "core.commands", "core.services", "core.speech"),
    "core.commands": ("core.bootstrap", "core.commands", "core.services", "core.speech"),
    "components": ("components", "core.services", "core.speech"),
    "components.resources": ("components", "core.bootstrap", "core.services"),
    "pages": ("components", "core.services", "core.speech"),
    "app": ("core", "components"),
    # A plugin must work with nothing but the public interface.
    "plugins": ("core.plugin_api",),
    "migrations": ("migrations", "core.infra.db", "core.infra.tables"),
}
WITHOUT_COMMON = {"core.errors": (), "core.speech": ("core.errors",), "plugins": ()}

#: Slow to import: a second or more each, which the first page would wait for.
HEAVY = {
    "av",
    "ctranslate2",
    "faster_whisper",
    "huggingface_hub",
    "onnxruntime",
    "pyannote",
    "torch",
    "transformers",
}


def under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def rule_for(module: str) -> str | None:
    return max((name for name in ALLOWED if under(module, name)), key=len, default=None)


def layer_faults(module: str, found: list[Import]) -> list[str]:
    rule = rule_for(module)
    if rule is None:
        return [f"{module}: no layer; add it to tests/test_layers.py"]
    if rule == "core" and module != "core":
        return [f"{module}: a new part of core needs a line in tests/test_layers.py"]
    allowed = (*ALLOWED[rule], *WITHOUT_COMMON.get(rule, COMMON))
    return [
        f"{module}:{item.line} imports {item.target}; {rule} may import only {', '.join(allowed) or 'nothing of ours'}"
        for item in found
        if item.top in OURS and not any(under(item.target, name) for name in allowed)
    ]


def heavy_faults(module: str, found: list[Import]) -> list[str]:
    if under(module, "core.demo.training"):
        return []
    return [
        f"{module}:{item.line} imports {item.top} when it is imported; import it in the function that needs it"
        for item in found
        if item.at_import and item.top in HEAVY
    ]


def framework_faults(module: str, found: list[Import]) -> list[str]:
    if not under(module, "core"):
        return []
    return [f"{module}:{item.line}: core knows no Streamlit" for item in found if item.top == "streamlit"]


@pytest.mark.parametrize("path", python_files(), ids=str)
def test_imports_follow_the_layers(path: Path) -> None:
    module, found = module_name(path), list(imports_of(path))
    assert [*layer_faults(module, found), *heavy_faults(module, found), *framework_faults(module, found)] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("core.speech.transcript", "from core.infra.db import Database"),
        ("core.speech.transcript", "from core.settings import Settings"),
        ("core.services.library", "from core.infra.whisper import Pool"),
        ("core.services.library", "from core import infra"),
        ("core.services.library", "def f():\n    from core.http import routes"),
        ("core.services.library", "from ..http import routes"),
        ("core.services.library", "if TYPE_CHECKING:\n    from core.http import routes"),
        ("core.infra.jobs", "import core.services.library"),
        ("core.surprise", "import json"),
        ("plugins.clipping", "from core.errors import ReadbackError"),
        ("pages.library", "from core.infra.tables import Project"),
        ("components.player", "from core.bootstrap import build_workbench"),
    ],
)
def test_a_forbidden_import_is_noticed(module: str, source: str) -> None:
    assert layer_faults(module, list(imports(ast.parse(source), module))) != []


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("import av", 1),
        ("try:\n    import torch\nexcept ImportError:\n    torch = None", 1),
        ("class A:\n    from faster_whisper import WhisperModel", 1),
        ("def f():\n    import av", 0),
        ("if TYPE_CHECKING:\n    import av", 0),
    ],
)
def test_a_heavy_import_is_noticed(source: str, faults: int) -> None:
    assert len(heavy_faults("core.infra.audio", list(imports(ast.parse(source), "core.infra.audio")))) == faults


def test_streamlit_in_core_is_noticed() -> None:
    found = list(imports(ast.parse("def f():\n    import streamlit.web"), "core.cli"))
    assert framework_faults("core.cli", found) != []
