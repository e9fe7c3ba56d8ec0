"""Sound and text of a recording: hear it, and hear it from where a segment or a word begins.

One component holds both, so that the text can grow and its pages turn while the sound goes on: reruns change the list
and never touch the audio element. Plain on purpose; the rich player will take its place behind the same call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from components.reading import TextPage
from components.words import clock

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "readback_player",
    html=(_HERE / "player.html").read_text(encoding="utf-8"),
    css=(_HERE / "player.css").read_text(encoding="utf-8"),
    js=(_HERE / "player.js").read_text(encoding="utf-8"),
)


#: Before there is any text.
_NO_TEXT = TextPage(number=1, pages=1, total=0, segments=(), from_ms=0, until_ms=None)


def player(
    *, source: str, subject: int, key: str, page: TextPage = _NO_TEXT, show_words: bool = False, growing: bool = False,
    follow: bool = False, held: bool = False, seek: tuple[int, int] = (0, 0),
    on_heard: Callable[[int], None] = lambda _: None,
) -> None:  # fmt: skip
    """Shows the player with one page of segments.

    Args:
        source: Address of the sound; must answer range requests.
        subject: Id of the recording. The sound is loaded again only when this changes or the address has expired.
        key: Unique on the page.
        page: The page of the transcript to show.
        show_words: Each word with its time, as buttons, instead of running text.
        growing: More text is on its way; said to assistive technologies.
        follow: Tell when the sound leaves the page, and keep the line that is heard in view.
        held: Tell when the sound is started.
        seek: Number of a move of the sound, and where to in milliseconds; each number moves it once.
        on_heard: Called before the rerun that comes of telling, with the time of the sound in milliseconds.
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
        for segment in page.segments
    ]

    def tell() -> None:
        event: Any = st.session_state[key].heard
        if isinstance(event, Mapping) and isinstance(event.get("ms"), int):
            on_heard(event["ms"])

    _component(
        data={
            "source": source, "subject": subject, "rows": rows, "showWords": show_words, "growing": growing,
            "from": page.from_ms, "until": page.until_ms, "follow": follow, "held": held, "seek": list(seek),
        },
        key=key, on_heard_change=tell,
    )  # fmt: skip
