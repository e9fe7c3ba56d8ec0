"""Stored files: by content, whole, inside their folder; nothing stays behind (C10, C12)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import DiskFullError, EmptyMediaError, MediaMissingError, MediaTooLargeError, StorageError
from core.infra.media_store import LocalMediaStore


@pytest.fixture
def store(tmp_path: Path) -> LocalMediaStore:
    return LocalMediaStore(tmp_path / "media")


def staged_files(folder: Path) -> list[Path]:
    return [path for path in (folder / "staging").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_file_is_staged_hashed_moved_found_and_removed(store: LocalMediaStore, tmp_path: Path) -> None:
    staged = store.stage([b"one", b"two"])
    assert (staged.sha256, staged.size_bytes) == (hashlib.sha256(b"onetwo").hexdigest(), 6)
    store.put(staged.path, "originals/ab/cd/x")
    assert store.path("originals/ab/cd/x").read_bytes() == b"onetwo"
    again = store.stage([b"other"])
    store.put(again.path, "originals/ab/cd/x")
    assert store.path("originals/ab/cd/x").read_bytes() == b"onetwo"
    assert staged_files(tmp_path) == []
    store.delete("originals/ab/cd/x")
    store.delete("originals/ab/cd/x")
    with pytest.raises(MediaMissingError):
        store.path("originals/ab/cd/x")


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "a\\b", "C:x", "a/.b", "a\0b", "Ä", "a" * 201, "."]
)
def test_no_key_leads_out_of_the_folder(store: LocalMediaStore, key: str) -> None:
    for attempt in (store.path, store.delete, lambda key: store.put(Path("x"), key)):
        with pytest.raises(MediaMissingError):
            attempt(key)


def test_refusals_leave_nothing(store: LocalMediaStore, tmp_path: Path) -> None:
    with pytest.raises(EmptyMediaError):
        store.stage([])
    with pytest.raises(MediaTooLargeError):
        store.stage([b"x" * 10] * 3, max_bytes=25)
    with pytest.raises(MediaTooLargeError):
        store.stage(iter(()), max_bytes=25, expected_bytes=26)
    with pytest.raises(DiskFullError):
        store.stage(iter(()), expected_bytes=2**62)
    with pytest.raises(KeyboardInterrupt):
        store.stage(_interrupted())
    assert staged_files(tmp_path) == []


def _interrupted() -> object:
    yield b"x"
    raise KeyboardInterrupt


def test_moving_in_what_is_not_there_is_an_error(store: LocalMediaStore, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        store.put(tmp_path / "nothing", "a/b")


def test_a_data_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        LocalMediaStore(tmp_path / "file" / "media").stage([b"x"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_disk_that_becomes_full_while_writing_is_told_and_nothing_stays(tmp_path: Path) -> None:
    """The real error of the system, by a limit on the size of files."""
    code = f"""
import resource, sys
from pathlib import Path
from core.errors import DiskFullError
from core.infra.media_store import LocalMediaStore
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
store = LocalMediaStore(Path({str(tmp_path / "media")!r}))
try:
    store.stage(bytes(10_000) for _ in range(20))
except DiskFullError as error:
    print("full")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "full"
    assert staged_files(tmp_path) == []


def _die_holding(tmp_path: Path, work: str) -> None:
    """A process that does some work and is killed at once, with no chance to clean up."""
    code = f"""
import os, signal
from pathlib import Path
from core.infra.media_store import LocalMediaStore
store = LocalMediaStore(Path({str(tmp_path / "media")!r}))
{work}
os.kill(os.getpid(), signal.SIGKILL)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert run.returncode == -9, run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_what_a_killed_process_staged_goes_at_the_next_start(store: LocalMediaStore, tmp_path: Path) -> None:
    alive = store.stage([b"still needed"])
    _die_holding(tmp_path, "store.stage([b'x' * 1000])")
    assert len(staged_files(tmp_path)) == 2
    assert LocalMediaStore(tmp_path / "media").recover() == ()
    assert staged_files(tmp_path) == [alive.path]
    store.close()
    assert list((tmp_path / "staging").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_keys_a_killed_process_had_pending_are_handed_out_once(store: LocalMediaStore, tmp_path: Path) -> None:
    work = "context = store.pending(['a/b', 'c/d']); context.__enter__(); store.put(store.stage([b'x']).path, 'a/b')"
    _die_holding(tmp_path, work)
    assert sorted(store.recover()) == ["a/b", "c/d"]
    assert store.recover() == ()


def test_notes_of_what_went_wrong_stay_until_settled(store: LocalMediaStore, tmp_path: Path) -> None:
    with store.pending(["a/b"]), store.pending([]):
        assert len(staged_files(tmp_path)) == 1
    assert staged_files(tmp_path) == []
    with pytest.raises(RuntimeError), store.pending(["a/b"]) as settle:  # noqa: PT012 — both belong to it
        settle()
        raise RuntimeError
    assert staged_files(tmp_path) == []
    with pytest.raises(RuntimeError), store.pending(["a/b"]):
        raise RuntimeError
    store.close()
    assert LocalMediaStore(tmp_path / "media").recover() == ("a/b",)


def test_nothing_to_recover_in_a_new_folder(store: LocalMediaStore) -> None:
    assert store.recover() == ()
    store.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_stored_files_are_the_owners_alone(store: LocalMediaStore) -> None:
    staged = store.stage([b"x"])
    store.put(staged.path, "a/b")
    assert store.path("a/b").stat().st_mode & 0o077 == 0
