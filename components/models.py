"""The catalogue of speech models: what each is for, what is on this machine, download and remove."""

from __future__ import annotations

import streamlit as st

from components import resources, state
from components.boundary import boundary, rerun_part
from components.words import Color, code, escape, size
from core.errors import ReadbackError
from core.services.modelling import ModelRecord

_STATES: dict[str, tuple[str, str, Color]] = {
    "ready": ("On this machine", ":material/check_circle:", "green"),
    "not downloaded": ("Not downloaded", ":material/cloud_download:", "gray"),
    "broken": ("Incomplete", ":material/error:", "orange"),
}


def advice() -> None:
    """Which model is for what."""
    st.markdown(
        f"The **demo** model came with Readback and knows only the {resources.workbench().sample.known_words} words of "
        "the sample project. For real recordings take **small** for a quick result on any computer, or "
        "**large-v3-turbo** for the best one (with a graphics card, or some patience)."
    )


@st.fragment
def model_list() -> None:
    """All models, those on this machine first."""
    with boundary("Catalogue"):
        records = sorted(resources.workbench().modelling.list(), key=lambda record: record.state != "ready")
        for record in records:
            _card(record)


def _card(record: ModelRecord) -> None:
    with st.container(border=True, key=state.key("model", record.name)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape(record.title)}**", width="stretch")
            text, icon, color = _STATES.get(record.state, (record.state, ":material/help:", "gray"))
            if record.loaded:
                st.badge("In memory", icon=":material/memory:", color="blue")
            st.badge(text, icon=icon, color=color)
            _actions(record)
        facts = [code(record.name), _languages(record.languages)]
        if record.size_bytes:
            facts.append(size(record.size_bytes))
        st.caption(" · ".join(facts))
        st.markdown(escape(record.description))
        if record.warning:
            st.caption(f":orange[:material/warning:] {escape(record.warning)}")


def _languages(languages: str) -> str:
    return {"en": "English only", "multilingual": "about 100 languages"}.get(languages, "languages unknown")


def _actions(record: ModelRecord) -> None:
    if record.state != "ready":
        label = "Download" if record.state == "not downloaded" else "Repair"
        if st.button(label, icon=":material/download:", key=state.key("pull", record.name)):
            _download(record)
    elif record.kind != "embedded" and st.button(
        "Remove", icon=":material/delete:", type="tertiary", key=state.key("remove", record.name),
        help=f"Remove {escape(record.title)} from this machine; it can be downloaded again",
    ):  # fmt: skip
        resources.workbench().modelling.remove(record.name)
        st.toast(f"{record.title} was removed", icon=":material/check_circle:")
        rerun_part()


def _download(record: ModelRecord) -> None:
    """Downloads while the user stays on the page; what has arrived is kept, so that it can go on later."""
    bar = st.progress(0.0, text=f"Downloading {record.title}; stay on this page")

    def report(done: int, total: int) -> None:
        share = min(1.0, done / total) if total else 0.0
        of = f" of {size(total)}" if total else ""
        bar.progress(share, text=f"Downloading {record.title}: {size(done)}{of}; stay on this page")

    try:
        resources.workbench().modelling.pull(record.name, on_progress=report)
    except ReadbackError as error:
        bar.empty()
        st.error(error.message, title=f"{record.title} could not be downloaded", icon=":material/cloud_off:")
        return
    st.toast(f"{record.title} is ready", icon=":material/check_circle:")
    rerun_part()


@st.fragment
def add_model() -> None:
    """Gives a name to a model that is not in the catalogue: a folder of this machine, or one of the hub."""
    with boundary("New model"), st.expander("Add a model of your own", icon=":material/add:", key="add-model"):
        with st.form("add-model-form", border=False):
            name = st.text_input("Name", max_chars=100, placeholder="our-narrators") or ""
            location = st.text_input(
                "Where it is", max_chars=1_000, placeholder="/models/our-narrators or owner/name",
                help="A folder with a CTranslate2 Whisper model (config.json, model.bin), or its id on the hub.",
            ) or ""  # fmt: skip
            submitted = st.form_submit_button("Add", type="primary", icon=":material/add:")
        if submitted:
            resources.workbench().modelling.add(name, location)
            state.flash(f"{name} was added")
            st.rerun(scope="app")
