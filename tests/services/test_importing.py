"""Bringing files in: whole or not at all (A3, C7, C10, C12, D1)."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from core.errors import (
    AudioTrackError,
    DatabaseError,
    DiskFullError,
    EmptyMediaError,
    MediaMissingError,
    MediaTooLargeError,
    NoAudioStreamError,
    NotFoundError,
    NotMediaError,
    ReadbackError,
    SilentMediaError,
    TruncatedMediaError,
)
from core.infra.media_store import LocalMediaStore
from core.services.importing import ImportFailure, ImportOutcome, ImportService
from core.settings import Settings
from core.speech.peaks import read_header, read_level
from tests import media
from tests.services.conftest import Shelf


@pytest.fixture
def hum(tmp_path: Path) -> Path:
    return media.write(tmp_path / "Chapter 1.flac", media.hum(), codec="flac", rate=16_000, layout="mono")


@pytest.fixture
def project(shelf: Shelf) -> int:
    return shelf.library.create_project("A book").id


def test_a_file_becomes_a_recording(shelf: Shelf, project: int, hum: Path) -> None:
    before, told = hum.read_bytes(), list[tuple[str, int, int]]()
    outcome = shelf.importing.import_file(project, hum, on_progress=lambda *report: told.append(report))
    recording = outcome.recording
    assert not outcome.duplicate
    assert (recording.name, recording.position, recording.duration_ms) == ("Chapter 1.flac", 0, 2_000)
    assert (recording.codec, recording.sample_rate_hz, recording.channels) == ("flac", 16_000, 1)
    assert (recording.has_video, recording.notes, recording.size_bytes) == (False, (), len(before))
    assert shelf.media.path(recording.media_key).read_bytes() == before == hum.read_bytes()
    assert ("Receiving", len(before), len(before)) in told
    assert told[-1] == ("Reading", 2_000, 2_000)
    assert shelf.staged() == []


def test_peaks_are_stored_with_it(shelf: Shelf, project: int, hum: Path) -> None:
    """A15: the waveform comes from the same pass as the check."""
    recording = shelf.importing.import_file(project, hum).recording
    data = shelf.media.path(recording.peaks_key).read_bytes()
    header = read_header(data)
    assert header.samples == 32_000
    bins = read_level(data, header.levels[0])
    assert len(bins) == 125
    assert bins.min() == pytest.approx(-39, abs=1)
    assert bins.max() == pytest.approx(39, abs=1)


def test_the_same_content_is_recognised_whatever_its_name(
    shelf: Shelf, project: int, hum: Path, tmp_path: Path
) -> None:
    """D1."""
    first = shelf.importing.import_file(project, hum).recording
    copy = tmp_path / "copy.bin"
    copy.write_bytes(hum.read_bytes())
    again = shelf.importing.import_file(project, copy)
    assert again.duplicate
    assert again.recording.id == first.id
    assert shelf.library.list_recordings(project_id=project).total == 1
    other = shelf.importing.import_file(shelf.library.create_project("Another").id, copy)
    assert not other.duplicate
    assert len(shelf.files()) == 2
    assert shelf.staged() == []


def test_tracks_of_one_file_are_recordings_of_their_own(shelf: Shelf, project: int, tmp_path: Path) -> None:
    sounds = [media.hum(hertz=200, rate=48_000), media.hum(hertz=400, rate=48_000, seconds=1)]
    video = media.write(tmp_path / "film.mkv", sounds, codec="flac", layout="mono", video="mpeg4")
    assert [track.index for track in shelf.importing.probe(video).tracks] == [0, 1]
    first = shelf.importing.import_file(project, video).recording
    second = shelf.importing.import_file(project, video, track=1).recording
    assert (first.audio_track, second.audio_track, first.has_video) == (0, 1, True)
    assert first.media_key == second.media_key
    assert first.peaks_key != second.peaks_key
    assert first.notes == ("The file has 2 audio tracks; this is the first.",)
    assert second.notes == ()
    shelf.library.delete_recording(first.id)
    assert shelf.media.path(second.media_key).is_file()
    with pytest.raises(AudioTrackError):
        shelf.importing.import_file(project, video, track=2)
    with pytest.raises(AudioTrackError):
        shelf.importing.import_file(project, video, track=-1)


def _bad_files(folder: Path) -> dict[str, tuple[bytes, type[ReadbackError]]]:
    wav = media.write(folder / "x.wav", media.hum(rate=48_000), codec="pcm_s16le", layout="mono")
    silent = media.write(folder / "s.wav", media.hum(rate=48_000, level=0.0), codec="pcm_s16le", layout="mono")
    mute = media.write(folder / "m.mp4", [], codec="", video="mpeg4")
    return {
        "empty.wav": (b"", EmptyMediaError),
        "text.wav": (b"Once upon a time. " * 50, NotMediaError),
        "mute.mp4": (mute.read_bytes(), NoAudioStreamError),
        "silent.wav": (silent.read_bytes(), SilentMediaError),
        "cut.wav": (wav.read_bytes()[:50_000], TruncatedMediaError),
    }


@pytest.mark.parametrize("name", ["empty.wav", "text.wav", "mute.mp4", "silent.wav", "cut.wav"])
def test_what_cannot_be_used_leaves_nothing(shelf: Shelf, project: int, tmp_path: Path, name: str) -> None:
    """C7, C10: its own error, and not a byte stays."""
    content, error = _bad_files(tmp_path)[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error):
        shelf.importing.import_file(project, tmp_path / name)
    assert shelf.files() == shelf.staged() == []
    assert shelf.library.list_recordings(project_id=project).total == 0


def test_missing_files_and_projects(shelf: Shelf, project: int, hum: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaMissingError):
        shelf.importing.import_file(project, tmp_path / "nowhere.wav")
    with pytest.raises(MediaMissingError):
        shelf.importing.import_file(project, tmp_path)
    with pytest.raises(NotFoundError):
        shelf.importing.import_file(project + 1, hum)
    with pytest.raises(NotFoundError):
        shelf.importing.import_staged(project + 1, shelf.importing.stage([hum.read_bytes()], name="x"))
    assert shelf.files() == shelf.staged() == []


def test_too_large_is_refused_before_and_while_it_comes(shelf: Shelf, project: int) -> None:
    """C12."""
    small = ImportService(
        shelf.database, shelf.media, shelf.audio, Settings(data_dir=shelf.settings.data_dir, max_upload_bytes=2**20)
    )

    def never() -> bytes:
        raise AssertionError("it was read although its length said it is too large")

    with pytest.raises(MediaTooLargeError):
        small.stage((never() for _ in range(1)), name="x", declared_bytes=2**20 + 1)
    with pytest.raises(MediaTooLargeError):
        small.stage((bytes(2**18) for _ in range(5)), name="x")
    assert shelf.staged() == []


def test_a_disk_without_room_is_told_and_nothing_stays(shelf: Shelf, project: int, hum: Path) -> None:
    full = LocalMediaStore(shelf.settings.data_dir / "media", min_free_bytes=2**60)
    with pytest.raises(DiskFullError):
        ImportService(shelf.database, full, shelf.audio, shelf.settings).import_file(project, hum)
    assert shelf.files() == shelf.staged() == []
    full.close()


def test_a_failing_database_leaves_no_file(shelf: Shelf, project: int, hum: Path) -> None:
    """The files are moved in first; without their row they go again."""
    from sqlalchemy import event, exc

    def fail(*_: object) -> None:
        raise exc.OperationalError("INSERT", {}, Exception("the disk of the database is full"))

    statements = []

    @event.listens_for(shelf.database.engine, "before_cursor_execute")
    def on_execute(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("INSERT INTO recordings"):
            statements.append(statement)
            fail()

    with pytest.raises(DatabaseError):
        shelf.importing.import_file(project, hum)
    assert statements
    assert shelf.files() == shelf.staged() == []


def test_a_client_that_goes_away_leaves_nothing(shelf: Shelf) -> None:
    def chunks() -> object:
        yield bytes(1000)
        raise ConnectionResetError

    with pytest.raises(ReadbackError):
        shelf.importing.stage(chunks(), name="x")
    assert shelf.staged() == []


def test_the_same_file_from_many_at_once_is_one_recording(shelf: Shelf, project: int, hum: Path) -> None:
    outcomes, errors = list[ImportOutcome](), list[Exception]()

    def bring_in() -> None:
        try:
            outcomes.append(shelf.importing.import_file(project, hum))
        except ReadbackError as error:
            errors.append(error)

    threads = [threading.Thread(target=bring_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(outcome.duplicate for outcome in outcomes) == [False, True, True, True]
    assert len({outcome.recording.id for outcome in outcomes}) == 1
    assert shelf.staged() == []


def test_a_folder_comes_in_natural_order_with_an_outcome_for_each(shelf: Shelf, project: int, tmp_path: Path) -> None:
    """D1."""
    folder = tmp_path / "book"
    (folder / "part 2").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for index, name in enumerate(["10.wav", "2.wav", "part 2/1.wav", ".hidden/x.wav", ".secret.wav"]):
        sound = media.hum(rate=16_000, seconds=0.5, hertz=100 + 50 * index)
        media.write(folder / name, sound, codec="pcm_s16le", rate=16_000, layout="mono")
    (folder / "notes.txt").write_text("Not a recording at all.")
    (folder / "part 2" / "same as 2.wav").write_bytes((folder / "2.wav").read_bytes())
    outcomes = list(shelf.importing.import_folder(project, folder))
    told = [
        (outcome.path.relative_to(folder).as_posix(), isinstance(outcome, ImportFailure) or outcome.duplicate)
        for outcome in outcomes
        if outcome.path
    ]
    assert told == [
        ("2.wav", False),
        ("10.wav", False),
        ("notes.txt", True),
        ("part 2/1.wav", False),
        ("part 2/same as 2.wav", True),
    ]
    names = [recording.name for recording in shelf.library.list_recordings(project_id=project).items]
    assert names == ["2.wav", "10.wav", "1.wav"]
    with pytest.raises(MediaMissingError):
        next(shelf.importing.import_folder(project, folder / "none"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("C:\\Users\\me\\talk.wav", "talk.wav"),
        ("../../etc/passwd", "passwd"),
        ("  a \n b\x00.mp3 ", "a b.mp3"),
        ("", "Recording"),
        ("x" * 400, "x" * 300),
    ],
)
def test_names_are_made_safe(shelf: Shelf, given: str, expected: str) -> None:
    staged = shelf.importing.stage([b"x"], name=given)
    assert staged.name == expected
    shelf.importing.discard(staged)
    assert shelf.staged() == []


def test_damage_and_quiet_are_noted(shelf: Shelf, project: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    quiet = media.write(tmp_path / "q.wav", media.hum(level=0.003), codec="pcm_s16le", rate=16_000, layout="mono")
    assert "very quiet" in shelf.importing.import_file(project, quiet).recording.notes[0]
    whole = media.write(tmp_path / "d.m4a", media.hum(seconds=20, rate=44_100), codec="aac", rate=44_100, layout="mono")
    content = bytearray(whole.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3_000] = rng.bytes(3_000)
    whole.write_bytes(content)
    recording = shelf.importing.import_file(project, whole).recording
    assert recording.duration_ms == pytest.approx(20_000, abs=60)
    assert any("could not be read" in note for note in recording.notes)
