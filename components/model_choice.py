"""Choosing a speech model, with what is to be known about it said in place."""

from __future__ import annotations

from typing import Any

import streamlit as st

from components import places, resources
from components.words import size
from core.services.modelling import ModelRecord

DEMO = "demo"


def model_widget(label: str, value: Any, key: str, text: str | None) -> str:
    """A `forms.Widget`: the catalogue as a list, open to folders and hub ids that are not in it."""
    records = {record.name: record for record in resources.workbench().modelling.list()}
    names = list(records)
    if value not in records:
        names.insert(0, str(value))

    def describe(name: str) -> str:
        record = records.get(name)
        return f"{record.title} · {_place(record)}" if record else name

    chosen = st.selectbox(
        label, names, index=names.index(value), key=key, help=text, format_func=describe, accept_new_options=True
    )
    return str(chosen or value)


def _place(record: ModelRecord) -> str:
    if record.state == "ready":
        return "on this machine"
    if record.state == "broken":
        return "incomplete"
    return f"download of {size(record.size_bytes)}" if record.size_bytes else "to be downloaded"


def model_notice(name: str, *, own_recording: bool) -> None:
    """What the user must know before starting with this model: the demo's vocabulary, or a download to come."""
    record = next((item for item in resources.workbench().modelling.list() if item.name == name), None)
    if name == DEMO and own_recording:
        st.warning(
            f"It knows the {resources.workbench().sample.known_words} words of the sample and no others, so your "
            "recording will come out as words that were never said. Choose **small** for a quick result or "
            "**large-v3-turbo** for a good one.",
            title="The demo model cannot know your recording",
            icon=":material/warning:",
        )
    elif record is not None and record.state != "ready":
        with st.container(horizontal=True, vertical_alignment="center"):
            much = f" ({size(record.size_bytes)})" if record.size_bytes else ""
            st.caption(f"This model is not on this machine yet. It is downloaded first{much}, once.")
            st.page_link(places.MODELS, label="Models", icon=":material/neurology:")
