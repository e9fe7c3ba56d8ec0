"""What a browser tab remembers between reruns: the only file that names session-state keys and URL parameters.

The URL carries what is selected, so that a reload or a link returns to the same place; session state carries the rest
and is gone with the tab.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, TypeVar

import streamlit as st

T = TypeVar("T")
FlashKind = Literal["success", "warning", "error"]

_PROJECT = "project"
_RECORDING = "recording"
_FLASHES = "readback.flashes"
_LINKS = "readback.links"
_QUESTION = "readback.question"
_TAKES = "readback.takes"
_ONCE = "readback.once"
_RESETS = "readback.resets"
_PAGES = "readback.pages"
_HELD = "readback.held"
_SEEKS = "readback.seeks"

#: URL parameter and widget key of the Library's search field.
SEARCH = "search"
#: URL parameter and widget key of the Library's order of recordings.
SORT = "sort"


def key(*parts: object) -> str:
    """The key of a widget: its component's name and what it belongs to; ``key("rename", 7)`` is ``rename-7``."""
    return "-".join(str(part) for part in parts)


def _number(name: str) -> int | None:
    text = st.query_params.get(name, "")
    # int() takes more than we ever write (signs, blanks, underscores); a link is a place, or it is nothing.
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def selected_project() -> int | None:
    """Id of the project in the URL, or None."""
    return _number(_PROJECT)


def selected_recording() -> int | None:
    """Id of the recording in the URL, or None."""
    return _number(_RECORDING)


def project_params(project_id: int) -> dict[str, str]:
    """URL parameters that lead to a project."""
    return {_PROJECT: str(project_id)}


def recording_params(recording_id: int) -> dict[str, str]:
    """URL parameters that lead to a recording."""
    return {_RECORDING: str(recording_id)}


def select_project(project_id: int | None) -> None:
    """Puts a project into the URL (None: takes it out). Takes effect on the next rerun."""
    if project_id is None:
        st.query_params.clear()
    else:
        st.query_params.from_dict(project_params(project_id))


def flash(message: str, kind: FlashKind = "success") -> None:
    """Keeps a message for the next full rerun, where `take_flashes` shows it."""
    st.session_state.setdefault(_FLASHES, []).append((kind, message))


def take_flashes() -> list[tuple[FlashKind, str]]:
    """The messages kept by `flash`, once."""
    taken: list[tuple[FlashKind, str]] = st.session_state.pop(_FLASHES, [])
    return taken


def cached_link(name: str, subject: int, token: str | None = None, *, max_age_seconds: float = 0) -> str | None:
    """Remembers a signed link, so that the browser gets the same one on every rerun and need not load again.

    Args:
        name: What the link is for.
        subject: Which project or recording it is for.
        token: Stores this one; None asks for the stored one.
        max_age_seconds: A stored one older than this is not given out.
    """
    links: dict[tuple[str, int], tuple[float, str]] = st.session_state.setdefault(_LINKS, {})
    if token is not None:
        links[name, subject] = (time.monotonic(), token)
        return token
    made_at, stored = links.get((name, subject), (0.0, ""))
    return stored if stored and time.monotonic() - made_at < max_age_seconds else None


def put_question(question: str, subject: int) -> None:
    """Keeps which dialog the next full rerun is to open (see `components.dialogs`)."""
    st.session_state[_QUESTION] = (question, subject)


def take_question() -> tuple[str, int] | None:
    """The dialog to open, once."""
    asked: tuple[str, int] | None = st.session_state.pop(_QUESTION, None)
    return asked


def takes(project_id: int) -> int:
    """How many microphone recordings this tab has added to a project: part of the widget's key, so that it empties."""
    return int(st.session_state.get(key(_TAKES, project_id), 0))


def next_take(project_id: int) -> None:
    """The microphone recording was added; the next one begins empty."""
    st.session_state[key(_TAKES, project_id)] = takes(project_id) + 1


def choose_transcript(recording_id: int, transcript_id: int | None) -> None:
    """Which transcript of a recording is shown; None for the newest. Only before its selector is drawn."""
    st.session_state[transcript_key(recording_id)] = transcript_id


def transcript_key(recording_id: int) -> str:
    """Key of the widget that selects a transcript of a recording."""
    return key("transcript", recording_id)


def once(name: str, subject: int, make: Callable[[], T]) -> T:
    """What `make` gave the first time this tab asked; for things that never change and cost something to find out."""
    kept: dict[tuple[str, int], T] = st.session_state.setdefault(_ONCE, {})
    if (name, subject) not in kept:
        kept[name, subject] = make()
    return kept[name, subject]


def resets() -> int:
    """How often this tab has put the defaults back: part of their widgets' keys, so that they start anew."""
    return int(st.session_state.get(_RESETS, 0))


def reset() -> None:
    """The defaults were put back."""
    st.session_state[_RESETS] = resets() + 1


def page_chosen(transcript_id: int) -> int | None:
    """The page of a transcript that is to be shown, from 1; None while none was chosen."""
    chosen: int | None = st.session_state.get(key(_PAGES, transcript_id))
    return chosen


def choose_page(transcript_id: int, number: int) -> None:
    """Shows this page of a transcript from now on."""
    st.session_state[key(_PAGES, transcript_id)] = number


def follow_key(recording_id: int) -> str:
    """Key of the switch that lets the page follow the sound."""
    return key("follow", recording_id)


def hold(recording_id: int, holding: bool) -> None:
    """Following the sound was switched off by turning a page by hand; or that is over."""
    st.session_state[key(_HELD, recording_id)] = holding


def held(recording_id: int) -> bool:
    """Whether following the sound is to go on when the sound is started again."""
    return bool(st.session_state.get(key(_HELD, recording_id)))


def seek(recording_id: int, time_ms: int) -> None:
    """Moves the sound to a time at the next rerun."""
    number = sought(recording_id)[0]
    st.session_state[key(_SEEKS, recording_id)] = (number + 1, time_ms)


def sought(recording_id: int) -> tuple[int, int]:
    """The last move of the sound: its number in this tab, 0 for none yet, and where to."""
    moved: tuple[int, int] = st.session_state.get(key(_SEEKS, recording_id), (0, 0))
    return moved
