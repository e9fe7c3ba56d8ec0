"""Peaks of a waveform at several resolutions, computed in one pass over the samples with flat memory.

The file format, version 1, made for a player that draws any stretch of a 10-hour recording at 60 frames a second from a
few small range requests. All numbers are little endian.

=========  =====================================================================================
bytes      meaning
=========  =====================================================================================
0-3        ``RBPK``
4          version (1)
5          number of levels, L
6-7        factor between levels (4)
8-11       sample rate in Hz of the samples that were measured (16,000)
12-15      samples per bin of the first, finest level (256: 16 ms)
16-23      number of samples in all
24...      L entries of 16 bytes: offset of the level's data in the file (8), its number of bins (8)
           the levels' data: two signed bytes a bin, smallest and largest sample, -127 to 127
=========  =====================================================================================

Level k has bins of 256 x 4^k samples. Bin i covers the samples from i times its length; the last one may be shorter. A
minimum is rounded down and a maximum up, so that nothing that sounds is drawn as silence. Ten hours are 4.5 MB at the
finest level and 6 MB in all; the coarsest level is the first with at most 1,024 bins.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInputError

Samples = npt.NDArray[np.float32]
#: One row a bin: smallest, largest.
Bins = npt.NDArray[np.int8]

MAGIC = b"RBPK"
VERSION = 1
#: Samples per bin of the finest level.
BASE = 256
#: How many bins of a level make one of the next.
FACTOR = 4
#: A level this short needs no coarser one.
COARSEST_BINS = 1_024
#: More levels than the longest recording (240 hours) needs.
MAX_LEVELS = 16
_FULL_SCALE = 127
_HEAD = struct.Struct("<4sBBHIIQ")
_ENTRY = struct.Struct("<QQ")


@dataclass(frozen=True, kw_only=True, slots=True)
class PeakLevel:
    """One resolution within a peaks file."""

    #: Where its data begins, in bytes from the start of the file.
    offset: int
    bins: int
    samples_per_bin: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PeakHeader:
    """The beginning of a peaks file."""

    sample_rate_hz: int
    samples: int
    #: Finest first.
    levels: tuple[PeakLevel, ...]


class PeakBuilder:
    """Takes samples block by block, counts them and their level, and gives the peaks file at the end.

    Memory: two bytes for each 256 samples (0.5 MB an hour), whatever the block size.

    Args:
        sample_rate_hz: Rate of the samples; only noted in the file.
    """

    def __init__(self, sample_rate_hz: int = 16_000) -> None:
        self._rate = sample_rate_hz
        self._bins = bytearray()
        self._rest = np.empty(0, dtype=np.float32)
        self._squares = 0.0
        #: Samples seen so far.
        self.samples = 0
        #: Largest absolute sample so far, 0 to 1.
        self.peak = 0.0

    def add(self, block: Samples) -> None:
        """Takes the next samples (finite, -1 to 1)."""
        if not block.size:
            return
        self.samples += block.size
        self.peak = max(self.peak, float(np.abs(block).max()))
        # Not np.dot: it may start a thread a core for so little, and they would wait for each other.
        self._squares += float(np.square(block, dtype=np.float64).sum())
        joined = np.concatenate((self._rest, block)) if self._rest.size else block
        whole = joined.size - joined.size % BASE
        self._bins += _measure(joined[:whole].reshape(-1, BASE)).tobytes()
        self._rest = joined[whole:].copy()

    @property
    def rms(self) -> float:
        """Root mean square of all samples so far, 0 to 1."""
        return float(np.sqrt(self._squares / self.samples)) if self.samples else 0.0

    @property
    def duration_ms(self) -> int:
        """Length of what was seen so far."""
        return round(self.samples * 1000 / self._rate)

    def chunks(self) -> Iterator[bytes]:
        """The peaks file, in pieces. The builder must not be used after that."""
        finest = np.frombuffer(bytes(self._bins), dtype=np.int8).reshape(-1, 2)
        if self._rest.size:
            finest = np.concatenate((finest, _measure(self._rest.reshape(1, -1))))
        levels = [finest]
        while len(levels[-1]) > COARSEST_BINS and len(levels) < MAX_LEVELS:
            levels.append(_coarser(levels[-1]))
        offset = _HEAD.size + _ENTRY.size * len(levels)
        yield _HEAD.pack(MAGIC, VERSION, len(levels), FACTOR, self._rate, BASE, self.samples)
        for level in levels:
            yield _ENTRY.pack(offset, len(level))
            offset += level.size
        for level in levels:
            yield level.tobytes()


def read_header(data: bytes) -> PeakHeader:
    """Reads the beginning of a peaks file; its first 280 bytes are always enough.

    Raises:
        InvalidInputError: It is no peaks file of this version.
    """
    if len(data) < _HEAD.size:
        raise InvalidInputError("This is not a waveform file.")
    magic, version, count, factor, rate, base, samples = _HEAD.unpack_from(data)
    if magic != MAGIC or version != VERSION or len(data) < _HEAD.size + _ENTRY.size * count:
        raise InvalidInputError("This is not a waveform file of this version.")
    entries = (_ENTRY.unpack_from(data, _HEAD.size + _ENTRY.size * index) for index in range(count))
    levels = tuple(
        PeakLevel(offset=offset, bins=bins, samples_per_bin=base * factor**index)
        for index, (offset, bins) in enumerate(entries)
    )
    return PeakHeader(sample_rate_hz=rate, samples=samples, levels=levels)


def read_level(data: bytes, level: PeakLevel) -> Bins:
    """The bins of one level of a whole peaks file: rows of (smallest, largest), -127 to 127."""
    return np.frombuffer(data, dtype=np.int8, count=level.bins * 2, offset=level.offset).reshape(-1, 2)


def _measure(rows: Samples) -> Bins:
    low = np.floor(rows.min(axis=1) * _FULL_SCALE)
    high = np.ceil(rows.max(axis=1) * _FULL_SCALE)
    return np.stack((low, high), axis=1).clip(-_FULL_SCALE, _FULL_SCALE).astype(np.int8)


def _coarser(bins: Bins) -> Bins:
    starts = np.arange(0, len(bins), FACTOR)
    return np.stack((np.minimum.reduceat(bins[:, 0], starts), np.maximum.reduceat(bins[:, 1], starts)), axis=1)
