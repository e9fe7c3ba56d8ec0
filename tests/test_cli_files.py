"""Files in, files out: which are taken, what the outputs are called, and how several are told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli import run
from tests.console import environment
from tests.logging_state import restored_logging
from tests.services.speaking import clip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data folder for all tests, and two discs whose tracks have the same names, with what lies beside tracks."""
    root = tmp_path_factory.mktemp("files")
    for disc, end_ms in (("CD1", 3_900), ("CD2", 7_500)):
        (root / "book" / disc).mkdir(parents=True)
        clip(root / "book" / disc / "01.wav", end_ms=end_ms)
        (root / "book" / disc / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0 no sound")
    (root / "book" / "notes.txt").write_text("To be read slowly.")
    return root / "data", root / "book"


@pytest.fixture
def book(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, value in environment(folders[0]).items():
        monkeypatch.setenv(name, value)
    with restored_logging():
        yield folders[1]


def transcribe(*arguments: str | Path) -> int:
    return run(["transcribe", *map(str, arguments)])


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_outputs_lie_like_the_files_and_what_is_no_media_is_counted(
    book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transcribe(book, "-o", f"{tmp_path}/out/", "-f", "srt") == 0
    assert names(tmp_path / "out") == ["CD1/01.srt", "CD2/01.srt"]
    error = capsys.readouterr().err
    assert "Skipped 3 files that are not audio or video\n" in error
    assert "cover.jpg" not in error


def test_several_folders_keep_apart(book: Path, tmp_path: Path) -> None:
    assert transcribe(book / "CD1", book / "CD2", "-o", tmp_path) == 0
    assert names(tmp_path) == ["CD1/01.txt", "CD2/01.txt"]


def test_outputs_are_called_like_the_files_whatever_the_recordings_are(book: Path, tmp_path: Path) -> None:
    """The same content is stored once, under the name it first came with."""
    again = tmp_path / "Chapter 1.2.wav"
    again.write_bytes((book / "CD1" / "01.wav").read_bytes())
    assert transcribe(book / "CD1" / "01.wav", book / "CD2" / "01.wav", again, "-o", f"{tmp_path}/out/") == 0
    assert names(tmp_path / "out") == ["01 (2).txt", "01.txt", "Chapter 1.2.txt"]


def test_what_is_named_must_be_media_and_a_folder_must_hold_some(
    book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transcribe(book / "notes.txt") == 3
    assert "notes.txt: This is text" in capsys.readouterr().err
    assert transcribe(tmp_path) == 3
    assert "There is no audio or video in" in capsys.readouterr().err
    (tmp_path / "chapter.mp3").write_text("a page that was saved instead")
    assert transcribe(tmp_path) == 3
    captured = capsys.readouterr()
    assert "chapter.mp3: This is text" in captured.err
    assert "Skipped" not in captured.err


def test_the_ending_says_the_format(book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = book / "CD1" / "01.wav"
    assert transcribe(sound, "-o", tmp_path / "x.SRT") == 0
    assert (tmp_path / "x.SRT").read_text(encoding="utf-8").startswith("1\n00:00:0")
    assert transcribe(sound, "-o", tmp_path / "x.text") == 0
    assert (tmp_path / "x.text").read_text(encoding="utf-8").startswith("The old keeper")
    assert transcribe(sound, "-o", f"{tmp_path}/new/") == 0  # a folder, as it ends like one
    assert names(tmp_path / "new") == ["01.txt"]
    capsys.readouterr()
    assert transcribe(sound, "-o", tmp_path / "y.srt", "-f", "vtt") == 2
    assert "y.srt ends in .srt, but --format is vtt" in capsys.readouterr().err
    assert not (tmp_path / "y.srt").exists()


def test_several_outputs_do_not_fit_in_a_file(book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = tmp_path / "both.txt"
    assert transcribe(book / "CD1" / "01.wav", book / "CD2" / "01.wav", "-o", both) == 2
    assert f"it must be a folder: {both}/" in capsys.readouterr().err
    assert not both.exists()


def test_several_on_stdout_are_told_apart(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert transcribe(book) == 0
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.startswith("== CD1/01.wav ==\nThe old keeper")
    assert second.startswith("== CD2/01.wav ==\nThe old keeper")
    assert transcribe(book, "-f", "json") == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(document) for document in documents] == [["language", "duration_ms", "segments"]] * 2
    assert transcribe(book / "CD1" / "01.wav") == 0
    assert capsys.readouterr().out.startswith("The old keeper")


def test_tracks_are_counted_from_one(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = book / "CD1" / "01.wav"
    assert transcribe(sound, "--track", "1") == 0
    capsys.readouterr()
    assert transcribe(sound, "--track", "2") == 3
    assert "The file has one audio track; there is no track 2." in capsys.readouterr().err
    assert transcribe(sound, "--track", "0") == 2
