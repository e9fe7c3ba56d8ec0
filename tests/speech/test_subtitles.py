"""Subtitles and text files: what is said is all there, in time, and in the form the formats ask for."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnsupportedFormatError
from core.speech.cues import MAX_LINE_CHARACTERS, Cue, clean, cues
from core.speech.subtitles import FORMATS, TranscriptHead, export_format, write_json, write_srt, write_txt, write_vtt
from core.speech.transcript import Segment, Word

HEAD = TranscriptHead(language="en", duration_ms=12_345)
TOKEN = st.text(st.characters(), max_size=15) | st.sampled_from(
    ["fog", "town.", "Yes!", "<b>", "a&b", "-->", "שלום", "東京", "。", "x" * 60, "e" + "\u0301" * 50, "NOTE", "3."]
)


@st.composite
def transcripts(draw: st.DrawFn) -> list[Segment]:
    """Segments in about the order of time, some overlapping, some without word times, some without length."""
    result = []
    at_ms = 0
    for _ in range(draw(st.integers(0, 5))):
        words = []
        start_ms = at_ms = max(0, at_ms + draw(st.integers(-500, 3_000)))
        for token in draw(st.lists(TOKEN, max_size=25)):
            at_ms += draw(st.sampled_from([0, 0, 40, 1_500]))
            end_ms = at_ms + draw(st.integers(0, 900))
            words.append(
                Word(text=token, start_ms=at_ms, end_ms=end_ms, probability=0.5, space_before=draw(st.booleans()))
            )
            at_ms = end_ms
        text = "".join((" " if word.space_before else "") + word.text for word in words).strip()
        kept = tuple(words) if draw(st.booleans()) else ()
        result.append(Segment(start_ms=start_ms, end_ms=at_ms, text=text, words=kept))
    return result


def letters(text: str) -> str:
    return "".join(clean(text).split())


@given(transcripts())
def test_cues_hold_every_letter_in_order(segments: list[Segment]) -> None:
    shown = "".join(letters(line) for cue in cues(segments) for line in cue.lines)
    assert shown == "".join(letters(segment.text) for segment in segments)


@given(transcripts())
def test_cues_fit_the_screen(segments: list[Segment]) -> None:
    for cue in cues(segments):
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < len(line) <= MAX_LINE_CHARACTERS for line in cue.lines)
        assert all(line == line.strip() for line in cue.lines)


@given(transcripts())
def test_cues_never_overlap_and_are_never_empty(segments: list[Segment]) -> None:
    end_ms = 0
    for cue in cues(segments):
        assert end_ms <= cue.start_ms < cue.end_ms
        end_ms = cue.end_ms


def spoken(text: str, *, start_ms: int = 0, word_ms: int = 300) -> Segment:
    words = tuple(
        Word(text=word, start_ms=start_ms + word_ms * n, end_ms=start_ms + word_ms * (n + 1), probability=0.9)
        for n, word in enumerate(text.split())
    )
    return Segment(start_ms=start_ms, end_ms=words[-1].end_ms, text=text, words=words)


def test_long_segments_are_cut_with_the_times_of_their_words() -> None:
    segment = spoken("the old harbour town lay quiet under a thin white fog and " * 3)
    found = list(cues([segment]))
    assert len(found) == 3
    starts = {word.start_ms for word in segment.words}
    assert all(cue.start_ms in starts for cue in found)


def test_lines_are_balanced() -> None:
    (cue,) = cues([spoken("the old harbour town lay quiet under a thin white fog")])
    assert cue.lines == ("the old harbour town lay", "quiet under a thin white fog")


def test_a_long_pause_ends_a_cue() -> None:
    first, second = spoken("one two"), spoken("three", start_ms=5_000)
    joined = Segment(start_ms=0, end_ms=5_300, text="one two three", words=first.words + second.words)
    assert [cue.lines for cue in cues([joined])] == [("one two",), ("three",)]


def test_cues_that_would_overlap_are_shortened() -> None:
    found = list(cues([spoken("one two three"), spoken("four", start_ms=500)]))
    assert [(cue.start_ms, cue.end_ms) for cue in found] == [(0, 500), (500, 800)]


def write(name: str, segments: list[Segment]) -> str:
    return "".join(FORMATS[name].write(HEAD, segments))


def test_srt_is_what_players_expect() -> None:
    assert write("srt", [spoken("Yes --> no.", start_ms=3_723_004)]) == (
        "1\n01:02:03,004 --> 01:02:03,904\nYes → no.\n\n"
    )


def test_vtt_escapes_what_would_be_markup() -> None:
    assert write("vtt", [spoken("<i> & -->")]) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:00.900\n&lt;i&gt; &amp; --&gt;\n\n"
    )


def test_times_beyond_a_hundred_hours() -> None:
    assert "100:00:00,000 --> 100:00:00,300" in write("srt", [spoken("late", start_ms=360_000_000)])
    assert "100:00:00.000 --> 100:00:00.300" in write("vtt", [spoken("late", start_ms=360_000_000)])


def test_text_is_a_line_a_segment() -> None:
    assert write("txt", [spoken("One\n two."), Segment(start_ms=0, end_ms=1, text=" "), spoken("Three.")]) == (
        "One two.\nThree.\n"
    )


def test_json_has_the_documented_shape() -> None:
    segment = Segment(
        start_ms=100, end_ms=900, text="Grüße",
        words=(Word(text="Grüße", start_ms=120, end_ms=880, probability=0.123456),),
    )  # fmt: skip
    assert json.loads(write("json", [segment])) == {
        "language": "en",
        "duration_ms": 12_345,
        "segments": [
            {
                "start_ms": 100, "end_ms": 900, "text": "Grüße",
                "words": [{"text": "Grüße", "start_ms": 120, "end_ms": 880, "probability": 0.1235}],
            }
        ],
    }  # fmt: skip
    assert json.loads(write("json", []))["segments"] == []


@given(transcripts())
def test_json_is_always_valid(segments: list[Segment]) -> None:
    back = json.loads("".join(write_json(HEAD, segments)))
    assert [segment["text"] for segment in back["segments"]] == [segment.text for segment in segments]


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_another_program_reads_the_cues_as_written(name: str, tmp_path: Path) -> None:
    """FFmpeg's own subtitle readers, not our idea of the format."""
    segments = [
        spoken("Fog & <rain> lay over the old harbour town, and nobody -->came out. " * 2, start_ms=1_500),
        spoken("שלום עולם 東京。", start_ms=50_000),
    ]
    path = tmp_path / f"x.{name}"
    path.write_text(write(name, segments), encoding="utf-8")
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        found = [(round(p.pts * p.time_base * 1_000), round(p.duration * p.time_base * 1_000)) for p in packets]
    expected = list(cues(segments))
    assert found == [(cue.start_ms, cue.end_ms - cue.start_ms) for cue in expected]
    assert [bytes(packet).decode() for packet in packets] == [form(cue, name) for cue in expected]


def form(cue: Cue, name: str) -> str:
    text = "\n".join(cue.lines)
    if name == "srt":
        return text.replace("-->", "→")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@given(transcripts())
def test_no_text_can_break_the_frame_of_a_file(segments: list[Segment]) -> None:
    count = len(list(cues(segments)))
    for written in ("".join(write_srt(HEAD, segments)), "".join(write_vtt(HEAD, segments))):
        assert written.count("-->") == count
        blocks = [block for block in re.split(r"\n\n", written) if block and block != "WEBVTT"]
        assert len(blocks) == count
    assert len("".join(write_txt(HEAD, segments)).splitlines()) <= len(segments)


@pytest.mark.parametrize("name", list(FORMATS))
def test_writers_hold_one_segment_at_a_time(name: str) -> None:
    """B16: the memory of an export does not grow with the transcript."""

    def endless(count: int) -> Iterator[Segment]:
        for n in range(count):
            yield spoken("the old harbour town lay quiet under a thin white fog.", start_ms=n * 5_000)

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in FORMATS[name].write(HEAD, endless(count)):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2_000)  # the interpreter's own lists of free objects fill up once
    assert peak(2_000) < 100_000


def test_an_unknown_format_names_those_there_are() -> None:
    assert export_format("SRT").name == "srt"
    with pytest.raises(UnsupportedFormatError, match="srt, vtt, txt, json"):
        export_format("doc")
