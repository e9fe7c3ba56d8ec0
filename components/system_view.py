"""Health, workers, models in memory, and room on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import streamlit as st

from components import resources, state
from components.boundary import boundary
from components.words import count, duration, moment, size

_POLL_SECONDS = 5.0


@st.fragment(run_every=_POLL_SECONDS)
def health() -> None:
    """Whether everything answers, in one line; problems in words."""
    with boundary("State of the app"):
        workbench = resources.workbench()
        found = workbench.system.health()
        free = shutil.disk_usage(workbench.settings.data_dir).free
        if found.ok:
            st.success("Everything answers.", icon=":material/check_circle:")
        for problem in found.problems:
            st.error(problem, icon=":material/error:")
        with st.grid(3, min_column_width=160):
            st.metric("Database answers in", f"{found.database_ms:.1f} ms", border=True)
            st.metric("Workers alive", found.workers, border=True)
            st.metric("Free on the disk", size(free), border=True)
        if free < 2 * workbench.settings.min_free_disk_bytes:
            st.warning("The disk is nearly full; imports will soon be refused.", icon=":material/hard_drive:")
        st.caption(f"Everything is stored in `{workbench.settings.data_dir}`.")


@st.fragment(run_every=_POLL_SECONDS)
def workers() -> None:
    """The processes that do the work, and the models in their memory."""
    with boundary("Processes"):
        found = [worker for worker in resources.workbench().system.workers() if worker.alive]
        if not found:
            st.warning(
                "Transcriptions wait until one is started: `readback worker`, or READBACK_WORKERS above 0.",
                title="No worker is alive", icon=":material/engineering:",
            )  # fmt: skip
        for worker in found:
            with st.container(border=True, key=state.key("worker", worker.id)):
                st.markdown(f"**{worker.host}** · process {worker.pid}")
                st.caption(
                    f"Runs {count(worker.slots, 'job')} at a time · since {moment(worker.started_at)} · "
                    f"busy with {len(worker.job_ids)}"
                )
                for model in worker.models:
                    st.badge(_model(model), icon=":material/memory:", color="blue")
                if not worker.models:
                    st.caption("No model in memory; one is loaded when a transcription needs it.")


def _model(model: Mapping[str, Any]) -> str:
    use = (
        "in use" if model.get("leases") else f"idle for {duration(round(float(model.get('idle_seconds', 0)) * 1_000))}"
    )
    return f"{model.get('name')} · {model.get('device')} · {model.get('compute_type')} · {use}"
