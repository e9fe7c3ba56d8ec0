"""Words survive storage: whatever the script; damage is an error (design: ~9 bytes a word)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.speech.packing import WordsUnreadableError, pack_words, unpack_words
from core.speech.transcript import Segment, Word

#: Any text at all, including what no recognizer should give: lone surrogates, control characters, odd spaces.
TEXT = st.text(st.characters(), max_size=12)
SCRIPTS = st.sampled_from(
    [
        "harbour.",
        "Ωmega",
        "naïve",
        "שלום",
        "مرحبا",
        "東",
        "京は",
        "ภาษา",
        "👩‍🚀",
        "e\u0301",
        "",
        " ",
        "\u00a0x",
        "a b",
        "\u200b",
        "\x00",
    ]
)


@st.composite
def words(draw: st.DrawFn) -> tuple[Word, ...]:
    result = []
    at_ms = draw(st.integers(0, 400_000_000))
    for _ in range(draw(st.integers(0, 12))):
        at_ms = max(0, at_ms + draw(st.integers(-3_000, 90_000)))
        end_ms = at_ms + draw(st.integers(0, 40_000))
        result.append(
            Word(
                text=draw(TEXT | SCRIPTS),
                start_ms=at_ms,
                end_ms=end_ms,
                probability=draw(st.floats(0, 1)),
                space_before=draw(st.booleans()),
            )
        )
        at_ms = end_ms
    return tuple(result)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    """Segments whose text is what their words say, as a recognizer gives them, and some where it is not (edited)."""
    inside = draw(words())
    joined = "".join((" " if word.space_before else "") + word.text for word in inside).strip()
    return Segment(
        start_ms=draw(st.integers(0, 400_000_000)), end_ms=400_000_000, text=draw(st.just(joined) | TEXT), words=inside
    )


@given(segments())
def test_what_is_packed_comes_back(segment: Segment) -> None:
    back = unpack_words(pack_words(segment), text=segment.text, start_ms=segment.start_ms)
    assert [(w.text, w.start_ms, w.end_ms, w.space_before) for w in back] == [
        (w.text, w.start_ms, w.end_ms, w.space_before) for w in segment.words
    ]
    for word, original in zip(back, segment.words, strict=True):
        assert abs(word.probability - original.probability) <= 0.5 / 255 + 1e-12


@given(segments())
def test_packing_what_came_back_gives_the_same_bytes(segment: Segment) -> None:
    blob = pack_words(segment)
    back = unpack_words(blob, text=segment.text, start_ms=segment.start_ms)
    again = Segment(start_ms=segment.start_ms, end_ms=segment.end_ms, text=segment.text, words=back)
    assert pack_words(again) == blob


@given(st.binary(max_size=60), st.text(max_size=20))
def test_noise_is_an_error(blob: bytes, text: str) -> None:
    # Two bytes of checksum let one in 65,536 through; then what comes back is at least words.
    with contextlib.suppress(WordsUnreadableError):
        assert all(isinstance(word, Word) for word in unpack_words(blob, text=text, start_ms=0))


@given(segments(), st.data())
def test_a_flipped_bit_is_noticed(segment: Segment, data: st.DataObject) -> None:
    blob = bytearray(pack_words(segment))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(WordsUnreadableError):
        unpack_words(bytes(blob), text=segment.text, start_ms=segment.start_ms)


def sentence() -> Segment:
    texts = ["The", "old", "harbour", "town", "lay", "quiet", "under", "a", "thin", "white", "fog", "that", "day."]
    inside = tuple(
        Word(text=text, start_ms=60_000 + 350 * n, end_ms=60_300 + 350 * n, probability=0.98)
        for n, text in enumerate(texts)
    )
    return Segment(start_ms=60_000, end_ms=65_000, text=" ".join(texts), words=inside)


def test_a_word_takes_about_nine_bytes_with_its_text() -> None:
    segment = sentence()
    total = len(pack_words(segment)) + len(segment.text.encode())
    assert total / len(segment.words) < 11
    assert len(pack_words(segment)) / len(segment.words) < 6


def test_no_words_take_four_bytes() -> None:
    segment = Segment(start_ms=5, end_ms=9, text="No word times.")
    assert len(pack_words(segment)) == 4
    assert unpack_words(pack_words(segment), text=segment.text, start_ms=5) == ()


def test_another_text_is_refused() -> None:
    segment = sentence()
    with pytest.raises(WordsUnreadableError, match="another text"):
        unpack_words(pack_words(segment), text=segment.text.upper(), start_ms=segment.start_ms)


@pytest.mark.parametrize("blob", [b"", b"\x02\x00\x00\x00"])
def test_an_unknown_version_says_so(blob: bytes) -> None:
    with pytest.raises(WordsUnreadableError, match="reads version 1"):
        unpack_words(blob, text="", start_ms=0)


def test_a_word_that_ends_before_it_starts_is_refused() -> None:
    word = Word(text="x", start_ms=10, end_ms=9, probability=1.0)
    with pytest.raises(ValueError, match="ends before it starts"):
        pack_words(Segment(start_ms=0, end_ms=10, text="x", words=(word,)))


@pytest.mark.parametrize(("given_value", "stored"), [(float("nan"), 0.0), (-0.5, 0.0), (1.5, 1.0)])
def test_impossible_probabilities_are_kept_in_range(given_value: float, stored: float) -> None:
    word = Word(text="x", start_ms=0, end_ms=1, probability=given_value)
    segment = Segment(start_ms=0, end_ms=1, text="x", words=(word,))
    assert unpack_words(pack_words(segment), text="x", start_ms=0)[0].probability == stored
