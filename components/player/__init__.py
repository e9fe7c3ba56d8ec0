"""Sound and text of a recording: hear it, and hear it from where a segment or a word begins.

One component holds both, so that the text can grow and its pages turn while the sound goes on: reruns change the list
and never touch the audio element. Plain on purpose; the rich player will take its place behind the same call.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from components.words import clock
from core.speech.transcript import Segment

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "readback_player",
    html=(_HERE / "player.html").read_text(encoding="utf-8"),
    css=(_HERE / "player.css").read_text(encoding="utf-8"),
    js=(_HERE / "player.js").read_text(encoding="utf-8"),
)


def player(
    *, source: str, subject: int, segments: Sequence[Segment], show_words: bool, growing: bool, key: str
) -> None:
    """Shows the player with one page of segments.

    Args:
        source: Address of the sound; must answer range requests.
        subject: Id of the recording. The sound is loaded again only when this changes or the address has expired.
        segments: The page of the transcript to show.
        show_words: Each word with its time, as buttons, instead of running text.
        growing: More text is on its way; said to assistive technologies.
        key: Unique on the page.
    """
    rows = [
        {
            "start": segment.start_ms,
            "clock": clock(segment.start_ms),
            "text": segment.text,
            "words": [
                [word.text, word.start_ms, word.end_ms, round(word.probability, 2), word.space_before]
                for word in segment.words
            ],
        }
        for segment in segments
    ]
    _component(
        data={"source": source, "subject": subject, "rows": rows, "showWords": show_words, "growing": growing},
        key=key,
    )
