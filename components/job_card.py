"""How a job is doing: stage, progress, time left, and what can be done about it."""

from __future__ import annotations

import streamlit as st

from components import places, resources, state
from components.words import STATES, clock, remaining
from core.services.records import JobRecord

#: What helps with a failure, by error code; other failures can only be tried again.
_HELP = {
    "model_not_downloaded": "The quickest way on: choose a model below that is on this machine.",
    "model_download": "Check the connection, then try again; what was downloaded is kept.",
    "model_unknown": "Choose another model below.",
    "model_files": "The model's folder is incomplete; remove it on the Models page and download it again.",
    "out_of_memory": "Choose a smaller model or a smaller batch below, then transcribe again.",
    "media_missing": "The stored file is gone from the data folder. Add the recording again.",
    "disk_full": "Make room on the disk, then try again.",
}


def job_card(job: JobRecord) -> None:
    """Shows an active, stopped or failed job with its actions; nothing for a completed one.

    Its height stays the same while the job runs, so that polling moves nothing.
    """
    if job.state == "completed":
        return
    with st.container(border=True, key=state.key("job", job.id)):
        if job.active:
            _active(job)
        else:
            _ended(job)


def _active(job: JobRecord) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            st.progress(job.progress, text=progress_text(job))
        label = "Stopping…" if job.cancel_requested else "Stop"
        if st.button(
            label, icon=":material/stop_circle:", key=state.key("stop", job.id), disabled=job.cancel_requested
        ):
            resources.workbench().system.cancel(job.id)
            st.rerun()


def _ended(job: JobRecord) -> None:
    if job.state == "failed":
        st.error(job.error_message, title="This transcription failed", icon=":material/error:")
        if job.error_code in _HELP:
            st.markdown(_HELP[job.error_code])
    else:
        st.info(
            f"What was done up to {clock(job.done_ms)} is kept.",
            title="You stopped this",
            icon=":material/pause_circle:",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        label, icon = ("Continue", ":material/play_arrow:") if job.done_ms else ("Try again", ":material/refresh:")
        if st.button(label, icon=icon, key=state.key("again", job.id), type="primary"):
            resources.workbench().system.retry(job.id)
            st.rerun()
        if job.error_code.startswith("model"):
            st.page_link(places.MODELS, label="Models", icon=":material/neurology:")
        if job.state == "failed" and job.request_id:
            st.caption(f"Log reference: `{job.request_id}`")


def progress_text(job: JobRecord) -> str:
    """One line: what it does, how far it is, how long it will take."""
    if job.cancel_requested:
        return "Stopping after this part; what is done is kept"
    if job.state == "queued":
        return "Waiting for its turn" if job.attempt == 0 else "Waiting to go on"
    parts = [job.stage or STATES[job.state].text]
    if job.total_ms:
        parts.append(f"{clock(job.done_ms)} of {clock(job.total_ms)}")
    if left := remaining(job.eta_ms):
        parts.append(left)
    return " · ".join(parts)
