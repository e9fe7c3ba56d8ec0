"""Makes sure of the system parts that tests need and pip cannot bring.

Missing parts are installed where that needs no question (Debian's packages, as root or with passwordless sudo);
elsewhere this says exactly what to install and fails.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Run as a file, not as a module: the tree is not on the path then.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.chromium import find_chromium
from tests.postgres import find_binaries


@dataclass(frozen=True, kw_only=True)
class Part:
    name: str
    found: Callable[[], bool]
    debian: str
    elsewhere: str


PARTS = (
    Part(
        name="PostgreSQL server",
        found=lambda: find_binaries() is not None,
        debian="postgresql",
        elsewhere="macOS: brew install postgresql@17",
    ),
    Part(
        name="Chromium",
        found=lambda: find_chromium() is not None,
        debian="chromium",
        elsewhere="macOS: brew install --cask google-chrome; elsewhere any Chromium or Chrome, "
        "or its path in READBACK_TEST_CHROMIUM",
    ),
)


def missing_parts() -> list[Part]:
    return [part for part in PARTS if not part.found()]


def root_prefix() -> list[str] | None:
    """What to put before a command to run it as root without a question; None when that is impossible."""
    if os.name == "nt" or not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def install(parts: list[Part], prefix: list[str]) -> None:
    names = [part.debian for part in parts]
    print(f"Installing what the tests need: {', '.join(names)}", flush=True)
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, "install", "--yes", "--no-install-recommends", *names], check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    missing = missing_parts()
    if not missing:
        return 0
    prefix = root_prefix()
    if prefix is not None:
        try:
            install(missing, prefix)
        except subprocess.CalledProcessError as error:
            print(f"apt-get failed (exit {error.returncode}).", file=sys.stderr)
        missing = missing_parts()
    for part in missing:
        print(
            f"{part.name} is missing. Debian: apt-get install {part.debian}. {part.elsewhere}.",
            file=sys.stderr,
        )
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
