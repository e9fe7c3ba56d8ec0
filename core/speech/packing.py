"""Word times as a small blob, stored with their segment: about 5 bytes a word besides the segment's own text.

A row per word would take 56 to 112 bytes; ten million words make that a gigabyte.

Layout, version 1 (*varint*: LEB128, seven bits a byte, low bits first; *zigzag*: the sign is the lowest bit):

========== ============================================================================================
1 byte     version (1)
2 bytes    checksum of the segment's text and of everything that follows, big endian
varint     number of words
per word   varint ``length << 2 | space_before << 1 | inline``
           zigzag varint: onset minus the offset of the word before (of the first: minus the segment's onset)
           varint: duration
           1 byte: probability x 255
           if inline: as many bytes of UTF-8 as `length` says
========== ============================================================================================

A word that stands in the segment's text where the word before ended (spaces aside) is not written again: `length` then
counts characters of that text. Any other word is stored inline. Text, spaces and times come back exactly, the
probability to 1/255.
"""

from __future__ import annotations

import zlib

from core.errors import StorageError
from core.speech.transcript import Segment, Word

_VERSION = 1
_HEADER_BYTES = 3
_PROBABILITY_STEPS = 255


class WordsUnreadableError(StorageError):
    """Stored words that are damaged, belong to another text, or were written by a newer version."""

    code = "words_unreadable"


def pack_words(segment: Segment) -> bytes:
    """The words of a segment as a blob that `unpack_words` can read together with the segment's text and onset.

    Raises:
        ValueError: A word ends before it starts.
    """
    body = bytearray()
    _put_varint(body, len(segment.words))
    cursor, previous_end_ms = 0, segment.start_ms
    for word in segment.words:
        if word.end_ms < word.start_ms:
            raise ValueError(f"the word at {word.start_ms} ms ends before it starts")
        place = _skip_spaces(segment.text, cursor)
        inline = not segment.text.startswith(word.text, place)
        # Surrogates without a partner are no valid text, but losing a transcript over one would be worse.
        raw = word.text.encode("utf-8", "surrogatepass") if inline else b""
        length = len(raw) if inline else len(word.text)
        _put_varint(body, length << 2 | word.space_before << 1 | inline)
        _put_varint(body, _zigzag(word.start_ms - previous_end_ms))
        _put_varint(body, word.end_ms - word.start_ms)
        body.append(_probability_byte(word.probability))
        body += raw
        previous_end_ms = word.end_ms
        if not inline:
            cursor = place + length
    return bytes([_VERSION]) + _checksum(segment.text, body) + bytes(body)


def unpack_words(blob: bytes, *, text: str, start_ms: int) -> tuple[Word, ...]:
    """The words that `pack_words` stored.

    Args:
        blob: What it returned.
        text: Text of the same segment, unchanged.
        start_ms: Onset of the same segment, unchanged.

    Raises:
        WordsUnreadableError: The blob is damaged, does not belong to this text, or has a version we do not know.
    """
    if not blob or blob[0] != _VERSION:
        version = blob[0] if blob else "none"
        raise WordsUnreadableError(
            f"The stored word times have format version {version}, this program reads version {_VERSION}. "
            "A newer version of the program may have written them; update it, or transcribe the recording again."
        )
    body = blob[_HEADER_BYTES:]
    if blob[1:_HEADER_BYTES] != _checksum(text, body):
        raise WordsUnreadableError(
            "The stored word times are damaged or belong to another text. Transcribe the recording again."
        )
    try:
        return _read(body, text, start_ms)
    except (IndexError, UnicodeDecodeError) as error:
        # Only possible if damage kept the checksum by chance.
        raise WordsUnreadableError("The stored word times are damaged. Transcribe the recording again.") from error


def _read(body: bytes, text: str, start_ms: int) -> tuple[Word, ...]:
    count, at = _get_varint(body, 0)
    if count > len(body):
        raise IndexError("more words than bytes")
    words = []
    cursor, previous_end_ms = 0, start_ms
    for _ in range(count):
        head, at = _get_varint(body, at)
        delta, at = _get_varint(body, at)
        duration_ms, at = _get_varint(body, at)
        probability = body[at] / _PROBABILITY_STEPS
        at += 1
        length = head >> 2
        if head & 1:
            word_text = body[at : at + length].decode("utf-8", "surrogatepass")
            at += length
        else:
            place = _skip_spaces(text, cursor)
            cursor = place + length
            word_text = text[place:cursor]
        onset_ms = previous_end_ms + _unzigzag(delta)
        previous_end_ms = onset_ms + duration_ms
        words.append(
            Word(
                text=word_text,
                start_ms=onset_ms,
                end_ms=previous_end_ms,
                probability=probability,
                space_before=bool(head & 2),
            )
        )
    if at != len(body):
        raise IndexError("bytes left over")
    return tuple(words)


def _checksum(text: str, body: bytes | bytearray) -> bytes:
    value = zlib.crc32(body, zlib.crc32(text.encode("utf-8", "surrogatepass")))
    return (value & 0xFFFF).to_bytes(2, "big")


def _skip_spaces(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _probability_byte(probability: float) -> int:
    # "not >=" rather than "<": it also catches NaN.
    return 0 if not probability >= 0 else round(min(probability, 1.0) * _PROBABILITY_STEPS)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(value: int) -> int:
    return value >> 1 if not value & 1 else -((value + 1) >> 1)


def _put_varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _get_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
