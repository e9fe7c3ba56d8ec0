"""The child process: what it may not do, and what happens when it does not do what it should (C7, C10)."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.errors import CorruptMediaError, MediaTimeoutError
from core.infra.audio import PyAvAudioReader, process
from core.infra.audio.process import DecoderProcess
from core.infra.decoder import frames
from core.settings import Settings
from tests import media

linux = pytest.mark.skipif(sys.platform != "linux", reason="these limits are kept on Linux")
REQUEST = {"mode": "probe", "memory_bytes": 2**30, "cpu_seconds": 60, "max_duration_ms": 10**9}


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return media.write(tmp_path / "a.wav", media.hum(seconds=60), codec="pcm_s16le", rate=16_000, layout="mono")


def child(code: str, path: Path, monkeypatch: pytest.MonkeyPatch, *, patience_seconds: float = 60) -> DecoderProcess:
    """A child that runs other code than ours; `send(kind, payload)` sends a frame."""
    start = (
        "import sys, json; sys.path[:0] = sys.argv[2:]; from core.infra.decoder import frames\n"
        "send = lambda kind, payload: frames.write(sys.stdout.buffer, kind, payload)\n"
        "tell = lambda **message: frames.write_message(sys.stdout.buffer, message)\n"
    )
    monkeypatch.setattr(process, "_START", start + code)
    return DecoderProcess(path, REQUEST, patience_seconds=patience_seconds)


@linux
@pytest.mark.parametrize(
    "attempt",
    ["open('/etc/hostname')", "open('/tmp/readback-test', 'w')", "socket.socket()", "bytearray(3 * 2**30)"],
)
def test_the_child_can_open_and_take_nothing(wav: Path, monkeypatch: pytest.MonkeyPatch, attempt: str) -> None:
    code = f"""
import os, socket
from core.infra.decoder.limits import limit_process, forbid_opening
limit_process(memory_bytes=2**30, cpu_seconds=60)
forbid_opening()
try:
    {attempt}
except (OSError, MemoryError) as error:
    tell(type="info", refused=type(error).__name__)
else:
    tell(type="info", refused="")
"""
    with child(code, wav, monkeypatch) as running:
        message = frames.parse_message(running.receive()[1])
    assert message["refused"] in ("OSError", "MemoryError")


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "import os; os._exit(3)",
        "sys.exit(0)",
        "sys.stdout.buffer.write(b'garbage garbage garbage')",
        "sys.stdout.buffer.write(b'S' + (2**31).to_bytes(4, 'little'))",
        "sys.stdout.buffer.write(b'S' + (100).to_bytes(4, 'little') + bytes(50))",
        "send(frames.MESSAGE, b'not json')",
        "send(frames.MESSAGE, b'[1]')",
        "tell(type='error', code='no such code')",
    ],
)
def test_a_child_that_crashes_or_talks_nonsense_is_a_corrupt_file(
    wav: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    with child(code, wav, monkeypatch) as running, pytest.raises(CorruptMediaError):
        running.receive()


@pytest.mark.parametrize("code", ["import time; time.sleep(600)", "while True: pass"])
def test_a_child_that_hangs_is_ended(wav: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    with child(code, wav, monkeypatch, patience_seconds=0.5) as running, pytest.raises(MediaTimeoutError):
        running.receive()


def test_leaving_early_ends_the_child(wav: Path, tmp_path: Path) -> None:
    before = threading.active_count()
    reader = PyAvAudioReader(Settings(data_dir=tmp_path))
    with reader.read(wav) as stream:
        next(stream)
        running = stream._process._process
    assert running.returncode is not None
    assert threading.active_count() == before


@linux
def test_a_file_that_needs_too_much_memory_is_refused(wav: Path, tmp_path: Path) -> None:
    reader = PyAvAudioReader(Settings(data_dir=tmp_path))
    reader._limits["memory_bytes"] = 40 * 2**20
    with pytest.raises((MediaTimeoutError, CorruptMediaError)):
        reader.probe(wav)


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"type": "info", "tracks": []},
        {"type": "info", "tracks": "many"},
        {"type": "other", "tracks": [{}]},
    ],
)
def test_an_answer_that_makes_no_sense_is_a_corrupt_file(
    wav: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, info: dict[str, object]
) -> None:
    monkeypatch.setattr(
        process, "_START", "import sys; sys.path[:0] = sys.argv[2:]; from core.infra.decoder import frames\n"
        f"import json; frames.write_message(sys.stdout.buffer, json.loads({json.dumps(json.dumps(info))}))",
    )  # fmt: skip
    with pytest.raises(CorruptMediaError):
        PyAvAudioReader(Settings(data_dir=tmp_path)).probe(wav)


def test_the_child_imports_little() -> None:
    """It must start fast: nothing but PyAV, our few modules and the standard library."""
    code = (
        "import sys; from core.infra.decoder import main, decoding; main._import_all(); "
        "print([name for name in ('numpy', 'pydantic', 'sqlalchemy', 'structlog') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
