"""Peak memory of a ten-hour recording over that of a one-hour one, import and transcription together.

Each length runs `readback transcribe` in a process of its own with a data folder of its own; memory is that process
with its decoding child. One tenth of the time is speech (the sample, over and over), the rest faint noise: memory
depends on what is held at once, and this keeps ten hours affordable.

    python -m tests.bench.memory [--hours 10] [--mode fast]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench.audio import write_repeated
from tests.bench.measure import machine, peak_of_command


def peak(hours: float, mode: str, speech_share: float) -> tuple[float, float]:
    """Peak MiB and wall seconds of one transcription."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_repeated(Path(folder) / "long.wav", minutes=hours * 60, speech_share=speech_share)
        command = [
            sys.executable, "-m", "core.cli", "transcribe", str(path), "--model", "demo", "--mode", mode,
            "--language", "en", "--format", "json", "--out", str(Path(folder) / "out.json"),
        ]  # fmt: skip
        return peak_of_command(command, {"READBACK_DATA_DIR": str(Path(folder) / "data"), "READBACK_OFFLINE": "true"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=10)
    parser.add_argument("--mode", choices=("accurate", "fast"), default="fast")
    parser.add_argument("--speech-share", type=float, default=0.1)
    options = parser.parse_args()
    short, short_wall = peak(options.hours / 10, options.mode, options.speech_share)
    long, long_wall = peak(options.hours, options.mode, options.speech_share)
    print(f"{machine()}; mode {options.mode}, {options.speech_share:.0%} speech\n")
    print("| recording | peak MiB | wall s |")
    print("|---|---|---|")
    print(f"| {options.hours / 10:g} h | {short:.0f} | {short_wall:.0f} |")
    print(f"| {options.hours:g} h | {long:.0f} | {long_wall:.0f} |")
    print(f"| ratio | {long / short:.3f} | {long_wall / short_wall:.2f} |")


if __name__ == "__main__":
    main()
