"""Where in a transcript the reader is: its pages, going to a time, and following the sound.

A page that was chosen, by hand or because the sound is there, stays until another is. Turning by hand while following
holds the following, so that the sound does not turn the page back; it goes on when the sound is started anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from components import resources, state
from components.words import milliseconds
from core.services.records import RecordingRecord, TranscriptRecord
from core.speech.transcript import Segment

PAGE_SIZE = 50


@dataclass(frozen=True, kw_only=True)
class TextPage:
    """A page of a transcript."""

    number: int
    pages: int
    #: Segments of the whole transcript.
    total: int
    segments: tuple[Segment, ...]
    #: The stretch of sound it is about; the last page has no end.
    from_ms: int
    until_ms: int | None


def text_page(record: TranscriptRecord, *, growing: bool) -> TextPage:
    """The page chosen last; before any was, the first one, or the newest while more is on its way."""
    transcription = resources.workbench().transcription
    total = transcription.segments(record.id, limit=1).total
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(pages, state.page_chosen(record.id) or (pages if growing else 1))
    # One more than is shown: where the next page begins.
    found = transcription.segments(record.id, offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE + 1).items
    segments = found[:PAGE_SIZE]
    return TextPage(
        number=number, pages=pages, total=total, segments=segments,
        from_ms=segments[0].start_ms if number > 1 else 0,
        until_ms=found[PAGE_SIZE].start_ms if len(found) > PAGE_SIZE else None,
    )  # fmt: skip


def controls(recording: RecordingRecord, record: TranscriptRecord) -> None:
    """What a text of several pages needs: following the sound, and going to a time."""
    st.session_state.setdefault(state.follow_key(recording.id), True)
    st.toggle(
        "Follow the sound", key=state.follow_key(recording.id), on_change=state.hold, args=(recording.id, False),
        help="Turn to the page that is heard. Turning pages by hand switches it off until the sound is started again.",
    )  # fmt: skip
    key = state.key("go-to", recording.id)
    st.text_input(
        "Go to time", key=key, placeholder="Go to, e.g. 12:30", label_visibility="collapsed", width=170,
        icon=":material/schedule:", on_change=_go_to, args=(key, recording, record),
    )  # fmt: skip
    if (entered := st.session_state[key]) and milliseconds(entered) is None:
        st.caption(":red[Write a time as 12:30 or 1:02:03.]")


def pagination(recording: RecordingRecord, record: TranscriptRecord, page: TextPage) -> None:
    """The pages, to turn by hand."""
    key = state.key("segments", record.id)
    st.session_state[key] = page.number

    def turn() -> None:
        state.choose_page(record.id, int(st.session_state[key]))
        if st.session_state.get(state.follow_key(recording.id)):
            st.session_state[state.follow_key(recording.id)] = False
            state.hold(recording.id, True)

    st.pagination(page.pages, key=key, on_change=turn)


def heard(recording: RecordingRecord, record: TranscriptRecord, time_ms: int) -> None:
    """The sound is at this time, outside the page or started anew: turns to where that is."""
    if state.held(recording.id):
        st.session_state[state.follow_key(recording.id)] = True
        state.hold(recording.id, False)
    position = resources.workbench().transcription.position_at(record.id, max(0, min(time_ms, recording.duration_ms)))
    state.choose_page(record.id, position // PAGE_SIZE + 1)


def _go_to(key: str, recording: RecordingRecord, record: TranscriptRecord) -> None:
    time_ms = milliseconds(st.session_state[key] or "")
    if time_ms is not None:
        time_ms = min(time_ms, recording.duration_ms)
        heard(recording, record, time_ms)
        state.seek(recording.id, time_ms)
