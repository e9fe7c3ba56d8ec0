"""Transcripts as files to take away: SRT, WebVTT, plain text, JSON.

Each writer takes segments as they come and yields the file piece by piece, so that memory stays flat.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from core.errors import UnsupportedFormatError
from core.speech.cues import clean, cues
from core.speech.transcript import Segment

_PROBABILITY_DIGITS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptHead:
    """What a file says about the whole transcript."""

    #: ISO 639-1 code, or empty.
    language: str
    #: Length of the recording.
    duration_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportFormat:
    """A kind of file a transcript can be written as."""

    #: Also the file extension, without a dot.
    name: str
    #: What to call it before users.
    title: str
    media_type: str
    write: Callable[[TranscriptHead, Iterable[Segment]], Iterator[str]]


def write_srt(_head: TranscriptHead, segments: Iterable[Segment]) -> Iterator[str]:
    """SubRip: numbered cues, times with a comma. It has no way to escape, so that an arrow in the text is replaced."""
    for number, cue in enumerate(cues(segments), start=1):
        text = "\n".join(cue.lines).replace("-->", "→")
        yield f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n{text}\n\n"


def write_vtt(_head: TranscriptHead, segments: Iterable[Segment]) -> Iterator[str]:
    """WebVTT: times with a dot; ``&``, ``<`` and ``>`` are escaped (https://www.w3.org/TR/webvtt1/#cue-text)."""
    yield "WEBVTT\n\n"
    for cue in cues(segments):
        text = "\n".join(cue.lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        yield f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{text}\n\n"


def write_txt(_head: TranscriptHead, segments: Iterable[Segment]) -> Iterator[str]:
    """Plain text, a line for each segment."""
    for segment in segments:
        if text := clean(segment.text):
            yield f"{text}\n"


def write_json(head: TranscriptHead, segments: Iterable[Segment]) -> Iterator[str]:
    """``{"language", "duration_ms", "segments": [{"start_ms", "end_ms", "text", "words"}]}``, a segment a line."""
    opening = {"language": head.language, "duration_ms": head.duration_ms}
    yield f'{json.dumps(opening, ensure_ascii=False)[:-1]}, "segments": ['
    separator = "\n"
    for segment in segments:
        yield separator + json.dumps(_segment_json(segment), ensure_ascii=False)
        separator = ",\n"
    yield "]}\n" if separator == "\n" else "\n]}\n"


def _segment_json(segment: Segment) -> dict[str, object]:
    return {
        "start_ms": segment.start_ms,
        "end_ms": segment.end_ms,
        "text": segment.text,
        "words": [
            {
                "text": word.text,
                "start_ms": word.start_ms,
                "end_ms": word.end_ms,
                "probability": round(word.probability, _PROBABILITY_DIGITS),
            }
            for word in segment.words
        ],
    }


def _clock(time_ms: int, mark: str) -> str:
    """``HH:MM:SS`` and milliseconds; a recording of 100 hours or more just gets a third digit."""
    seconds, milliseconds = divmod(max(0, time_ms), 1_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{milliseconds:03d}"


#: Every format, in the order they are offered.
FORMATS: Mapping[str, ExportFormat] = {
    form.name: form
    for form in (
        ExportFormat(name="srt", title="Subtitles (SRT)", media_type="application/x-subrip", write=write_srt),
        ExportFormat(name="vtt", title="Web subtitles (VTT)", media_type="text/vtt", write=write_vtt),
        ExportFormat(name="txt", title="Plain text (TXT)", media_type="text/plain", write=write_txt),
        ExportFormat(name="json", title="Data with word times (JSON)", media_type="application/json", write=write_json),
    )
}


def export_format(name: str) -> ExportFormat:
    """The format of that name.

    Raises:
        UnsupportedFormatError: There is none; the message names those there are.
    """
    try:
        return FORMATS[name.lower()]
    except KeyError:
        raise UnsupportedFormatError(f"There is no format “{name}”. Choose one of: {', '.join(FORMATS)}.") from None
