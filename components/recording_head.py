"""The head of a recording's page: the way back, its name, what kind of file it is, what import noticed."""

from __future__ import annotations

import streamlit as st

from components import places, state
from components.dialogs import ask
from components.words import duration, escape, moment, size
from core.services.records import ProjectRecord, RecordingRecord

_CHANNELS = {1: "mono", 2: "stereo"}


def recording_head(recording: RecordingRecord, project: ProjectRecord) -> None:
    """Draws the head."""
    with st.container(key="title-back"):
        st.page_link(
            places.LIBRARY, label=escape(project.title), icon=":material/arrow_back:",
            query_params=state.project_params(project.id),
        )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(escape(recording.name), anchor=False, width="stretch")
        chosen = st.menu_button(
            "More", ["Rename", "Delete"], key=state.key("head-menu", recording.id), type="tertiary",
            help="More about this recording",
        )  # fmt: skip
    if chosen == "Rename":
        ask("rename_recording", recording.id)
    elif chosen == "Delete":
        ask("delete_recording", recording.id)
    st.caption(" · ".join(_facts(recording)))
    for note in recording.notes:
        st.info(note, icon=":material/info:")


def _facts(recording: RecordingRecord) -> list[str]:
    facts = [
        duration(recording.duration_ms),
        f"{recording.codec} {recording.sample_rate_hz / 1_000:g} kHz",
        _CHANNELS.get(recording.channels, f"{recording.channels} channels"),
        size(recording.size_bytes),
        f"added {moment(recording.created_at)}",
    ]
    if recording.has_video:
        facts.insert(1, "video")
    if recording.audio_track:
        facts.insert(1, f"audio track {recording.audio_track + 1}")
    return facts
