"""Makes media files of many kinds, for tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
CLICK_SECONDS = 1.0
_PICTURE = 64
_PICTURES_PER_SECOND = 25


def click(*, rate: int = 48_000, seconds: float = 3.0, at: float = CLICK_SECONDS, channels: int = 2) -> Floats:
    """Silence with a click of four milliseconds: rows are channels."""
    sound = np.zeros((channels, round(rate * seconds)), dtype=np.float32)
    count = round(rate * 0.004)
    sound[:, round(at * rate) :][:, :count] = 0.9 * np.sin(2 * np.pi * 1500 * np.arange(count) / rate)
    return sound


def hum(
    *, rate: int = 16_000, seconds: float = 2.0, channels: int = 1, hertz: float = 220.0, level: float = 0.3
) -> Floats:
    """A steady tone."""
    tone = level * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)
    return np.repeat(tone.astype(np.float32)[None], channels, axis=0)


def write(
    path: Path,
    sounds: Floats | Sequence[Floats],
    *,
    codec: str,
    rate: int = 48_000,
    layout: str = "stereo",
    video: str = "",
    start: float = 0.0,
    hole: tuple[float, float] | None = None,
    container: str | None = None,
) -> Path:
    """Encodes sound, one array a track.

    Args:
        path: Where to; the ending says the container unless `container` does.
        sounds: Samples of each track.
        codec: Encoder of the sound.
        rate: Sample rate of the sounds.
        layout: Channel layout of the sounds.
        video: Encoder of a black picture to go with it; empty: none.
        start: The sound begins this many seconds after the picture.
        hole: No sound is written between these two times, in seconds.
        container: Name of the container.
    """
    tracks = [sounds] if isinstance(sounds, np.ndarray) else list(sounds)
    with av.open(str(path), "w", format=container) as output:
        seconds = max((sound.shape[1] / rate for sound in tracks), default=1.0)
        picture = output.add_stream(video, rate=_PICTURES_PER_SECOND) if video else None
        if picture is not None:
            picture.width = picture.height = _PICTURE
            picture.pix_fmt = "yuv420p"
        streams = [output.add_stream(codec, rate=rate, layout=layout) for _ in tracks]
        if picture is not None:
            for index in range(round(seconds * _PICTURES_PER_SECOND)):
                output.mux(picture.encode(_black(index)))
            output.mux(picture.encode(None))
        for stream, sound in zip(streams, tracks, strict=True):
            resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate)
            for frame in _frames(sound, rate, layout, start, hole):
                for converted in resampler.resample(frame) if frame is not None else resampler.resample(None):
                    output.mux(stream.encode(converted))
            output.mux(stream.encode(None))
    return path


def _black(index: int) -> av.VideoFrame:
    frame = av.VideoFrame(_PICTURE, _PICTURE, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.pts, frame.time_base = index, Fraction(1, _PICTURES_PER_SECOND)
    return frame


def _frames(
    sound: Floats, rate: int, layout: str, start: float, hole: tuple[float, float] | None
) -> Iterator[av.AudioFrame | None]:
    step = rate // 50
    for position in range(0, sound.shape[1], step):
        if hole and hole[0] <= position / rate < hole[1]:
            continue
        piece = np.ascontiguousarray(sound[:, position : position + step])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = position + round(start * rate)
        yield frame
    yield None


def first_loud_ms(samples: Floats, *, rate: int = 16_000) -> float:
    """When the sound first reaches a third of its largest value, in milliseconds."""
    loud = np.abs(samples) > np.abs(samples).max() / 3
    return float(np.argmax(loud) * 1000 / rate)


def promise_more(path: Path, *, extra_bytes: int) -> Path:
    """Rewrites the data size of a WAV, so that its header promises more than there is."""
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    size = int.from_bytes(content[at : at + 4], "little")
    content[at : at + 4] = (size + extra_bytes).to_bytes(4, "little")
    path.write_bytes(content)
    return path
