"""The decoder's code without its process: where coverage and a debugger can look.

In the app it runs in a child that may open no file, so nothing can be measured there; the tests in `tests/infra/audio`
look at it from outside, and here both ways must give the same.
"""

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.infra.audio import PyAvAudioReader
from core.infra.decoder import frames, main
from core.settings import Settings
from tests import media

LONGEST_MS = 60_000


def serve(content: bytes, **asked: Any) -> tuple[dict[str, Any], list[dict[str, Any]], bytes]:
    """The last message, the messages before it, and the samples."""
    request = {"mode": "read", "track": 0, "start_ms": 0, "max_duration_ms": LONGEST_MS} | asked
    pipe = io.BytesIO()
    last = main.serve(request, io.BytesIO(content), pipe)
    pipe.seek(0)
    messages, samples = [], b""
    while (frame := frames.read(pipe)) is not None:
        kind, payload = frame
        if kind == frames.MESSAGE:
            messages.append(frames.parse_message(payload))
        else:
            samples += payload
    return last, messages, samples


def from_child(path: Path, **options: int) -> bytes:
    with PyAvAudioReader(Settings(data_dir=path.parent)).read(path, **options) as stream:
        return b"".join(np.ascontiguousarray(block, dtype="<f4").tobytes() for block in stream)


GOOD: dict[str, dict[str, Any]] = {
    "mono.wav": {"sounds": media.hum(), "codec": "pcm_s16le", "rate": 16_000, "layout": "mono"},
    "stereo.flac": {"sounds": media.click(), "codec": "flac"},
    "stereo.aiff": {"sounds": media.click(), "codec": "pcm_s16be"},
    "surround.mka": {"sounds": media.hum(rate=48_000, channels=6), "codec": "flac", "layout": "5.1"},
    "speech.m4a": {"sounds": media.click(), "codec": "aac"},
    "speech.mp3": {"sounds": media.click(), "codec": "libmp3lame"},
    "opus.webm": {"sounds": media.click(), "codec": "libopus"},
    "video.mp4": {"sounds": media.click(), "codec": "aac", "video": "mpeg4"},
    "video.avi": {"sounds": media.click(), "codec": "libmp3lame", "video": "mpeg4"},
    "late.mkv": {"sounds": media.click(), "codec": "aac", "video": "mpeg4", "start": 0.7},
    "hole.mkv": {"sounds": media.click(seconds=4), "codec": "pcm_s16le", "hole": (2.0, 3.0)},
}


@pytest.mark.parametrize("name", GOOD)
def test_same_samples_as_from_the_child(tmp_path: Path, name: str) -> None:
    path = media.write(tmp_path / name, **GOOD[name])
    last, (info,), samples = serve(path.read_bytes())
    assert last == {"type": "end", "damaged": 0}
    assert info["type"] == "info"
    assert len(info["tracks"]) == 1
    assert samples == from_child(path)


def test_reading_from_the_middle_and_another_track(tmp_path: Path) -> None:
    sounds = [media.hum(rate=48_000, channels=2), media.click()]
    path = media.write(tmp_path / "two.mka", sounds, codec="flac")
    _, _, everything = serve(path.read_bytes(), track=1)
    _, _, rest = serve(path.read_bytes(), track=1, start_ms=1_500)
    assert rest == everything[1_500 * 16 * 4 :]
    assert everything == from_child(path, track=1)


def test_probing_sends_no_samples(tmp_path: Path) -> None:
    path = media.write(tmp_path / "video.mp4", media.click(), codec="aac", video="mpeg4")
    last, messages, samples = serve(path.read_bytes(), mode="probe")
    assert (last["type"], last["has_video"], messages, samples) == ("info", True, [], b"")


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def zeroed(content: bytes) -> bytes:
    return content[:100] + bytes(len(content) - 100)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "media_empty"),
        (b"It was the best of times. " * 300, "media_unknown_type"),
        ("Über allen Gipfeln ist Ruh. ".encode() * 300, "media_unknown_type"),
        ("Über allen Gipfeln ist Ruh. ".encode("utf-16") * 20, "media_unknown_type"),
        (b"%PDF-1.7\n", "media_unknown_type"),
        (random.Random(5).randbytes(20_000), "media_unknown_type"),
        (b"fLaC" + bytes(20_000), "media_corrupt"),
        (b"RF64" + bytes(2_000), "media_corrupt"),
        (b"\0\0\0\x10ftypM4A " + bytes(2_000), "media_truncated"),
    ],
)
def test_bytes_that_are_no_recording(content: bytes, code: str) -> None:
    last, _, samples = serve(content)
    assert (last["type"], last["code"], samples) == ("error", code, b"")
    assert last["message"].endswith((".", "once."))


@pytest.mark.parametrize(
    ("name", "damage", "code"),
    [
        ("mono.wav", cut, "media_truncated"),
        ("speech.m4a", cut, "media_truncated"),
        ("stereo.aiff", cut, "media_truncated"),
        ("stereo.flac", cut, "media_truncated"),
        ("stereo.flac", zeroed, "media_corrupt"),
        ("video.mp4", cut, "media_truncated"),
        ("video.avi", cut, "media_truncated"),
        ("surround.mka", cut, "media_truncated"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, damage: Any, code: str) -> None:
    # Large enough that half of it does not end inside the header or the index.
    sound = media.hum(rate=48_000, channels=2, seconds=6)
    path = media.write(tmp_path / name, sound, codec=GOOD[name]["codec"], video=GOOD[name].get("video", ""))
    last, _, _ = serve(damage(path.read_bytes()))
    assert last["code"] == code


def test_a_damaged_middle_is_counted(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.m4a", media.hum(rate=48_000, seconds=20), codec="aac", layout="mono")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 600] = random.Random(1).randbytes(600)
    last, _, samples = serve(bytes(content))
    assert last["type"] == "end"
    assert last["damaged"] > 0
    assert len(samples) / 64 == pytest.approx(20_000, abs=50)


def test_wishes_that_cannot_be_met(tmp_path: Path) -> None:
    content = media.write(tmp_path / "mono.wav", **GOOD["mono.wav"]).read_bytes()
    mute = media.write(tmp_path / "mute.mp4", [], codec="", video="mpeg4").read_bytes()
    assert serve(content, track=1)[0]["code"] == "media_audio_track"
    assert serve(content, max_duration_ms=1_000)[0]["code"] == "media_too_long"
    assert serve(mute)[0]["code"] == "media_no_audio"


@pytest.mark.parametrize(("fault", "code"), [(MemoryError, "media_limits"), (RuntimeError, "media_corrupt")])
def test_a_fault_of_the_reading_is_told(monkeypatch: pytest.MonkeyPatch, fault: type[Exception], code: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault("inside libav")

    monkeypatch.setattr("core.infra.decoder.decoding.open_media", fail)
    assert serve(b"RIFF")[0]["code"] == code


def test_everything_is_imported_by_a_trial() -> None:
    main._import_all()


@pytest.mark.parametrize("broken", [b"J", b"X\0\0\0\0", b"S\xff\xff\xff\xff", b"J\x05\0\0\0ab"])
def test_a_broken_frame_is_noticed(broken: bytes) -> None:
    with pytest.raises(frames.BrokenPipeline):
        frames.read(io.BytesIO(broken))


@pytest.mark.parametrize("payload", [b"{", b"[]"])
def test_a_message_that_is_none_is_noticed(payload: bytes) -> None:
    with pytest.raises(frames.BrokenPipeline):
        frames.parse_message(payload)
