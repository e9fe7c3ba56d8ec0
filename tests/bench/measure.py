"""Timing and memory, as the benchmarks share them."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Several measurements of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]

    def __str__(self) -> str:
        return f"{self.median:.3f} (min {min(self.values):.3f}, max {max(self.values):.3f}, n={len(self.values)})"


def seconds(action: Callable[[], object]) -> float:
    """Wall time of one call."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def repeat(action: Callable[[], object], times: int) -> Spread:
    """Wall times of several calls, in seconds."""
    return Spread(values=tuple(seconds(action) for _ in range(times)))


def pairs(first: Callable[[], float], second: Callable[[], float], rounds: int) -> tuple[Spread, Spread, Spread]:
    """Two things measured in turn, A B B A A B ..., and their ratio round by round; each call returns its figure.

    Taking turns lets both meet the same drift of a shared machine; changing who goes first evens out warm caches.
    """
    left: list[float] = []
    right: list[float] = []
    for number in range(rounds):
        if number % 2 == 0:
            left.append(first())
            right.append(second())
        else:
            right.append(second())
            left.append(first())
    ratios = tuple(a / b for a, b in zip(left, right, strict=True))
    return Spread(values=tuple(left)), Spread(values=tuple(right)), Spread(values=ratios)


def resident_mib(pid: int) -> float:
    """Resident memory of a process and its children in MiB (Linux)."""
    total = 0
    for process in (pid, *_children(pid)):
        try:
            status = Path(f"/proc/{process}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended between the listing and the reading.
        for line in status.splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024


def _children(pid: int) -> list[int]:
    try:
        direct = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [*direct, *(grandchild for child in direct for grandchild in _children(child))]


def peak_of_command(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Peak resident MiB (with children, sampled ten times a second) and wall seconds of a command.

    Raises:
        RuntimeError: The command failed; its last lines are in the message.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    errors: list[bytes] = []
    assert process.stderr is not None
    reader = threading.Thread(target=lambda: errors.extend(process.stderr or ()), daemon=True)
    reader.start()
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, resident_mib(process.pid))
        time.sleep(0.1)
    wall = time.perf_counter() - begin
    reader.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{b''.join(errors[-20:]).decode(errors='replace')}")
    return peak, wall


def machine() -> str:
    """One line about where the figures come from."""
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {sys.platform}, load {os.getloadavg()[0]:.1f}"
