"""One recording: its sound, its transcript while it grows and after, and starting another."""

import streamlit as st

from components import dialogs, places, resources, state
from components.boundary import boundary
from components.made import how_it_was_made
from components.recording_head import recording_head
from components.tracks import other_tracks
from components.transcribe import transcribe_panel
from components.transcript import shown_transcript, transcript_view

recording_id = state.selected_recording()
if recording_id is None:
    st.switch_page(places.LIBRARY, query_params=dict(st.query_params))

recording = project = None
with boundary("Recording"):
    recording = resources.workbench().library.get_recording(recording_id)
    project = resources.workbench().library.get_project(recording.project_id)
    recording_head(recording, project)

if recording is not None and project is not None:
    busy = recording.job_state in ("queued", "running")
    first = recording.transcript_id is None and not busy
    transcript_view(recording, project)
    with boundary("How it was made"):
        if not busy and (transcript := shown_transcript(recording.id)) is not None:
            how_it_was_made(transcript)
    if recording.transcribed or not busy:
        transcribe_panel(recording, project, busy=busy, first=first)
    other_tracks(recording)

with boundary("Dialog"):
    dialogs.answer()
