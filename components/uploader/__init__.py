"""Brings files in: drop or choose several, each streamed to the upload route with its progress and its own errors.

Streamlit's own uploader keeps files in memory; this one sends them, one after another, as raw bodies to a route that
writes them to disk as they come, so that a recording of many hours takes no more memory than a short one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from components.words import limit

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "readback_uploader",
    html=(_HERE / "uploader.html").read_text(encoding="utf-8"),
    css=(_HERE / "uploader.css").read_text(encoding="utf-8"),
    js=(_HERE / "uploader.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """A file that has arrived."""

    recording_id: int
    name: str
    #: The project had it already; nothing was stored.
    duplicate: bool


def uploader(*, url: str, max_bytes: int, key: str) -> Added | None:
    """Shows the uploader.

    Args:
        url: Where files go, with the signed token; the component adds the file's name.
        max_bytes: Larger files are refused before they are sent.
        key: Unique on the page; uploads go on over reruns as long as it stays the same.

    Returns:
        The file whose arrival made this rerun, if that was the reason.
    """
    result = _component(
        data={"url": url, "maxBytes": max_bytes, "limit": limit(max_bytes)}, key=key, on_added_change=lambda: None
    )
    event: Any = result.added
    if not isinstance(event, Mapping):
        return None
    return Added(
        recording_id=int(event["recordingId"]), name=str(event["name"]), duplicate=bool(event.get("duplicate"))
    )
