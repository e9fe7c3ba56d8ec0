"""The child process: standard input is the media file, standard output the pipe of frames.

The parent starts it isolated and without site packages set-up (see `core.infra.audio.process`): it is there in about a
tenth of a second.
"""

from __future__ import annotations

import json
import os
import signal
from typing import IO, Any

from core.errors import CorruptMediaError, MediaError, MediaTimeoutError
from core.infra.decoder import frames
from core.infra.decoder.limits import forbid_opening, limit_process


def run(request: str) -> None:
    """Does what the request says and reports through standard output.

    Args:
        request: JSON: ``mode`` ("probe" or "read"), ``track``, ``start_ms``, ``max_duration_ms``, ``memory_bytes``,
            ``cpu_seconds``.
    """
    asked = json.loads(request)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the parent has gone: end without a word
    limit_process(memory_bytes=asked["memory_bytes"], cpu_seconds=asked["cpu_seconds"])
    _import_all()
    forbid_opening()
    with os.fdopen(1, "wb", closefd=False) as pipe, os.fdopen(0, "rb", buffering=0, closefd=False) as file:
        frames.write_message(pipe, serve(asked, file, pipe))
    os._exit(0)  # nothing to clean up, and libav's own clean-up of a bad file is one more thing that can go wrong


def _import_all() -> None:
    """Imports what is imported late otherwise, by decoding a little sound from memory: no file can be opened later."""
    import io
    import wave

    import av
    import av.logging
    import av.subtitles.stream

    from core.infra.decoder.decoding import Decoder

    av.logging.set_level(av.logging.PANIC)
    trial = io.BytesIO()
    with wave.open(trial, "wb") as writer:
        writer.setparams((2, 2, 8_000, 0, "NONE", ""))
        writer.writeframes(bytes(range(16)) * 256)
    trial.seek(0)
    for _ in Decoder(trial, track=0, max_duration_ms=10_000).blocks():
        pass


def serve(asked: dict[str, Any], file: IO[bytes], pipe: IO[bytes]) -> dict[str, Any]:
    """Reads the file, sends what is in it, and returns the last message: the end, or the error."""
    from core.infra.decoder.decoding import Decoder
    from core.infra.decoder.opening import check_info, describe, open_media

    try:
        if asked["mode"] == "probe":
            info = describe(open_media(file))
            check_info(info, max_duration_ms=asked["max_duration_ms"])
            return {"type": "info", **info}
        decoder = Decoder(file, track=asked["track"], max_duration_ms=asked["max_duration_ms"])
        frames.write_message(pipe, {"type": "info", **decoder.info})
        for block in decoder.blocks(start_ms=asked["start_ms"]):
            frames.write(pipe, frames.SAMPLES, block)
        return {"type": "end", "damaged": decoder.damaged}
    except MediaError as error:
        return _told(error)
    except MemoryError:
        return _told(MediaTimeoutError("Reading this file needs more memory than it may use; it is probably damaged."))
    # Whatever else happens while untrusted bytes are read is the file's doing, and the parent must hear of it.
    except Exception as error:  # noqa: BLE001
        told = _told(CorruptMediaError("The file is damaged: reading it failed."))
        return told | {"detail": f"{type(error).__name__}: {error}"[:500]}


def _told(error: MediaError) -> dict[str, Any]:
    return {"type": "error", "code": error.code, "message": error.message}
