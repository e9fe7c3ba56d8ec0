"""The catalogue of speech models: what each is for, what is on this machine, download and remove."""

from __future__ import annotations

import streamlit as st

from components import resources, state
from components.boundary import boundary, rerun_part
from components.words import Color, code, escape, size
from core.services.downloads import Download
from core.services.modelling import ModelRecord

#: One for the sample, one for any computer, one for the best result.
RECOMMENDED = ("demo", "small", "large-v3-turbo")
_POLL_SECONDS = 1.0
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


def model_list() -> None:
    """All models, the recommended ones first, then those on this machine; polls only while one is being downloaded."""
    running = resources.workbench().downloads.running
    st.fragment(_list, run_every=_POLL_SECONDS if running else None)(running)


def _list(was_running: bool) -> None:
    with boundary("Catalogue"):
        workbench = resources.workbench()
        if was_running and not workbench.downloads.running:
            st.rerun(scope="app")
        downloads = workbench.downloads.all()
        for record in sorted(workbench.modelling.list(), key=_rank):
            _card(record, downloads.get(record.name))


def _rank(record: ModelRecord) -> tuple[int, bool]:
    recommended = RECOMMENDED.index(record.name) if record.name in RECOMMENDED else len(RECOMMENDED)
    return recommended, record.state != "ready"


def _card(record: ModelRecord, download: Download | None) -> None:
    with st.container(border=True, key=state.key("model", record.name)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape(record.title)}**", width="stretch")
            text, icon, color = _STATES.get(record.state, (record.state, ":material/help:", "gray"))
            if record.name in RECOMMENDED:
                st.badge("Recommended", icon=":material/thumb_up:", color="green")
            if record.loaded:
                st.badge("In memory", icon=":material/memory:", color="blue")
            st.badge(text, icon=icon, color=color)
            _actions(record, download)
        if download is not None:
            _progress(record, download)
        facts = [code(record.name)]
        if record.kind != "family":  # the description of a known one says it
            facts.append(_languages(record.languages))
        if record.size_bytes:
            facts.append(size(record.size_bytes))
        st.caption(" · ".join(facts))
        st.markdown(escape(record.description))
        if record.warning:
            st.caption(f":orange[:material/warning:] {escape(record.warning)}")


def _languages(languages: str) -> str:
    return {"en": "English only", "multilingual": "99 languages"}.get(languages, "languages unknown")


def _actions(record: ModelRecord, download: Download | None) -> None:
    if download is not None and download.state == "running":
        if st.button("Stop", icon=":material/stop_circle:", key=state.key("stop-pull", record.name),
                     help="What has arrived is kept; the next download goes on from there"):  # fmt: skip
            resources.workbench().downloads.stop(record.name)
    elif record.state != "ready":
        label = "Download" if record.state == "not downloaded" else "Repair"
        if st.button(label, icon=":material/download:", key=state.key("pull", record.name)):
            resources.workbench().downloads.start(record.name)
            st.rerun(scope="app")
    elif record.kind != "embedded" and st.button(
        "Remove", icon=":material/delete:", type="tertiary", key=state.key("remove", record.name),
        help=f"Remove {escape(record.title)} from this machine; it can be downloaded again",
    ):  # fmt: skip
        resources.workbench().modelling.remove(record.name)
        st.toast(f"{record.title} was removed", icon=":material/check_circle:")
        rerun_part()


def _progress(record: ModelRecord, download: Download) -> None:
    if download.state == "failed":
        st.error(download.message, title=f"{record.title} could not be downloaded", icon=":material/cloud_off:")
        return
    amount = f": {size(download.done_bytes)} of {size(download.total_bytes)}" if download.total_bytes else ""
    st.progress(download.share, text=f"Downloading{amount}. You may leave this page.")


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
