"""The recordings of a project: find, order, page through, transcribe, rename, delete."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from components import places, resources, state, trace
from components.boundary import boundary, rerun_part
from components.dialogs import ask
from components.words import STATES, count, duration, escape, moment
from core.paging import Page
from core.services.library import Sort
from core.services.records import ProjectRecord, RecordingRecord

PAGE_SIZE = 20
_POLL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class _Order:
    sort: Sort
    descending: bool = False


_ORDERS = {
    "By hand": _Order(sort="position"),
    "Name": _Order(sort="name"),
    "Newest first": _Order(sort="created", descending=True),
    "Longest first": _Order(sort="duration", descending=True),
}


def recordings(project: ProjectRecord) -> None:
    """The list with its search and order; follows the work of this page's recordings while there is any."""
    if not project.recording_count:
        _nothing(project, "")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            "Search", type="search", key=state.SEARCH, bind="query-params", live="300ms",
            placeholder="Search by name", label_visibility="collapsed", width=260,
        )  # fmt: skip
        order = st.selectbox(
            "Order", list(_ORDERS), key=state.SORT, bind="query-params", label_visibility="collapsed", width=180
        )
    page = _fetch(project.id, search or "", order or "By hand")
    active = any(item.job_state in ("queued", "running") for item in page.items)
    st.fragment(_list, run_every=_POLL_SECONDS if active else None)(project, search or "", order or "By hand", active)


def _page_key(project_id: int, search: str, order: str) -> str:
    """A key of its own for every search and order, so that each begins at its first page."""
    return state.key("recordings-page", project_id, order, search)


def _fetch(project_id: int, search: str, order: str) -> Page[RecordingRecord]:
    chosen = _ORDERS.get(order, _ORDERS["By hand"])

    def fetch(number: int) -> Page[RecordingRecord]:
        return resources.workbench().library.list_recordings(
            project_id=project_id, search=search, sort=chosen.sort, descending=chosen.descending,
            limit=PAGE_SIZE, offset=(number - 1) * PAGE_SIZE,
        )  # fmt: skip

    page = fetch(int(st.session_state.get(_page_key(project_id, search, order), 1)))
    if page.total and not page.items:  # the last one of this page has just been deleted
        page = fetch(-(-page.total // PAGE_SIZE))
    return page


def _list(project: ProjectRecord, search: str, order: str, was_active: bool) -> None:
    with boundary("Recordings"):
        page = _fetch(project.id, search, order)
        if was_active and not any(item.job_state in ("queued", "running") for item in page.items):
            st.rerun(scope="app")
        if not page.total:
            _nothing(project, search)
            return
        for item in page.items:
            _row(item, project, page, by_hand=order == "By hand" and not search)
        pages = -(-page.total // PAGE_SIZE)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(count(page.total, "recording"), width="content")
            if pages > 1:
                st.pagination(pages, key=_page_key(project.id, search, order))


def _nothing(project: ProjectRecord, search: str) -> None:
    if search:
        st.info(f"No recording here has “{escape(search)}” in its name.", icon=":material/search_off:")
    elif project.is_sample:
        st.info("The sample recordings are being prepared; they appear here in a moment.", icon=":material/schedule:")
    else:
        st.info("No recordings yet. Add files above, or record with the microphone.", icon=":material/upload_file:")


def _row(item: RecordingRecord, project: ProjectRecord, page: Page[RecordingRecord], *, by_hand: bool) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=state.key("recording", item.id)):
        with st.container(width="stretch", gap=None, key=f"title-{item.id}"):
            st.page_link(
                places.RECORDING, label=f"**{escape(item.name)}**", query_params=state.recording_params(item.id)
            )
            st.markdown(f"{_badge(item)} :small[{_facts(item)}]")
        if _to_be_transcribed(item) and st.button(
            "Transcribe", icon=":material/graphic_eq:", key=state.key("transcribe", item.id),
            type="primary" if project.is_sample else "secondary", help=f"Transcribe {escape(item.name)}",
        ):  # fmt: skip
            _start(item, project)
        _menu(item, page, by_hand=by_hand)


def _facts(item: RecordingRecord) -> str:
    # Non-breaking spaces: on a narrow screen the line breaks between the facts, not within one.
    return f"{duration(item.duration_ms)} · {moment(item.created_at)}".replace(" ", "\N{NO-BREAK SPACE}").replace(
        "\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}", "\N{NO-BREAK SPACE}· "
    )


def _to_be_transcribed(item: RecordingRecord) -> bool:
    return item.job_state in ("failed", "cancelled") or (not item.job_state and not item.transcript_id)


def _badge(item: RecordingRecord) -> str:
    """How far it is; a try that came to nothing does not hide that there is a text."""
    words = STATES[item.job_state]
    if item.transcribed and item.job_state in ("failed", "cancelled"):
        done, last = STATES["completed"], words.text.lower()
        return f":{done.color}-badge[{done.icon} {done.text}] :{words.color}-badge[{words.icon} Last try {last}]"
    text = f"{words.text} {item.progress:.0%}" if item.job_state == "running" else words.text
    return f":{words.color}-badge[{words.icon} {text}]"


def _start(item: RecordingRecord, project: ProjectRecord) -> None:
    """The sample starts at once; for a recording of the user's own, the model is a choice to be made first."""
    if project.is_sample:
        transcription = resources.workbench().transcription
        transcription.submit(item.id, transcription.default_config(item.id), request_id=trace.request_id())
    st.switch_page(places.RECORDING, query_params=state.recording_params(item.id))


def _menu(item: RecordingRecord, page: Page[RecordingRecord], *, by_hand: bool) -> None:
    moves = {
        "Move up": item.position - 1 if item.position > 0 else None,
        "Move down": item.position + 1 if item.position < page.total - 1 else None,
        "Move to the top": 0 if item.position > 1 else None,
    }
    possible = [label for label, target in moves.items() if by_hand and target is not None]
    chosen = st.menu_button(
        "More", [*possible, "Rename", "Delete"], key=state.key("recording-menu", item.id), type="tertiary",
        help=f"More about {escape(item.name)}",
    )  # fmt: skip
    if chosen == "Rename":
        ask("rename_recording", item.id)
    elif chosen == "Delete":
        ask("delete_recording", item.id)
    elif chosen and (target := moves[chosen]) is not None:
        resources.workbench().library.move_recording(item.id, target)
        rerun_part()
