"""Files to take away: named safely, streamed, and the same from pages, routes and command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotFoundError, UnsupportedFormatError
from core.services.exports import file_stem
from core.speech.config import TranscriptionConfig
from tests.services.speaking import bring_in, clip, working
from tests.services.test_submitting import finish


def test_every_format_can_be_taken_away(tmp_path: Path) -> None:
    with working(tmp_path / "data") as bench:
        recording = bring_in(bench, clip(tmp_path / "Chapter 1.wav", end_ms=3_900))
        submission = bench.transcription.submit(recording.id, TranscriptionConfig(model="demo", language="en"))
        early = bench.exports.export(submission.transcript_id, "txt")
        assert early.name == "Chapter 1 (partial).txt"
        assert "".join(early.chunks) == ""
        finish(bench, submission)
        for form in bench.exports.formats():
            file = bench.exports.export(submission.transcript_id, form.name)
            assert file.name == f"Chapter 1.{form.name}"
            assert file.media_type == form.media_type
            content = "".join(file.chunks)
            assert "word2" in content
            if form.name == "json":
                data = json.loads(content)
                assert (data["language"], data["duration_ms"], len(data["segments"])) == ("en", 3_900, 3)
        with pytest.raises(UnsupportedFormatError):
            bench.exports.export(submission.transcript_id, "docx")
        with pytest.raises(NotFoundError):
            bench.exports.export(99, "srt")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("narration.flac", "narration"), ("Part 1.2", "Part 1.2"), ("Chapter 3. The storm", "Chapter 3. The storm"),
        ("a/b\\c.mp3", "a_b_c"), ("con", "_con"), ("...", "transcript"), ("???", "_"),
    ],
)  # fmt: skip
def test_names_become_file_names(name: str, stem: str) -> None:
    assert file_stem(name) == stem


@given(st.text())
def test_no_name_is_dangerous_as_a_file_name(name: str) -> None:
    stem = file_stem(name)
    assert 0 < len(stem) <= 121
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', stem)
    assert stem not in (".", "..")
    assert stem == stem.strip(" .")
