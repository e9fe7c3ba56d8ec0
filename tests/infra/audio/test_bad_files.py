"""Files that cannot be used: each its own error, never a hang, never a crash of ours (C7, C12, E3)."""

from __future__ import annotations

import io
import random
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from core.errors import (
    AudioTrackError,
    CorruptMediaError,
    EmptyMediaError,
    MediaError,
    MediaMissingError,
    MediaTimeoutError,
    MediaTooLongError,
    NoAudioStreamError,
    NotMediaError,
    TruncatedMediaError,
)
from core.infra.audio import PyAvAudioReader
from core.settings import Settings
from tests import media

Read = Callable[..., media.Floats]


def _zip() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        file.writestr("word/document.xml", "<xml/>")
    return memory.getvalue()


def _picture(kind: str) -> bytes:
    memory = io.BytesIO()
    with av.open(memory, "w", format="image2pipe") as output:
        stream = output.add_stream(kind, rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p" if kind == "mjpeg" else "rgb24"
        frame = av.VideoFrame(64, 64, "rgb24").reformat(format=stream.pix_fmt)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return memory.getvalue()


NOT_MEDIA = {
    "text": b"It was the best of times, it was the worst of times. " * 40,
    "utf8": "Über allen Gipfeln ist Ruh. ".encode() * 200,
    "utf16": "Über allen Gipfeln ist Ruh. ".encode("utf-16") * 20,
    "html": b"<!doctype html><html><body>404</body></html>",
    "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 20,
    "playlist": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "concat": b"ffconcat version 1.0\nfile '/etc/hostname'\n",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 8,
    "zip": _zip(),
    "jpeg": _picture("mjpeg"),
    "png": _picture("png"),
    "program": b"\x7fELF" + bytes(4_000),
    "noise": random.Random(5).randbytes(20_000),
    "zeros": bytes(20_000),
}


@pytest.mark.parametrize("ending", [".wav", ".mp3", ".m3u8", ""])
@pytest.mark.parametrize("kind", NOT_MEDIA)
def test_what_is_no_recording_is_told_whatever_its_name(
    tmp_path: Path, reader: PyAvAudioReader, kind: str, ending: str
) -> None:
    path = tmp_path / f"file{ending}"
    path.write_bytes(NOT_MEDIA[kind])
    with pytest.raises(NotMediaError):
        reader.probe(path)


def test_nothing_there(tmp_path: Path, reader: PyAvAudioReader, read: Read) -> None:
    (tmp_path / "empty.mp3").write_bytes(b"")
    with pytest.raises(EmptyMediaError):
        reader.probe(tmp_path / "empty.mp3")
    with pytest.raises(MediaMissingError):
        reader.probe(tmp_path / "none.mp3")
    with pytest.raises(MediaMissingError):
        read(tmp_path)


def test_no_sound(tmp_path: Path, reader: PyAvAudioReader) -> None:
    path = media.write(tmp_path / "mute.mp4", [], codec="", video="mpeg4")
    with pytest.raises(NoAudioStreamError, match="video has no sound"):
        reader.probe(path)


def test_a_track_that_is_not_there(tmp_path: Path, read: Read) -> None:
    path = media.write(tmp_path / "a.wav", media.hum(), codec="pcm_s16le", rate=16_000, layout="mono")
    for track in (1, -1):
        with pytest.raises(AudioTrackError, match="one audio track"):
            read(path, track=track)


@pytest.mark.parametrize(
    ("name", "codec", "video"),
    [("a.wav", "pcm_s16le", ""), ("a.aiff", "pcm_s16be", ""), ("a.flac", "flac", ""), ("a.m4a", "aac", ""),
     ("v.mp4", "aac", "mpeg4"), ("a.mka", "libopus", ""), ("v.mkv", "aac", "mpeg4"), ("v.avi", "libmp3lame", "mpeg4")],
)  # fmt: skip
def test_half_a_file_is_truncated(tmp_path: Path, read: Read, name: str, codec: str, video: str) -> None:
    path = media.write(tmp_path / name, media.hum(rate=48_000, channels=2, seconds=6), codec=codec, video=video)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(TruncatedMediaError, match=r"cut off|incomplete"):
        read(path)


def test_an_mp4_cut_inside_its_index_is_truncated(tmp_path: Path, reader: PyAvAudioReader) -> None:
    """The index often stands last: the last bytes lost are bytes of it, and without it no sound is found."""
    path = media.write(tmp_path / "v.mp4", media.hum(rate=48_000, channels=2, seconds=2), codec="aac", video="mpeg4")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moov") + 200])
    with pytest.raises(TruncatedMediaError, match="index"):
        reader.probe(path)


def test_a_wav_that_promises_more_than_there_is(tmp_path: Path, read: Read) -> None:
    path = media.write(tmp_path / "a.wav", media.hum(), codec="pcm_s16le", rate=16_000, layout="mono")
    media.promise_more(path, extra_bytes=100_000)
    with pytest.raises(TruncatedMediaError):
        read(path)


def test_a_wav_of_unknown_length_is_read_to_its_end(tmp_path: Path, read: Read) -> None:
    """What a recorder that writes to a pipe leaves."""
    path = media.write(tmp_path / "a.wav", media.hum(), codec="pcm_s16le", rate=16_000, layout="mono")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    content[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(read(path)) == 32_000


def test_nothing_that_can_be_decoded_is_corrupt(tmp_path: Path, read: Read) -> None:
    path = media.write(tmp_path / "a.flac", media.hum(rate=48_000), codec="flac", layout="mono")
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(len(content) - 100))
    with pytest.raises(CorruptMediaError):
        read(path)


def test_a_few_damaged_frames_are_counted_and_the_rest_is_kept(tmp_path: Path, reader: PyAvAudioReader) -> None:
    path = media.write(tmp_path / "a.m4a", media.hum(rate=48_000, seconds=20), codec="aac", layout="mono")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 600] = random.Random(1).randbytes(600)
    path.write_bytes(content)
    with reader.read(path) as stream:
        count = sum(block.size for block in stream)
    assert stream.damaged_frames > 0
    assert count / 16 == pytest.approx(20_000, abs=50)


def test_too_long_by_its_header_and_by_counting(tmp_path: Path) -> None:
    hour = Settings(data_dir=tmp_path, max_duration_hours=1)
    path = tmp_path / "long.wav"
    with path.open("wb") as file:  # 62 minutes of 8 kHz, 8 bits, without the bytes: a file with a hole
        size = 62 * 60 * 8_000
        file.write(
            b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 8_000, 1, 8)
        )
        file.write(b"data" + struct.pack("<I", size))
        file.truncate(size + 44)
    with pytest.raises(MediaTooLongError, match="1 hours"):
        PyAvAudioReader(hour).probe(path)


def test_a_file_that_grows_beyond_all_limits_when_decoded(tmp_path: Path) -> None:
    """A decompression bomb: FLAC packs silence into next to nothing, and the header need not say how long it is."""
    path = media.write(
        tmp_path / "bomb.mka", media.hum(seconds=600, level=0.0), codec="flac", rate=16_000, layout="mono"
    )
    reader = PyAvAudioReader(Settings(data_dir=tmp_path))
    reader._limits["max_duration_ms"] = 60_000
    with pytest.raises(MediaTooLongError):
        reader.probe(path)
    content = path.read_bytes()
    assert content.count(b"\x44\x89\x88") == 1
    path.write_bytes(content.replace(b"\x44\x89\x88", b"\x44\x90\x88"))  # the duration's element is none any more
    assert reader.probe(path).duration_ms is None
    with pytest.raises(MediaTooLongError), reader.read(path) as stream:
        for _ in stream:
            pass


def test_a_child_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.wav", media.hum(seconds=600), codec="pcm_s16le", rate=16_000, layout="mono")
    reader = PyAvAudioReader(Settings(data_dir=tmp_path))
    reader._patience_seconds = 0
    began = time.monotonic()
    with pytest.raises(MediaTimeoutError), reader.read(path) as stream:
        for _ in stream:
            pass
    assert time.monotonic() - began < 30


def test_a_child_out_of_processor_time_is_ended(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.wav", media.hum(seconds=600), codec="pcm_s16le", rate=16_000, layout="mono")
    reader = PyAvAudioReader(Settings(data_dir=tmp_path))
    reader._limits["cpu_seconds"] = 0
    with pytest.raises(MediaTimeoutError), reader.read(path) as stream:
        for _ in stream:
            pass


def _samples() -> dict[str, tuple[str, str, str]]:
    return {
        "a.wav": ("pcm_s16le", "", ""), "a.flac": ("flac", "", ""), "a.mp3": ("libmp3lame", "", ""),
        "a.m4a": ("aac", "", ""), "a.opus": ("libopus", "", ""), "v.webm": ("libopus", "libvpx", ""),
        "v.mp4": ("aac", "mpeg4", ""),
    }  # fmt: skip


@pytest.mark.parametrize("name", _samples())
def test_damage_of_any_kind_is_an_error_of_ours_or_none(tmp_path: Path, read: Read, name: str) -> None:
    """Random damage: the reader either reads or refuses; it never hangs and nothing else is raised."""
    codec, video, _ = _samples()[name]
    whole = media.write(tmp_path / name, media.hum(rate=48_000, channels=2, seconds=1.5), codec=codec, video=video)
    content, chance = whole.read_bytes(), random.Random(name)
    for _ in range(12):
        damaged = bytearray(content)
        match chance.randrange(3):
            case 0:
                del damaged[chance.randrange(1, len(damaged)) :]
            case 1:
                for _ in range(chance.choice((1, 10, 300))):
                    damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            case _:
                head = min(len(damaged), 400)  # where the structure is
                for _ in range(chance.choice((1, 4, 20))):
                    damaged[chance.randrange(head)] ^= 1 << chance.randrange(8)
        path = tmp_path / "damaged"
        path.write_bytes(damaged)
        try:
            samples = read(path)
        except MediaError:
            continue
        assert (abs(samples) <= 1).all()
