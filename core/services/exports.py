"""Transcripts as files to take away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.services.transcripts import TranscriptReader
from core.speech.subtitles import FORMATS, ExportFormat, TranscriptHead, export_format

_LONGEST_STEM = 120
#: Not allowed in file names on one system or another.
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
#: ".mp3", but not the end of "Part 1.2" or of "Chapter 3. The storm".
_EXTENSION = re.compile(r"\.(?=\w*[a-zA-Z])\w{1,5}$", re.ASCII)
#: Names that mean a device on Windows.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportFile:
    """A file as it is being written."""

    #: Safe as a file name on every system.
    name: str
    media_type: str
    #: The content, piece by piece; can be read once.
    chunks: Iterator[str] = field(repr=False)


class ExportService:
    """Writes transcripts as SRT, VTT, TXT or JSON."""

    def __init__(self, transcription: TranscriptReader) -> None:
        self._transcripts = transcription

    def formats(self) -> tuple[ExportFormat, ...]:
        """Every format there is, in the order to offer them."""
        return tuple(FORMATS.values())

    def export(self, transcript_id: int, fmt: str) -> ExportFile:
        """The file, written while it is read, so that memory stays flat. A transcript that is still growing gives what
        there is, and says so in its name.

        Raises:
            UnsupportedFormatError: There is no such format.
            NotFoundError: There is no such transcript.
        """
        form = export_format(fmt)
        record = self._transcripts.get(transcript_id)
        name, duration_ms = self._transcripts.source(transcript_id)
        head = TranscriptHead(language=record.language, duration_ms=duration_ms)
        stem = file_stem(name) + ("" if record.complete else " (partial)")
        chunks = form.write(head, self._transcripts.iter_segments(transcript_id))
        return ExportFile(name=f"{stem}.{form.name}", media_type=form.media_type, chunks=chunks)


def file_stem(name: str) -> str:
    """A recording's name as the beginning of a file name: without its own extension, without what systems refuse."""
    stem = _EXTENSION.sub("", name)
    stem = _UNSAFE.sub("_", stem).strip(" .")[:_LONGEST_STEM].rstrip(" .")
    return f"_{stem}" if _DEVICES.fullmatch(stem) else stem or "transcript"
