"""The queue as people see it: what waits, runs and failed, and why; and what can be done about each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from components import places, resources, state
from components.boundary import boundary, rerun_part
from components.charts import throughput_chart
from components.job_card import progress_text
from components.words import STATES, count, duration, escape, moment
from core.services.records import JobRecord

PAGE_SIZE = 20
_POLL_SECONDS = 2.0

_FIGURES = {"queued": "Waiting", "running": "Running", "failed": "Failed", "completed": "Done"}
_GROUPS: dict[str, tuple[str, ...]] = {
    "Active": ("running", "queued"),
    "Failed": ("failed",),
    "Stopped": ("cancelled",),
    "Done": ("completed",),
}


@st.fragment(run_every=_POLL_SECONDS * 2)
def waiting_and_done() -> None:
    """Figures of the queue and what it got through lately."""
    overview = None
    with boundary("Figures"):
        overview = resources.workbench().system.overview()
        counts, oldest = overview.counts, overview.oldest_wait_seconds
        with st.grid(4, min_column_width=140):
            for name, label in _FIGURES.items():
                st.metric(label, f"{counts.get(name, 0):,}", border=True)
        if oldest is not None and oldest > 60:
            st.caption(f"The one waiting longest has been ready to start for {duration(round(oldest * 1_000))}.")
    if overview is None:
        return
    with boundary("Throughput"):
        span = st.segmented_control(
            "Finished", ["In the last hour", "In the last day"], default="In the last hour", required=True, key="span"
        )
        series = overview.per_hour if span == "In the last day" else overview.per_minute
        if any(item.completed or item.failed or item.cancelled for item in series):
            throughput_chart(series, span=str(span))
        else:
            st.caption(f"Nothing was finished {str(span).lower()}; a chart appears here when something is.")


@st.fragment(run_every=_POLL_SECONDS)
def jobs() -> None:
    """The jobs of one group, newest first, each with what can be done about it."""
    with boundary("Jobs"):
        group = st.segmented_control(
            "Show", list(_GROUPS), default="Active", required=True, key="queue-group",
            label_visibility="collapsed",
        ) or "Active"  # fmt: skip
        number = int(st.session_state.get(state.key("queue-page", group), 1))
        page = resources.workbench().system.jobs(
            states=_GROUPS[group], limit=PAGE_SIZE, offset=(number - 1) * PAGE_SIZE
        )
        if not page.total:
            st.caption({"Active": "Nothing waits, nothing runs.", "Failed": "Nothing failed."}.get(
                group, "Nothing here."
            ))  # fmt: skip
            return
        names = resources.workbench().system.recording_names(page.items)
        for job in page.items:
            _row(job, names.get(job.recording_id or 0, ""))
        st.caption(count(page.total, "job"))
        if (pages := -(-page.total // PAGE_SIZE)) > 1:
            st.pagination(pages, key=state.key("queue-page", group))


def _row(job: JobRecord, name: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=state.key("queued", job.id)):
        with st.container(width="stretch", gap=None, key=f"title-job-{job.id}"):
            _title(job, name)
            if job.active:
                st.caption(progress_text(job))
            else:
                tried = f" · tried {count(job.attempt, 'time')}" if job.attempt > 1 else ""
                st.caption(moment(job.finished_at or job.created_at) + tried)
            if job.error_message:
                st.markdown(
                    f":red[{escape(job.error_message)}]" if job.state == "failed" else escape(job.error_message)
                )
        words = STATES[job.state]
        st.badge("Running" if job.state == "running" else words.text, icon=words.icon, color=words.color)
        _actions(job)


def _title(job: JobRecord, name: str) -> None:
    if name and job.recording_id:
        st.page_link(
            places.RECORDING, label=f"**{escape(name)}**", query_params=state.recording_params(job.recording_id)
        )
    else:
        st.markdown(f"**{escape(job.kind.capitalize())}**")


def _actions(job: JobRecord) -> None:
    system = resources.workbench().system
    if job.active:
        stale = job.state == "running" and _silent(job)
        if stale and st.button("Put back", icon=":material/restart_alt:", key=state.key("requeue", job.id),
                               help="Its worker has gone silent: let another one take it"):  # fmt: skip
            system.requeue(job.id)
            rerun_part()
        if st.button(
            "Stop", icon=":material/stop_circle:", key=state.key("queue-stop", job.id), disabled=job.cancel_requested
        ):
            system.cancel(job.id)
            rerun_part()
    elif job.state in ("failed", "cancelled"):
        if st.button("Try again", icon=":material/refresh:", key=state.key("queue-again", job.id)):
            system.retry(job.id)
            rerun_part()
        if st.button("Remove", icon=":material/close:", type="tertiary", key=state.key("queue-remove", job.id)):
            system.delete(job.id)
            rerun_part()


def _silent(job: JobRecord) -> bool:
    lease = timedelta(seconds=resources.workbench().settings.job_lease_seconds)
    return job.heartbeat_at is not None and datetime.now(UTC) - job.heartbeat_at > lease
