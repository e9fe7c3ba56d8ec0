"""The decoder by itself, in this process: what the child does between its limits (C7)."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from core.errors import MediaError
from core.infra.decoder import frames, sniffing
from core.infra.decoder.main import serve
from core.infra.decoder.mixing import Mixer
from core.infra.decoder.timeline import Timeline
from tests import media


def run(path: Path, mode: str = "read", **options: Any) -> tuple[dict[str, Any], bytes]:
    """The last message, and all samples sent before it."""
    asked = {"mode": mode, "track": 0, "start_ms": 0, "max_duration_ms": 3_600_000, **options}
    pipe = io.BytesIO()
    with path.open("rb") as file:
        last = serve(asked, file, pipe)
    pipe.seek(0)
    samples = b""
    while frame := frames.read(pipe):
        samples += frame[1] if frame[0] == frames.SAMPLES else b""
    return last, samples


@pytest.mark.parametrize(
    ("name", "codec", "video"),
    [("a.wav", "pcm_s16le", ""), ("a.mp3", "libmp3lame", ""), ("v.mp4", "aac", "mpeg4"), ("v.mkv", "flac", "mpeg4"),
     ("a.aiff", "pcm_s16be", ""), ("a.webm", "libopus", "")],
)  # fmt: skip
def test_reading_and_probing(tmp_path: Path, name: str, codec: str, video: str) -> None:
    path = media.write(tmp_path / name, media.click(), codec=codec, video=video)
    info, _ = run(path, "probe")
    assert (info["type"], info["has_video"], len(info["tracks"])) == ("info", bool(video), 1)
    end, samples = run(path)
    assert end == {"type": "end", "damaged": 0}
    assert media.first_loud_ms(np.frombuffer(samples, "<f4")) == pytest.approx(1_000, abs=15)
    _, later = run(path, start_ms=1_500)
    assert later == samples[1_500 * 64 :]


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (b"", {}, "media_empty"),
        (b"hello", {}, "media_unknown_type"),
        (bytes(5_000), {}, "media_unknown_type"),
        (b"fLaC" + bytes(5_000), {}, "media_corrupt"),
        (None, {"track": 4}, "media_audio_track"),
        (None, {"max_duration_ms": 10}, "media_too_long"),
    ],
)
def test_errors_are_the_last_message(tmp_path: Path, content: bytes | None, options: dict[str, int], code: str) -> None:
    path = media.write(tmp_path / "a.wav", media.hum(), codec="pcm_s16le", rate=16_000, layout="mono")
    if content is not None:
        path.write_bytes(content)
    last, _ = run(path, **options)
    assert (last["type"], last["code"]) == ("error", code)
    assert last["message"]


def test_faults_of_memory_and_of_ours_are_told(tmp_path: Path) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise failure

    failure: Exception = MemoryError()
    asked = {"mode": "probe", "max_duration_ms": 1}
    assert serve(asked, Failing(b"x"), io.BytesIO())["code"] == "media_limits"
    failure = ZeroDivisionError("odd")
    told = serve(asked, Failing(b"x"), io.BytesIO())
    assert (told["code"], told["detail"]) == ("media_corrupt", "ZeroDivisionError: odd")


def frame(at: float | None, count: int = 1_600, *, rate: int = 16_000, layout: str = "mono") -> av.AudioFrame:
    channels = av.AudioLayout(layout).nb_channels
    made = av.AudioFrame.from_ndarray(np.full((channels, count), 0.5, dtype=np.float32), format="fltp", layout=layout)
    made.sample_rate, made.time_base = rate, Fraction(1, 1_000_000)
    made.pts = None if at is None else round(at * 1_000_000)
    return made


def timeline(*given: av.AudioFrame, start: float = 0.0, end: float | None = None) -> media.Floats:
    line = Timeline(Mixer, start_seconds=start, end_seconds=end)
    data = b"".join(piece for one in given for piece in line.add(one)) + b"".join(line.finish())
    assert line.position * 4 == len(data)
    return np.frombuffer(data, dtype="<f4")


def test_frames_that_follow_each_other_make_one_stream() -> None:
    assert len(timeline(frame(0), frame(0.1), frame(None))) == 4_800


def test_rounded_times_are_no_gaps() -> None:
    assert len(timeline(frame(0), frame(0.109), frame(0.191), end=1.0)) == 4_800


def test_gaps_are_filled_and_overlaps_dropped() -> None:
    samples = timeline(frame(0), frame(0.3), frame(0.35), end=1.0)
    assert len(samples) == 7_200
    assert not samples[1_650:4_750].any()
    assert samples[4_850:7_100].all()


def test_the_start_of_the_file_is_zero() -> None:
    assert len(timeline(frame(1.4), frame(1.5), start=1.4)) == 3_200
    assert len(timeline(frame(1.4), start=1.0)) == 8_000
    assert len(timeline(frame(-0.05), frame(0.05))) == 2_400


def test_a_new_count_goes_on_where_the_old_one_ended() -> None:
    """Joined files begin at zero again; broken ones jump by hours."""
    assert len(timeline(frame(5.0), frame(0.0), frame(0.1), start=5.0)) == 4_800
    assert len(timeline(frame(0), frame(50_000.0), frame(50_000.1), end=10.0)) == 4_800
    assert len(timeline(frame(0), frame(50_000.0), end=None)) == 3_200


def test_the_form_of_the_sound_may_change_in_the_middle() -> None:
    samples = timeline(frame(0), frame(0.1, 4_800, rate=48_000, layout="stereo"), frame(0.2))
    assert len(samples) == pytest.approx(4_800, abs=2)


@pytest.mark.parametrize(
    "head", [b"RIFF\0\0\0\0WAVE", b"\0\0\0\x08ftyp", b"\x1a\x45\xdf\xa3" + bytes(20), b"FORM" + bytes(9)]
)
def test_beginnings_without_an_end_are_handled(head: bytes) -> None:
    try:
        assert sniffing.check(io.BytesIO(head))
    except MediaError as error:
        assert "incomplete" in error.message  # noqa: PT017 — either is right, a crash is not


def test_text_cut_in_the_middle_of_a_letter_is_text() -> None:
    with pytest.raises(MediaError, match="text"):
        sniffing.check(io.BytesIO(b"a" * 4_095 + "ü".encode()))
