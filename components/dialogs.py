"""Questions asked in a dialog: names, and whether something may really be destroyed.

A dialog opened inside a polling fragment would close at the fragment's next rerun. So whoever wants one calls `ask`,
and the page opens it with `answer` outside all fragments.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import streamlit as st

from components import resources, state
from components.boundary import boundary
from components.words import count, escape
from core.errors import ReadbackError

_TITLE_CHARS = 200
_NAME_CHARS = 300


def ask(question: str, subject: int = 0) -> None:
    """Reruns the page, which then opens the dialog of that name about that project or recording."""
    state.put_question(question, subject)
    st.rerun(scope="app")


def answer() -> None:
    """Opens the dialog that was asked for, if any. Call it once per page, outside fragments."""
    if (asked := state.take_question()) is not None:
        question, subject = asked
        _DIALOGS[question](subject)


def _dialog(title: str, icon: str) -> Callable[[Callable[[int], None]], Callable[[int], None]]:
    """A dialog whose body is in a boundary: it reruns like a fragment, without the page around it."""

    def decorate(body: Callable[[int], None]) -> Callable[[int], None]:
        @st.dialog(title, icon=icon)
        @wraps(body)
        def opened(subject: int) -> None:
            with boundary(title):
                body(subject)

        return opened

    return decorate


def _carry_out(action: Callable[[], object], done: str) -> None:
    """Does it and closes the dialog; a refusal is shown in the dialog, which stays open."""
    try:
        action()
    except ReadbackError as error:
        st.error(error.message)
        return
    state.flash(done)
    st.rerun()


def _confirmed(label: str) -> bool:
    """The buttons of a form in a dialog; Cancel closes it."""
    with st.container(horizontal=True):
        confirmed = st.form_submit_button(label, type="primary")
        if st.form_submit_button("Cancel"):
            st.rerun()
    return confirmed


@_dialog("New project", ":material/create_new_folder:")
def _create_project(_subject: int) -> None:
    with st.form("create-project", border=False):
        title = st.text_input("Title", max_chars=_TITLE_CHARS, placeholder="The Harbour, audiobook") or ""
        kind = st.segmented_control(
            "What is recorded", ["narration", "conversation", "other"], default="narration", required=True,
            format_func=str.capitalize,
            help="Narration keeps every repeated word, as proofing needs it. It can be changed for each transcription.",
        )  # fmt: skip
        if not _confirmed("Create"):
            return
    try:
        project = resources.workbench().library.create_project(title, kind=kind or "narration")
    except ReadbackError as error:
        st.error(error.message)
        return
    state.select_project(project.id)
    st.rerun()


@_dialog("Rename project", ":material/edit:")
def _rename_project(project_id: int) -> None:
    library = resources.workbench().library
    with st.form("rename-project", border=False):
        title = st.text_input("Title", value=library.get_project(project_id).title, max_chars=_TITLE_CHARS) or ""
        if _confirmed("Rename"):
            _carry_out(lambda: library.rename_project(project_id, title), "Renamed")


@_dialog("Delete project", ":material/delete:")
def _delete_project(project_id: int) -> None:
    library = resources.workbench().library
    project = library.get_project(project_id)
    st.markdown(
        f"**{escape(project.title)}** with {count(project.recording_count, 'recording')} and all their transcripts "
        "will be deleted for good. Archiving keeps them out of sight instead."
    )

    def delete() -> None:
        library.delete_project(project_id)
        state.select_project(None)

    with st.container(horizontal=True):
        if st.button("Delete for good", type="primary", icon=":material/delete:"):
            _carry_out(delete, "Project deleted")
        if st.button("Cancel"):
            st.rerun()


@_dialog("Rename recording", ":material/edit:")
def _rename_recording(recording_id: int) -> None:
    library = resources.workbench().library
    with st.form("rename-recording", border=False):
        name = st.text_input("Name", value=library.get_recording(recording_id).name, max_chars=_NAME_CHARS) or ""
        if _confirmed("Rename"):
            _carry_out(lambda: library.rename_recording(recording_id, name), "Renamed")


@_dialog("Delete recording", ":material/delete:")
def _delete_recording(recording_id: int) -> None:
    library = resources.workbench().library
    recording = library.get_recording(recording_id)
    st.markdown(
        f"**{escape(recording.name)}** and its transcripts will be deleted from Readback for good. "
        "The file you brought in is not touched."
    )

    def delete() -> None:
        library.delete_recording(recording_id)
        state.select_project(recording.project_id)

    with st.container(horizontal=True):
        if st.button("Delete for good", type="primary", icon=":material/delete:"):
            _carry_out(delete, "Recording deleted")
        if st.button("Cancel"):
            st.rerun()


_DIALOGS: dict[str, Callable[[int], None]] = {
    "create_project": _create_project,
    "rename_project": _rename_project,
    "delete_project": _delete_project,
    "rename_recording": _rename_recording,
    "delete_recording": _delete_recording,
}
