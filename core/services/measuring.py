"""One pass over a file's sound: how long it is, how loud, its peaks, and what the user should know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import CorruptMediaError, SilentMediaError
from core.ports import SAMPLE_RATE_HZ, AudioReader, AudioTrack, DecodeSummary, MediaInfo
from core.speech.peaks import PeakBuilder

#: -72 dB of full scale, about the noise floor of 12-bit sound: below it, nothing was recorded.
SILENCE_PEAK = 10 ** (-72 / 20)
#: -40 dB: speech that never gets louder is hard to recognize.
QUIET_PEAK = 10 ** (-40 / 20)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What one pass found."""

    info: MediaInfo
    track: AudioTrack
    summary: DecodeSummary
    peaks: PeakBuilder
    #: ``{"code": ..., "message": ...}`` each.
    notes: tuple[dict[str, Any], ...]


def measure(
    audio: AudioReader, path: Path, *, track: int | None = None, tell: Callable[[str, int, int], None]
) -> Measured:
    """Reads a track from its start to its end.

    Args:
        audio: Reads untrusted media.
        path: The file.
        track: Which audio track, from 0; None: the first.
        tell: Told the stage, the milliseconds done, and those in all (0 if the file does not say).

    Raises:
        MediaError: The file cannot be used; the class says why.
    """
    peaks = PeakBuilder(SAMPLE_RATE_HZ)
    with audio.read(path, track=track or 0) as stream:
        info = stream.info
        for block in stream:
            peaks.add(block)
            tell("Reading", peaks.duration_ms, max(info.duration_ms or 0, peaks.duration_ms) if info.duration_ms else 0)
        damaged = stream.damaged_frames
    summary = DecodeSummary(
        duration_ms=peaks.duration_ms, peak=peaks.peak, rms=peaks.rms, damaged_frames=damaged
    )  # fmt: skip
    if not summary.duration_ms:
        raise CorruptMediaError("There is no sound in the file: it is less than a thousandth of a second long.")
    if summary.peak < SILENCE_PEAK:
        raise SilentMediaError("There is nothing to hear in this recording: it is silent from beginning to end.")
    notes = tuple(_notes(info, summary, track))
    return Measured(info=info, track=info.tracks[track or 0], summary=summary, peaks=peaks, notes=notes)


def _notes(info: MediaInfo, summary: DecodeSummary, track: int | None) -> list[dict[str, Any]]:
    notes = []
    if summary.damaged_frames:
        what = "One short stretch" if summary.damaged_frames == 1 else f"{summary.damaged_frames} short stretches"
        notes.append({"code": "damaged", "message": f"{what} could not be read; silence stands in its place."})
    if track is None and len(info.tracks) > 1:
        message = f"The file has {len(info.tracks)} audio tracks; this is the first."
        notes.append({"code": "tracks", "message": message})
    if summary.peak < QUIET_PEAK:
        notes.append({"code": "quiet", "message": "The recording is very quiet; recognition may suffer."})
    return notes
