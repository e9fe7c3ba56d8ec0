"""The console script in a process of its own, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

READBACK = str(Path(sys.executable).with_name("readback"))
TIMEOUT_S = 180


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("READBACK_")}
    return {**kept, "READBACK_DATA_DIR": str(data_dir), "READBACK_OFFLINE": "true", **more}


def readback(
    data_dir: Path, *arguments: str | Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the console script to its end."""
    return subprocess.run(
        [READBACK, *map(str, arguments)], env=environment(data_dir, **(env or {})), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
