"""The first page shows within seconds because nothing heavy is imported before a job needs it (issue: App)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ["av", "ctranslate2", "faster_whisper", "huggingface_hub", "onnxruntime", "torch", "transformers"]

PROGRAM = """
import json, sys
from pathlib import Path
from core.bootstrap import build_workbench
from core.settings import Settings
bench = build_workbench(Settings(data_dir=Path(sys.argv[1]), offline=True))
bench.start()
bench.modelling.list()
bench.library.list_recordings()
bench.system.health()
bench.transcription.default_config()
loaded = sorted(set(sys.modules) & set(sys.argv[2:]))
bench.stop()
print(json.dumps(loaded))
"""


def imported_by(program: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=120
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_started_app_with_an_empty_queue_has_imported_nothing_heavy(tmp_path: Path) -> None:
    """The sample project is brought in meanwhile: decoding has a process of its own."""
    assert imported_by(PROGRAM, str(tmp_path / "data"), *HEAVY) == []


@pytest.mark.parametrize("module", ["core.cli", "core.commands.transcribe", "core.commands.serve", "core.http"])
def test_the_edges_import_nothing_heavy(module: str) -> None:
    program = f"import json, sys, {module}; print(json.dumps(sorted(set(sys.modules) & set(sys.argv[1:]))))"
    assert imported_by(program, *HEAVY, "streamlit") == []


def test_help_does_not_import_the_database_either() -> None:
    program = (
        "import json, sys; from core.cli import run; run(['--help']); print();"
        "print(json.dumps(sorted(set(sys.modules) & set(sys.argv[1:]))))"
    )
    assert imported_by(program, *HEAVY, "sqlalchemy", "numpy", "pydantic") == []
