"""How long an MP3 says it is.

Its first frame may hold a note by the encoder (Xing, Info, VBRI) instead of sound. An MP3 without one does not know its
length: where such a file was cut nobody can tell.
"""

from __future__ import annotations

from typing import IO

#: More than the first frame's header, side information and note.
_FRAME_BYTES = 192
_MPEG_1 = 3
_MONO = 3
#: Bits of Xing's flags: which numbers follow.
_HAS_FRAMES, _HAS_BYTES = 1, 2
#: VBRI stands at a fixed place, whatever the kind of frame.
_VBRI_AT = 36


def promised_size(file: IO[bytes]) -> int:
    """Where by its own note the MP3 ends, in bytes from the file's start; 0 if it has no note, or is no MP3.

    Sources: the layouts as LAME (Xing, Info) and Fraunhofer's encoder (VBRI) write them.
    """
    file.seek(0)
    start, tag = 0, file.read(10)
    if tag[:3] == b"ID3" and len(tag) == 10:
        length = sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
        start = 10 + length + (10 if tag[5] & 0x10 else 0)  # with a footer
    file.seek(start)
    frame = file.read(_FRAME_BYTES)
    if len(frame) < _FRAME_BYTES or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return 0
    mono = frame[3] >> 6 == _MONO
    side_bytes = (17 if mono else 32) if frame[1] >> 3 & 3 == _MPEG_1 else (9 if mono else 17)
    at = 4 + side_bytes
    length = 0
    if frame[at : at + 4] in (b"Xing", b"Info"):
        flags = int.from_bytes(frame[at + 4 : at + 8], "big")
        at += 12 if flags & _HAS_FRAMES else 8
        length = int.from_bytes(frame[at : at + 4], "big") if flags & _HAS_BYTES else 0
    elif frame[_VBRI_AT : _VBRI_AT + 4] == b"VBRI":
        length = int.from_bytes(frame[_VBRI_AT + 10 : _VBRI_AT + 14], "big")
    return start + length if length else 0
