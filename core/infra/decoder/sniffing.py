"""What a file is by its first bytes, and whether it is all there by its own structure: before libav touches it."""

from __future__ import annotations

import struct
from typing import IO

from core.errors import EmptyMediaError, NotMediaError, TruncatedMediaError
from core.infra.decoder.mp3 import promised_size

_NOT_MEDIA = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"BM", "a picture (BMP)"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3\0", "a database"),
)
_HEAD_BYTES = 4096
#: A file may miss this much of what its header promises: the last block of an interrupted copy does no harm.
_TOLERATED_SHARE = 0.01
_TOLERATED_BYTES = 4096
_UNKNOWN_32 = (0, 0xFFFFFFFF)
#: More boxes than any player's file has at its top level (fragments of a long live stream included).
_MAX_BOXES = 200_000
_EBML_SEGMENT = b"\x18\x53\x80\x67"


def check(file: IO[bytes]) -> bool:
    """Refuses what is certainly no recording, or certainly cut off; leaves the file at its start.

    Returns:
        Whether the first bytes are those of a well-known kind of recording.

    Raises:
        EmptyMediaError, NotMediaError, TruncatedMediaError: As their names say.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if not size or not head:
        raise EmptyMediaError("The file is empty. If it was copied or downloaded, try that again.")
    for magic, what in _NOT_MEDIA:
        if head.startswith(magic):
            raise NotMediaError(f"This is {what}, not an audio or video file, whatever its name says.")
    if _is_text(head):
        raise NotMediaError("This is text (a document, a web page or a playlist), not an audio or video file.")
    known = True
    if head[:4] in (b"RIFF", b"RF64", b"FORM"):
        _check_riff(file, head, size)
    elif head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        _check_boxes(file, size)
    elif head.startswith(b"\x1a\x45\xdf\xa3"):
        _check_segment(head, size)
    else:
        _refuse_if_cut(promised_size(file), size)
        known = head.startswith((b"fLaC", b"OggS", b"ID3", b"\x30\x26\xb2\x75", b"FLV", b"caff", b"#!AMR", b".snd"))
    file.seek(0)
    return known


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and len(head) > 3:
        return head[2:3] == b"\0" or head[3:4] == b"\0"  # UTF-16; an MPEG frame does not begin like that
    if any(byte < 9 or 13 < byte < 27 for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) == _HEAD_BYTES  # cut in the middle of a character
    return True


def _refuse_if_cut(promised: int, size: int) -> None:
    missing = promised - size
    if missing > max(_TOLERATED_BYTES, _TOLERATED_SHARE * promised):
        raise TruncatedMediaError(
            f"The file is cut off: by its own header it should have {promised:,} bytes, but there are {size:,}. "
            "Copy or download it again."
        )


def _check_riff(file: IO[bytes], head: bytes, size: int) -> None:
    if head[:4] == b"RF64":
        return  # the sizes are elsewhere; the duration is compared after decoding
    order = ">" if head[:4] == b"FORM" else "<"
    kind = head[8:12]
    position = 12
    while position + 8 <= size:
        file.seek(position)
        chunk = file.read(8)
        name, length = chunk[:4], struct.unpack(f"{order}I", chunk[4:])[0]
        if name in (b"data", b"SSND", b"movi") or (kind == b"AVI " and name == b"LIST"):
            if length not in _UNKNOWN_32:
                _refuse_if_cut(position + 8 + length, size)
            if name != b"LIST":
                return
        position += 8 + length + (length & 1)


def _check_boxes(file: IO[bytes], size: int) -> None:
    position, has_index, whole_index = 0, False, True
    for _ in range(_MAX_BOXES):
        if position + 8 > size:
            break
        file.seek(position)
        box = file.read(16)
        length, name = struct.unpack(">I", box[:4])[0], box[4:8]
        has_index = has_index or name == b"moov"
        if length == 0:  # to the end of the file
            break
        if length == 1 and len(box) == 16:
            length = struct.unpack(">Q", box[8:])[0]
        if length < 8:
            break
        position += length
        whole_index = whole_index and (name != b"moov" or position <= size)
    if not has_index or not whole_index:
        raise TruncatedMediaError(
            "The file is incomplete: the index an MP4 or MOV file needs (moov) is not all there. The recording was "
            "probably interrupted, or the file not copied to its end."
        )
    _refuse_if_cut(position, size)


def _check_segment(head: bytes, size: int) -> None:
    at = head.find(_EBML_SEGMENT)
    if at < 0 or at + 12 > len(head):
        return
    first = head[at + 4]
    width = 9 - first.bit_length()
    if not first or at + 4 + width > len(head):
        return
    value = int.from_bytes(head[at + 4 : at + 4 + width], "big") & ((1 << 7 * width) - 1)
    if value != (1 << 7 * width) - 1:  # all ones: of unknown size, a live recording
        _refuse_if_cut(at + 4 + width + value, size)
