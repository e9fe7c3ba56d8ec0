"""The other audio tracks of a file: a film with two languages, a recorder with several microphones."""

from __future__ import annotations

import streamlit as st

from components import places, resources, state
from components.boundary import boundary
from core.services.records import AudioTrack, RecordingRecord
from core.speech.languages import language_name


@st.fragment
def other_tracks(recording: RecordingRecord) -> None:
    """Offers the file's other audio tracks as recordings of their own; nothing if it has only one."""
    with boundary("Audio tracks"):
        tracks = _tracks(recording)
        if len(tracks) < 2:
            return
        with st.container(border=True, key=state.key("tracks", recording.id)):
            st.markdown(f"**This file has {len(tracks)} audio tracks.** This is track {recording.audio_track + 1}.")
            others = [track for track in tracks if track.index != recording.audio_track]
            with st.container(horizontal=True, vertical_alignment="bottom"):
                chosen = st.selectbox(
                    "Another track", others, format_func=_describe, key=state.key("track", recording.id), width=360
                )
                if st.button("Add this track", icon=":material/add:", key=state.key("add-track", recording.id)):
                    _add(recording, chosen)


def _tracks(recording: RecordingRecord) -> tuple[AudioTrack, ...]:
    """Asks the file once per tab: it never changes, and asking starts a process."""
    workbench = resources.workbench()
    return state.once(
        "tracks", recording.id, lambda: workbench.importing.probe(workbench.media.path(recording.media_key)).tracks
    )


def _describe(track: AudioTrack) -> str:
    parts = [f"Track {track.index + 1}", track.title, language_name(track.language), track.codec]
    return " · ".join(part for part in parts if part)


def _add(recording: RecordingRecord, track: AudioTrack) -> None:
    workbench = resources.workbench()
    with st.spinner("Reading the audio"):
        outcome = workbench.importing.import_file(
            recording.project_id,
            workbench.media.path(recording.media_key),
            name=f"{recording.name} (track {track.index + 1})",
            track=track.index,
        )
    state.flash("That track was here already." if outcome.duplicate else "The track was added to the project.")
    st.switch_page(places.RECORDING, query_params=state.recording_params(outcome.recording.id))
