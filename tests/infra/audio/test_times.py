"""Sample n is what a player plays at n / 16,000 s: word times depend on it (C2, C7)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.infra.audio import PyAvAudioReader
from tests import media

Read = Callable[..., media.Floats]
TOLERANCE_MS = 15


@pytest.mark.parametrize(
    ("name", "codec", "video"),
    [
        ("a.wav", "pcm_s16le", ""),
        ("a.flac", "flac", ""),
        ("a.aiff", "pcm_s16be", ""),
        ("a.mp3", "libmp3lame", ""),
        ("a.m4a", "aac", ""),
        ("a.m4a", "alac", ""),
        ("a.opus", "libopus", ""),
        ("a.ogg", "libopus", ""),
        ("a.webm", "libopus", ""),
        ("v.webm", "libopus", "libvpx"),
        ("v.mp4", "aac", "mpeg4"),
        ("v.mkv", "aac", "mpeg4"),
        ("v.mkv", "libopus", "mpeg4"),
        ("v.mov", "pcm_s16le", "mpeg4"),
    ],
)
def test_a_click_at_one_second_is_found_there(tmp_path: Path, read: Read, name: str, codec: str, video: str) -> None:
    """Encoder delay and container offsets are taken out, in every kind of file a browser plays."""
    path = media.write(tmp_path / name, media.click(), codec=codec, video=video)
    samples = read(path)
    assert media.first_loud_ms(samples) == pytest.approx(1_000, abs=TOLERANCE_MS)
    assert len(samples) / 16 == pytest.approx(3_000, abs=50)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 96_000])
def test_any_sample_rate(tmp_path: Path, read: Read, rate: int) -> None:
    path = media.write(tmp_path / "a.wav", media.click(rate=rate), codec="pcm_s16le", rate=rate)
    samples = read(path)
    assert media.first_loud_ms(samples) == pytest.approx(1_000, abs=1)
    assert len(samples) == pytest.approx(48_000, abs=2)


@pytest.mark.parametrize(("name", "codec"), [("v.mkv", "flac"), ("v.mkv", "libopus"), ("v.mov", "pcm_s16le")])
def test_sound_that_starts_after_the_picture_starts_after_silence(
    tmp_path: Path, read: Read, name: str, codec: str
) -> None:
    path = media.write(tmp_path / name, media.click(), codec=codec, video="mpeg4", start=0.5)
    samples = read(path)
    assert media.first_loud_ms(samples) == pytest.approx(1_500, abs=TOLERANCE_MS)
    assert not samples[:7_000].any()


def test_a_hole_becomes_silence_of_its_length(tmp_path: Path, read: Read) -> None:
    sound = media.hum(rate=48_000, seconds=6, channels=2)
    path = media.write(tmp_path / "hole.mkv", sound, codec="pcm_s16le", video="mpeg4", hole=(2.0, 3.5))
    samples = read(path)
    assert len(samples) / 16 == pytest.approx(6_000, abs=25)
    assert np.abs(samples[int(2.1 * 16_000) : int(3.4 * 16_000)]).max() < 0.001
    assert np.abs(samples[int(3.6 * 16_000) :]).max() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.opus", "libopus"), ("a.flac", "flac")]
)
@pytest.mark.parametrize("start_ms", [1, 999, 1_000, 2_500])
def test_reading_from_the_middle_gives_exactly_the_same_samples(
    tmp_path: Path, read: Read, name: str, codec: str, start_ms: int
) -> None:
    """A job that resumes hears what it would have heard (C13)."""
    noise = np.random.default_rng(1).normal(0, 0.1, (2, 4 * 48_000)).astype(np.float32)
    path = media.write(tmp_path / name, noise, codec=codec)
    np.testing.assert_array_equal(read(path, start_ms=start_ms), read(path)[start_ms * 16 :])


def test_reading_from_beyond_the_end_gives_nothing(tmp_path: Path, read: Read) -> None:
    path = media.write(tmp_path / "a.wav", media.hum(), codec="pcm_s16le", rate=16_000, layout="mono")
    assert len(read(path, start_ms=1_999)) == 16
    assert len(read(path, start_ms=5_000)) == 0


@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 6), ("8c", 8), ("12c", 12)])
def test_channels_are_mixed_without_clipping(tmp_path: Path, read: Read, layout: str, channels: int) -> None:
    sound = media.hum(rate=48_000, channels=channels, level=0.5)
    if channels > 6:  # PyAV makes no frames of so many
        path = _wide_wav(tmp_path / "wide.wav", sound)
    else:
        path = media.write(tmp_path / "a.wav", sound, codec="pcm_s16le", layout=layout)
    assert np.abs(read(path)).max() == pytest.approx(0.5, abs=0.03)


def _wide_wav(path: Path, sound: media.Floats) -> Path:
    import wave

    with wave.open(str(path), "wb") as file:
        file.setparams((sound.shape[0], 2, 48_000, 0, "NONE", ""))
        file.writeframes((sound.T * 32_767).astype("<i2").tobytes())
    return path


def test_tracks_are_told_apart(tmp_path: Path, read: Read, reader: PyAvAudioReader) -> None:
    sounds = [media.click(at=1.0), media.click(at=2.0)]
    path = media.write(tmp_path / "two.mkv", sounds, codec="libopus", video="mpeg4")
    info = reader.probe(path)
    assert [(track.index, track.codec, track.channels) for track in info.tracks] == [(0, "opus", 2), (1, "opus", 2)]
    assert info.has_video
    assert media.first_loud_ms(read(path, track=0)) == pytest.approx(1_000, abs=TOLERANCE_MS)
    assert media.first_loud_ms(read(path, track=1)) == pytest.approx(2_000, abs=TOLERANCE_MS)


def test_a_cover_picture_is_no_video(tmp_path: Path, reader: PyAvAudioReader) -> None:
    path = media.write(tmp_path / "a.mp3", media.click(), codec="libmp3lame")
    info = reader.probe(path)
    assert (info.container, info.has_video, info.duration_ms) == ("mp3", False, 3_000)


def test_blocks_are_about_a_second(tmp_path: Path, reader: PyAvAudioReader) -> None:
    path = media.write(tmp_path / "a.wav", media.hum(seconds=3.5), codec="pcm_s16le", rate=16_000, layout="mono")
    with reader.read(path) as stream:
        assert [block.size for block in stream] == [16_000, 16_000, 16_000, 8_000]
        assert stream.damaged_frames == 0
