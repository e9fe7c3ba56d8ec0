"""MP3 that ends before its encoder's note says it should (C7)."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TruncatedMediaError
from core.infra.audio import PyAvAudioReader
from core.infra.decoder.mp3 import promised_size
from tests import media

Read = Callable[..., media.Floats]
#: A tag longer than what is looked at first.
COVER = b"ID3\x04\x00\x00\x00\x00\x40\x00" + bytes(64 * 128)


def without_tag(content: bytes) -> bytes:
    """From the first frame on."""
    return content[content.index(b"\xff\xf3" if b"\xff\xf3" in content[:200] else b"\xff\xfb") :]


@pytest.mark.parametrize(
    ("rate", "layout"), [(48_000, "stereo"), (44_100, "mono"), (22_050, "stereo"), (16_000, "mono")]
)
@pytest.mark.parametrize("tag", [b"", COVER], ids=["bare", "tagged"])
def test_half_an_mp3_is_truncated(
    tmp_path: Path, read: Read, reader: PyAvAudioReader, rate: int, layout: str, tag: bytes
) -> None:
    sound = media.hum(rate=rate, channels=2 if layout == "stereo" else 1, seconds=6)
    path = media.write(tmp_path / "a.mp3", sound, codec="libmp3lame", rate=rate, layout=layout)
    content = tag + without_tag(path.read_bytes())
    path.write_bytes(content)
    assert promised_size(io.BytesIO(content)) == len(content)
    assert read(path).size == pytest.approx(6 * 16_000, rel=0.02)
    path.write_bytes(content[: len(tag) + (len(content) - len(tag)) // 2])
    with pytest.raises(TruncatedMediaError, match="cut off"):
        read(path)
    with pytest.raises(TruncatedMediaError, match="cut off"):
        reader.probe(path)


def test_a_note_by_fraunhofers_encoder_is_read() -> None:
    frame = bytearray(400)
    frame[:4] = b"\xff\xfb\x90\x00"
    frame[36:50] = b"VBRI" + bytes(6) + (9_000).to_bytes(4, "big")
    assert promised_size(io.BytesIO(frame)) == 9_000


def test_an_mp3_without_a_note_is_read_to_its_end(tmp_path: Path, read: Read) -> None:
    """Nobody can tell where it was cut."""
    path = media.write(tmp_path / "a.mp3", media.hum(rate=48_000, channels=2, seconds=6), codec="libmp3lame")
    content = without_tag(path.read_bytes())
    second = content.index(content[:2], 4)
    sound = content[second:]
    assert promised_size(io.BytesIO(sound)) == 0
    path.write_bytes(sound[: len(sound) // 2])
    assert read(path).size == pytest.approx(3 * 16_000, rel=0.05)


@given(st.binary(max_size=400), st.sampled_from([b"", b"ID3", b"\xff\xfb", b"\xff\xfb\x90\x00" + bytes(32) + b"Xing"]))
def test_no_content_breaks_it(content: bytes, beginning: bytes) -> None:
    assert promised_size(io.BytesIO(beginning + content)) >= 0
