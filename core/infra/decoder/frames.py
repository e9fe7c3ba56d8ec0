"""What goes through the pipe: one byte of kind, four bytes of length (little endian), the payload."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

#: A JSON object: what the file is, an error, or the end.
MESSAGE = b"J"
#: Mono samples at 16 kHz, float32, little endian.
SAMPLES = b"S"
#: No frame is longer; a longer length is a sign of a child that is no longer ours.
MAX_PAYLOAD_BYTES = 1 << 20

_HEAD = struct.Struct("<cI")


class BrokenPipeline(Exception):  # noqa: N818 — not an error of the user's: the parent turns it into one
    """The other side ended in the middle of a frame, or sent something that is none."""


def write(pipe: IO[bytes], kind: bytes, payload: bytes | bytearray | memoryview) -> None:
    """Sends one frame."""
    pipe.write(_HEAD.pack(kind, len(payload)))
    pipe.write(payload)
    pipe.flush()


def write_message(pipe: IO[bytes], message: dict[str, Any]) -> None:
    """Sends one JSON object."""
    write(pipe, MESSAGE, json.dumps(message).encode())


def read(pipe: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Receives one frame as (kind, payload), or None at the end.

    Raises:
        BrokenPipeline: The frame is cut off or not one of ours.
    """
    head = pipe.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise BrokenPipeline
    kind, length = _HEAD.unpack(head)
    if kind not in (MESSAGE, SAMPLES) or length > MAX_PAYLOAD_BYTES:
        raise BrokenPipeline
    payload = pipe.read(length)
    if len(payload) < length:
        raise BrokenPipeline
    return kind, payload


def parse_message(payload: bytes) -> dict[str, Any]:
    """The JSON object of a `MESSAGE` frame. Raises `BrokenPipeline` if it is none."""
    try:
        message = json.loads(payload)
    except ValueError as error:
        raise BrokenPipeline from error
    if not isinstance(message, dict):
        raise BrokenPipeline
    return message
