"""The decode loop: a media file in, mono samples at 16 kHz out, in order, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from core.errors import CorruptMediaError, TruncatedMediaError
from core.infra.decoder.mixing import Mixer
from core.infra.decoder.opening import choose_track, describe, open_media, too_long
from core.infra.decoder.timeline import BYTES_PER_SAMPLE, RATE_HZ, Timeline

if TYPE_CHECKING:
    import av.audio.frame
    import av.audio.stream
    import av.container

#: About a second: what is sent at once.
BLOCK_BYTES = RATE_HZ * BYTES_PER_SAMPLE
#: Containers whose header gives the duration exactly; the others estimate it from size and bit rate.
_EXACT = frozenset({"wav", "w64", "aiff", "flac", "mov", "matroska", "caf", "au"})
#: A header may promise this much more than there is.
_TOLERATED_SHARE, _TOLERATED_SECONDS = 0.02, 0.5
#: So many packets in a row that cannot even be read mean there is no use in going on.
_MOST_READ_FAILURES = 100
#: With more damage than this (and more than half of all) the result would be more hole than sound.
_MOST_DAMAGED = 10


class Decoder:
    """Decodes one audio track.

    Args:
        file: The media file, open for reading, at its start.
        track: Which audio track, from 0.
        max_duration_ms: A recording that turns out longer is refused.

    Raises:
        MediaError: The file cannot be used; the class says why.
    """

    def __init__(self, file: IO[bytes], *, track: int, max_duration_ms: int) -> None:
        from av.stream import Discard

        self._max_duration_ms = max_duration_ms
        self._container = open_media(file)
        #: What is in the file, as `describe` gives it.
        self.info: dict[str, Any] = describe(self._container)
        self._stream = choose_track(self._container, self.info, track=track, max_duration_ms=max_duration_ms)
        for stream in self._container.streams:
            if stream is not self._stream:
                stream.discard = Discard.all  # libav then does not even read the pictures, where it can
        start = self._container.start_time
        self._timeline = Timeline(
            Mixer, start_seconds=max(0, start or 0) / 1e6, end_seconds=(self.info["duration_ms"] or 0) / 1000 or None
        )
        #: Frames that could not be decoded, so far.
        self.damaged = 0
        self._decoded = 0

    def blocks(self, *, start_ms: int = 0) -> Iterator[bytes]:
        """Decodes from `start_ms` on. What comes before is decoded too and dropped: with every codec the samples are
        then exactly those of a reading from the start. Empty blocks come meanwhile, as a sign of life.

        Raises:
            MediaError: The file turns out bad.
        """
        to_drop = start_ms * RATE_HZ // 1000 * BYTES_PER_SAMPLE
        most = self._max_duration_ms * RATE_HZ // 1000
        waiting = bytearray()
        for data in self._samples():
            if self._timeline.position > most:
                raise too_long(self._max_duration_ms)
            waiting += data
            if to_drop and len(waiting) >= BLOCK_BYTES:
                dropped = min(to_drop, len(waiting))
                to_drop -= dropped
                del waiting[:dropped]
                yield b""
            while not to_drop and len(waiting) >= BLOCK_BYTES:
                yield bytes(waiting[:BLOCK_BYTES])
                del waiting[:BLOCK_BYTES]
        self._check_end()
        if waiting[to_drop:]:
            yield bytes(waiting[to_drop:])

    def _samples(self) -> Iterator[bytes]:
        for frame in self._frames():
            yield from self._timeline.add(frame)
        yield from self._timeline.finish()

    def _frames(self) -> Iterator[av.audio.frame.AudioFrame]:
        import av

        for packet in self._packets():
            try:
                frames = self._stream.decode(packet)
            except av.EOFError:
                return
            except (av.FFmpegError, ValueError) as error:
                _raise_if_out_of_memory(error)
                self.damaged += 1
                continue
            for frame in frames:
                if frame.samples and frame.sample_rate:
                    self._decoded += 1
                    yield frame

    def _packets(self) -> Iterator[Any]:
        import av

        for _ in range(_MOST_READ_FAILURES):
            try:
                yield from self._container.demux(self._stream)
                return
            except av.FFmpegError as error:
                _raise_if_out_of_memory(error)
                self.damaged += 1  # the next round goes on after the bad place

    def _check_end(self) -> None:
        if not self._decoded or not self._timeline.position:
            raise CorruptMediaError("The file is damaged: none of its sound can be decoded.")
        if self.damaged > _MOST_DAMAGED and self.damaged > self._decoded:
            raise CorruptMediaError("The file is damaged: more than half of its sound cannot be decoded.")
        if _EXACT.isdisjoint(self.info["container"].split(",")):
            return
        promised, found = self._promised_seconds(), self._timeline.position / RATE_HZ
        if promised - found > _TOLERATED_SECONDS + _TOLERATED_SHARE * promised:
            raise TruncatedMediaError(
                f"The file is cut off: by its own header it lasts {promised:.0f} seconds, but only {found:.0f} are "
                "there. Copy or download it again."
            )

    def _promised_seconds(self) -> float:
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        # The sound of a video may end before the picture does, so its duration says nothing about the sound.
        return 0.0 if self.info["has_video"] else (self.info["duration_ms"] or 0) / 1000


def _raise_if_out_of_memory(error: Exception) -> None:
    if isinstance(error, MemoryError):
        raise error
