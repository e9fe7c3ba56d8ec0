"""Keeps decoded sound on the time line of the file: sample n is what a player plays at n / 16,000 seconds.

Frames carry presentation times. Where the next frame comes later than the last one ended (sound that starts after the
picture, a hole, damaged frames), silence fills the gap; where it comes earlier, the overlap is dropped. Zero is the
start of the file as libav gives it, where players start too: encoder delay (AAC, MP3, Opus) has been removed by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

    from core.infra.decoder.mixing import Mixer

RATE_HZ = 16_000
BYTES_PER_SAMPLE = 4
#: Times are often rounded (Matroska: to 1 ms; AVI: to a frame); smaller steps than this are not gaps.
_TOLERANCE_SECONDS = 0.02
#: A step back by more than this is a new count (a joined file), not an overlap.
_RESTART_SECONDS = 1.0
#: A step forward beyond the end of the file, or by more than this where the end is unknown, is a new count too.
_SLACK_SECONDS = 5.0
_LONGEST_GAP_SECONDS = 3_600.0
_SILENCE = bytes(RATE_HZ * BYTES_PER_SAMPLE)


class Timeline:
    """Turns decoded frames into one gapless stream of float32 samples (as bytes).

    Args:
        make_mixer: Makes the converter to mono at `RATE_HZ`; a new one for each stretch without gaps.
        start_seconds: Presentation time that is zero for players.
        end_seconds: Duration of the file by its header, or None.
    """

    def __init__(
        self, make_mixer: Callable[[AudioFrame], Mixer], *, start_seconds: float, end_seconds: float | None
    ) -> None:
        self._make_mixer = make_mixer
        self._shift = -start_seconds
        self._end = end_seconds
        self._mixer: Mixer | None = None
        self._shape: tuple[str, str, int] | None = None
        #: Where the present stretch started, and how much of it went in.
        self._origin = 0.0
        self._fed_seconds = 0.0
        self._to_drop = 0
        #: Samples given out so far.
        self.position = 0

    def add(self, frame: AudioFrame) -> Iterator[bytes]:
        """Takes the next decoded frame; gives out what is ready."""
        expected = self._origin + self._fed_seconds
        at = expected if frame.pts is None or not frame.time_base else float(frame.pts * frame.time_base) + self._shift
        first = self._mixer is None and not self.position
        # The very first frame is placed exactly; later ones only if they are off by more than rounding.
        tolerance = 0.0 if first else max(_TOLERANCE_SECONDS, 1.5 * float(frame.time_base or 0))
        step = at - expected
        if (step < -_RESTART_SECONDS and not first) or self._beyond(at, step):
            self._shift -= step
            step, at = 0.0, expected
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._mixer is None or shape != self._shape or abs(step) > tolerance:
            yield from self._break(at if abs(step) > tolerance else expected)
            self._mixer, self._shape = self._make_mixer(frame), shape
        self._fed_seconds += frame.samples / frame.sample_rate
        for data in self._mixer.mix(frame):
            yield from self._emit(data)

    def finish(self) -> Iterator[bytes]:
        """Gives out what is left."""
        yield from self._break(self._origin + self._fed_seconds, fill=False)

    def _beyond(self, at: float, step: float) -> bool:
        if step <= _TOLERANCE_SECONDS:
            return False
        return at > self._end + _SLACK_SECONDS if self._end else step > _LONGEST_GAP_SECONDS

    def _break(self, at: float, *, fill: bool = True) -> Iterator[bytes]:
        """Ends the present stretch and starts the next one at `at` seconds."""
        if self._mixer is not None:
            for data in self._mixer.mix(None):
                yield from self._emit(data)
            self._mixer = None
        self._origin, self._fed_seconds = at, 0.0
        missing = round(at * RATE_HZ) - self.position if fill else 0
        self._to_drop = max(0, -missing)
        while missing > 0:
            count = min(missing, RATE_HZ)
            missing -= count
            yield from self._emit(_SILENCE[: count * BYTES_PER_SAMPLE])

    def _emit(self, data: bytes) -> Iterator[bytes]:
        if self._to_drop:
            drop = min(self._to_drop, len(data) // BYTES_PER_SAMPLE)
            self._to_drop -= drop
            data = data[drop * BYTES_PER_SAMPLE :]
        if data:
            self.position += len(data) // BYTES_PER_SAMPLE
            yield data
