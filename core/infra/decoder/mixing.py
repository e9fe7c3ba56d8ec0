"""Conversion of decoded frames to mono float32 at 16 kHz."""

from __future__ import annotations

from collections.abc import Iterator
from errno import EAGAIN
from typing import TYPE_CHECKING

from core.errors import CorruptMediaError
from core.infra.decoder.timeline import BYTES_PER_SAMPLE, RATE_HZ

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

#: libswresample knows how to mix layouts of up to 8 named speakers; of others it does not know what to do with each.
_MOST_NAMED_CHANNELS = 8


class Mixer:
    """Converts the frames of one format. Stereo is averaged; surround is mixed as libswresample does (front, centre and
    back at their usual levels, without clipping); channels that nobody described are averaged.

    Raises:
        CorruptMediaError: The frame has properties no sound has.
    """

    def __init__(self, frame: AudioFrame) -> None:
        import av
        from av.filter import Graph

        self._graph = Graph()
        count = frame.layout.nb_channels
        described = not frame.layout.name.endswith("channels")
        nodes = []
        try:
            nodes.append(
                self._graph.add(
                    "abuffer", sample_rate=str(frame.sample_rate), sample_fmt=frame.format.name,
                    channel_layout=frame.layout.name if described else f"{count}c",
                )
            )  # fmt: skip
            if count > 2 and (not described or count > _MOST_NAMED_CHANNELS):
                shares = "+".join(f"{1 / count:.6f}*c{index}" for index in range(count))
                nodes.append(self._graph.add("pan", f"mono|c0={shares}"))
            # Without this limit the mix of channels to floating point may be louder than full scale.
            nodes.append(self._graph.add("aresample", sample_rate=str(RATE_HZ), rematrix_maxval="1.0"))
            formats = {"sample_rates": str(RATE_HZ), "sample_fmts": "flt", "channel_layouts": "mono"}
            nodes.append(self._graph.add("aformat", **formats))
            nodes.append(self._graph.add("abuffersink"))
            self._graph.link_nodes(*nodes).configure()
        except (av.FFmpegError, ValueError) as error:
            raise CorruptMediaError("The sound in this file has a form that cannot be converted.") from error

    def mix(self, frame: AudioFrame | None) -> Iterator[bytes]:
        """Takes a frame, or None at the end; gives what is ready of the converted samples (float32 bytes)."""
        import av

        if frame is not None:
            frame.pts = None  # times are the time line's business
        self._graph.push(frame)
        while True:
            try:
                done = self._graph.pull()
            except av.EOFError:
                return
            except av.FFmpegError as error:
                if error.errno != EAGAIN:
                    raise
                return
            assert isinstance(done, av.AudioFrame)
            yield bytes(done.planes[0])[: done.samples * BYTES_PER_SAMPLE]
