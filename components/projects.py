"""Projects: the overview a newcomer meets, and the head of one project."""

from __future__ import annotations

import streamlit as st

from components import resources, state
from components.dialogs import ask
from components.words import count, duration, escape
from core.services.records import ProjectRecord

_CARD_WIDTH_PX = 300


def overview() -> None:
    """All projects as cards, the sample first; what to do while there are none."""
    library = resources.workbench().library
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title("Library", anchor=False, width="content")
        if st.button("New project", icon=":material/add:", type="primary", key="new-project"):
            ask("create_project")
    archived = bool(library.list_projects(archived=True)) and st.toggle("Show archived", key="show-archived")
    projects = library.list_projects(archived=archived)
    _welcome(projects)
    if not projects:
        st.info(
            "Nothing is archived." if archived else "A project holds recordings that belong together. Make the first.",
            icon=":material/folder_open:",
        )
        return
    with st.grid("auto", min_column_width=_CARD_WIDTH_PX):
        for project in sorted(projects, key=lambda project: not project.is_sample):
            _card(project)


def _welcome(projects: tuple[ProjectRecord, ...]) -> None:
    """The way in for a newcomer: shown until something else than the sample is there."""
    sample = next((project for project in projects if project.is_sample), None)
    if sample is None or len(projects) > 1:
        return
    st.info(
        "Open the sample, press **Transcribe** and watch the text appear. "
        "Then make a project of your own and add your recordings.",
        title="Start here",
        icon=":material/waving_hand:",
    )


def _card(project: ProjectRecord) -> None:
    with st.container(border=True, height="stretch", key=state.key("project", project.id)):
        st.subheader(escape(project.title), anchor=False)
        kind = "Sample" if project.is_sample else project.kind.capitalize()
        parts = [kind, count(project.recording_count, "recording")]
        if project.duration_ms:
            parts.append(duration(project.duration_ms))
        st.caption(" · ".join(parts))
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            if st.button(
                "Open", key=state.key("open-project", project.id), icon=":material/folder_open:",
                type="primary" if project.is_sample else "secondary", help=f"Open {escape(project.title)}",
            ):  # fmt: skip
                state.select_project(project.id)
                st.rerun()
            _menu(project)


def _menu(project: ProjectRecord) -> None:
    archive = "Take out of the archive" if project.archived else "Archive"
    chosen = st.menu_button(
        "More", ["Rename", archive, "Delete"], key=state.key("project-menu", project.id), type="tertiary",
        help=f"More about {escape(project.title)}",
    )  # fmt: skip
    if chosen == "Rename":
        ask("rename_project", project.id)
    elif chosen == "Delete":
        ask("delete_project", project.id)
    elif chosen == archive:
        resources.workbench().library.set_archived(project.id, not project.archived)
        state.flash("Back in the library" if project.archived else "Archived")
        st.rerun()


def head(project_id: int) -> ProjectRecord:
    """The head of one project's view: way back, title, what is in it.

    Raises:
        NotFoundError: There is no such project (any more).
    """
    if st.button("All projects", icon=":material/arrow_back:", type="tertiary", key="all-projects"):
        state.select_project(None)
        st.rerun()
    project = resources.workbench().library.get_project(project_id)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(escape(project.title), anchor=False, width="stretch")
        _menu(project)
    if project.is_sample:
        st.caption(
            "These came with Readback, spoken by a synthetic voice. Press **Transcribe** beside one of them and watch "
            "the text appear."
        )
    return project
