"""Files that go out: recordings for the player (any part of them), waveforms, transcripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import quote as quoted
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from core.bootstrap import Workbench
from core.services.records import RecordingRecord

_ONE_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")
#: By FFmpeg's name of the container: what it is without and with pictures.
_TYPES = {
    "wav": ("audio/wav", "audio/wav"),
    "flac": ("audio/flac", "audio/flac"),
    "mp3": ("audio/mpeg", "audio/mpeg"),
    "aac": ("audio/aac", "audio/aac"),
    "aiff": ("audio/aiff", "audio/aiff"),
    "ogg": ("audio/ogg", "video/ogg"),
    "mov": ("audio/mp4", "video/mp4"),
    "matroska": ("audio/webm", "video/webm"),
    "avi": ("audio/x-msvideo", "video/x-msvideo"),
    "mpegts": ("audio/mp2t", "video/mp2t"),
}
_UNKNOWN = ("audio/x-unknown", "video/x-unknown")
#: Content that came from outside must do nothing but sound, whatever it really is.
_HEADERS = {
    "cache-control": "private, max-age=3600",
    "content-security-policy": "default-src 'none'; media-src 'self'; sandbox",
    "cross-origin-resource-policy": "same-origin",
}


class Files:
    """GET and HEAD under ``/files/{token}``.

    Tokens are signed by `Workbench.links`: kind ``media`` with ``recording_id`` for the recording and its peaks, kind
    ``export`` with ``transcript_id`` for transcripts.
    """

    def __init__(self, get_workbench: Callable[[], Workbench]) -> None:
        self._workbench = get_workbench

    async def media(self, request: Request) -> Response:
        """The original file, whole or in part (RFC 9110: Range, If-Range, ETag). ``?download=1`` saves it."""
        recording, path = await to_thread.run_sync(self._find, request, False)
        kind = _TYPES.get(recording.container.split(",")[0], _UNKNOWN)[recording.has_video]
        how = "attachment" if request.query_params.get("download") else "inline"
        return _file(request, path, kind, etag=recording.sha256, disposition=_disposition(how, recording.name))

    async def peaks(self, request: Request) -> Response:
        """The waveform, in the format of `core.speech.peaks`, whole or in part."""
        recording, path = await to_thread.run_sync(self._find, request, True)
        etag = f"{recording.sha256}-{recording.audio_track}"
        return _file(request, path, "application/octet-stream", etag=etag, disposition="inline")

    async def export(self, request: Request) -> Response:
        """A transcript in one of the formats, written while it is sent."""
        workbench = self._workbench()
        token, fmt = request.path_params["token"], request.path_params["fmt"]
        claims = workbench.links.verify("export", token, workbench.settings.link_seconds)
        file = await to_thread.run_sync(workbench.exports.export, int(claims["transcript_id"]), fmt)
        headers = {"content-disposition": _disposition("attachment", file.name), "cache-control": "no-store"}
        return StreamingResponse(file.chunks, media_type=file.media_type, headers=headers)

    def _find(self, request: Request, peaks: bool) -> tuple[RecordingRecord, str]:
        workbench = self._workbench()
        claims = workbench.links.verify("media", request.path_params["token"], workbench.settings.link_seconds)
        recording = workbench.library.get_recording(int(claims["recording_id"]))
        return recording, str(workbench.media.path(recording.peaks_key if peaks else recording.media_key))


def _file(request: Request, path: str, media_type: str, *, etag: str, disposition: str) -> Response:
    headers = {**_HEADERS, "etag": f'"{etag}"', "content-disposition": disposition, "accept-ranges": "bytes"}
    if _unchanged(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    if not _range_is_usable(request.headers.get("range")):
        # A range that makes no sense is to be ignored (RFC 9110, 14.2), and several at once may be.
        request.scope["headers"] = [item for item in request.scope["headers"] if item[0] != b"range"]
    return FileResponse(path, media_type=media_type, headers=headers)


def _unchanged(if_none_match: str | None, etag: str) -> bool:
    wanted = [] if if_none_match is None else [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in wanted or etag in wanted


def _range_is_usable(header: str | None) -> bool:
    match = _ONE_RANGE.fullmatch(header.replace(" ", "")) if header else None
    return match is not None and (not match[1] or not match[2] or int(match[1]) <= int(match[2]))


def _disposition(how: str, name: str) -> str:
    """With the name in ASCII for old clients and in full for all others (RFC 6266)."""
    plain = quoted("".join(char if 31 < ord(char) < 127 else "_" for char in name))
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
