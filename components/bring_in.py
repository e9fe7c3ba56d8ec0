"""Ways to bring recordings into a project: files, or the microphone."""

from __future__ import annotations

import streamlit as st

from components import links, resources, state
from components.boundary import boundary
from components.uploader import uploader
from components.words import escape
from core.services.records import ProjectRecord

_CHUNK_BYTES = 1 << 16


def bring_in(project: ProjectRecord) -> None:
    """The panel: open while the project is empty, folded away afterwards."""
    with st.expander(
        "Add recordings", icon=":material/upload_file:", expanded=not project.recording_count,
        key=state.key("bring-in", project.id),
    ):  # fmt: skip
        files, microphone = st.tabs(["Files", "Microphone"])
        with files, boundary("File upload"):
            _files(project)
        with microphone, boundary("Microphone"):
            _microphone(project)


def _files(project: ProjectRecord) -> None:
    added = uploader(
        url=links.upload_url(project.id),
        max_bytes=resources.workbench().settings.max_upload_bytes,
        key=state.key("uploader", project.id),
    )
    if added is None:
        return
    if added.duplicate:
        st.toast(f"{escape(added.name)} was here already.", icon=":material/content_copy:")
    else:
        st.toast(f"{escape(added.name)} was added.", icon=":material/check_circle:")


def _microphone(project: ProjectRecord) -> None:
    recorded = st.audio_input("Record something", key=state.key("microphone", project.id, state.takes(project.id)))
    if recorded is None:
        return
    name = st.text_input(
        "Name", value=f"Recording {project.recording_count + 1}", key=state.key("take-name", project.id)
    )
    if not st.button("Add to the project", type="primary", icon=":material/add:", key=state.key("add", project.id)):
        return
    importing = resources.workbench().importing
    data = recorded.getbuffer()
    chunks = (bytes(data[start : start + _CHUNK_BYTES]) for start in range(0, len(data), _CHUNK_BYTES))
    with st.spinner("Reading the audio"):
        staged = importing.stage(chunks, name=f"{name or 'Recording'}.wav")
        importing.import_staged(project.id, staged)
    state.next_take(project.id)
    state.flash("The recording was added")
    st.rerun()
