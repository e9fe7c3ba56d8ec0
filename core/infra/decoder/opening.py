"""Opening a file with libav, and telling what is in it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from core.errors import AudioTrackError, CorruptMediaError, MediaTooLongError, NoAudioStreamError, NotMediaError
from core.infra.decoder import sniffing

if TYPE_CHECKING:
    import av.audio.stream
    import av.container
    from av.audio.codeccontext import AudioCodecContext

#: The demuxers that may run. No playlists (hls, dash, concat), no pictures, no text, no devices.
FORMATS = (
    "3gp,aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,gsm,iff,loas,m4a,matroska,mlp,mov,"
    "mp3,mp4,mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,oma,qcp,rm,sox,tak,truehd,tta,voc,w64,wav,webm,wsaud,wv,xwma"
)
_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file,pipe", "max_streams": "256"}
_MICROSECONDS_PER_MS = 1000


class _Unnamed:
    """A file without its name, so that what it is depends on its content alone and libav can open nothing else."""

    def __init__(self, file: IO[bytes]) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def open_media(file: IO[bytes]) -> av.container.InputContainer:
    """Opens a file for reading.

    Raises:
        MediaError: It cannot be; the class and the message say why.
    """
    import av

    known = sniffing.check(file)
    try:
        return av.open(_Unnamed(file), mode="r", options=_OPTIONS, metadata_errors="replace", buffer_size=1 << 16)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
        if known:
            raise CorruptMediaError("The file is damaged: its beginning looks right, but it cannot be read.") from error
        raise NotMediaError("This is not an audio or video file that can be read, whatever its name says.") from error


def describe(container: av.container.InputContainer) -> dict[str, Any]:
    """What is in the file, as JSON values that `core.ports.MediaInfo` is made from."""
    import av.stream

    tracks = []
    for index, stream in enumerate(container.streams.audio):
        # None for codecs this build of libav has no decoder for; PyAV's annotations do not say so.
        context: AudioCodecContext | None = stream.codec_context
        tracks.append(
            {
                "index": index,
                "codec": "unknown" if context is None else context.name,
                "sample_rate_hz": 0 if context is None else context.sample_rate or 0,
                "channels": 0 if context is None else context.channels or 0,
                "language": stream.metadata.get("language", ""),
                "title": stream.metadata.get("title", ""),
            }
        )
    covers = av.stream.Disposition.attached_pic
    return {
        "container": container.format.name,
        "duration_ms": round(container.duration / _MICROSECONDS_PER_MS) if container.duration else None,
        "tracks": tracks,
        "has_video": any(not stream.disposition & covers for stream in container.streams.video),
    }


def choose_track(
    container: av.container.InputContainer, info: dict[str, Any], *, track: int, max_duration_ms: int
) -> av.audio.stream.AudioStream:
    """The audio track to read.

    Raises:
        NoAudioStreamError, AudioTrackError, MediaTooLongError, CorruptMediaError: As their names say.
    """
    streams = container.streams.audio
    check_info(info, max_duration_ms=max_duration_ms)
    if not 0 <= track < len(streams):
        have = "one audio track" if len(streams) == 1 else f"{len(streams)} audio tracks"
        raise AudioTrackError(f"The file has {have}; there is no track {track + 1}.")
    stream = streams[track]
    context: AudioCodecContext | None = stream.codec_context
    if context is None:
        raise CorruptMediaError("The kind of sound in this file is not known here; convert it, for example to FLAC.")
    context.thread_count = 1  # a second thread is memory for little: the parent does other work meanwhile
    return stream


def check_info(info: dict[str, Any], *, max_duration_ms: int) -> None:
    """Refuses files without sound, and those that say themselves that they are too long.

    Raises:
        NoAudioStreamError, MediaTooLongError: As their names say.
    """
    if not info["tracks"]:
        raise NoAudioStreamError(
            "The video has no sound." if info["has_video"] else "There is no sound in this file."
        )  # fmt: skip
    if (info["duration_ms"] or 0) > max_duration_ms:
        raise too_long(max_duration_ms)


def too_long(max_duration_ms: int) -> MediaTooLongError:
    """The error for a recording over the limit of duration."""
    hours = max_duration_ms / 3_600_000
    return MediaTooLongError(f"The recording is longer than {hours:g} hours, the most that may be brought in at once.")
