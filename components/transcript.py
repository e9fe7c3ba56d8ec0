"""A recording's transcript: choose a version, follow it while it grows, page through it, take it away."""

from __future__ import annotations

import streamlit as st

from components import links, reading, resources, state
from components.boundary import boundary
from components.job_card import job_card
from components.model_choice import DEMO
from components.player import player
from components.words import clock, count, escape, moment
from core.services.records import ProjectRecord, RecordingRecord, TranscriptRecord
from core.speech.languages import language_name

_POLL_SECONDS = 1.0


def transcript_view(recording: RecordingRecord, project: ProjectRecord) -> None:
    """Sound and text; polls while the recording's job waits or runs, and only then."""
    active = recording.job_state in ("queued", "running")
    st.fragment(_follow, run_every=_POLL_SECONDS if active else None)(recording, project, active)


def _follow(recording: RecordingRecord, project: ProjectRecord, was_active: bool) -> None:
    workbench = resources.workbench()
    job = None
    with boundary("Progress"):
        job = workbench.system.job(recording.job_id) if recording.job_id else None
        if was_active and not (job and job.active):
            if job is not None and job.state == "failed":
                # Its card is at the top of the page; who reads further down would not see it.
                state.flash(f"The transcription failed: {escape(job.error_message)}", "error")
            st.rerun(scope="app")
        if job is not None:
            job_card(job)
    with boundary("Transcript"):
        growing = job is not None and job.active
        record = _selected(recording, _with_text(recording.id, growing=growing))
        if record is None:
            player(source=links.media_url(recording.id), subject=recording.id, key=state.key("player", recording.id))
        else:
            _text(recording, record, own_recording=not project.is_sample, growing=growing)


def _with_text(recording_id: int, *, growing: bool) -> tuple[TranscriptRecord, ...]:
    """The transcripts there are, newest first; one that ended before its first word only while it may still come."""
    records = resources.workbench().transcription.list_for(recording_id)
    return tuple(record for record in records if growing or record.complete or record.done_ms)


def _selected(recording: RecordingRecord, records: tuple[TranscriptRecord, ...]) -> TranscriptRecord | None:
    if len(records) < 2:
        return records[0] if records else None
    by_id: dict[int | None, TranscriptRecord] = {record.id: record for record in records}
    key = state.transcript_key(recording.id)
    if st.session_state.get(key) not in by_id:
        st.session_state[key] = records[0].id
    chosen = st.selectbox("Transcript", list(by_id), key=key, format_func=lambda value: _title(by_id[value]), width=420)
    return by_id[chosen]


def shown_transcript(recording_id: int) -> TranscriptRecord | None:
    """The transcript the view shows: the one selected, or the newest; None if there is none."""
    records = _with_text(recording_id, growing=False)
    chosen = st.session_state.get(state.transcript_key(recording_id))
    return next((record for record in records if record.id == chosen), records[0] if records else None)


def _title(record: TranscriptRecord) -> str:
    by = f"{record.config.model}, {record.config.mode}" if record.config else record.author
    return f"{moment(record.created_at)} · {by}" + ("" if record.complete else f" · up to {clock(record.done_ms)}")


def _text(recording: RecordingRecord, record: TranscriptRecord, *, own_recording: bool, growing: bool) -> None:
    for warning in record.warnings:
        st.warning(warning, icon=":material/warning:")
    if own_recording and _model(record) == DEMO:
        st.warning(
            f"It knows only the {resources.workbench().sample.known_words} words of the sample, so this text is not "
            "what is said in your recording. Transcribe it with another model to get that.",
            title="Made by the demo model", icon=":material/warning:",
        )  # fmt: skip
    page = reading.text_page(record, growing=growing)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(_facts(record, growing=growing), width="content")
        if not growing:
            _take_away(record)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        show_words = st.toggle("Word times", key=state.key("word-times", recording.id))
        if page.pages > 1:
            reading.controls(recording, record)
    follow = page.pages == 1 or bool(st.session_state.get(state.follow_key(recording.id)))
    player(
        source=links.media_url(recording.id), subject=recording.id, page=page, show_words=show_words,
        growing=growing, follow=follow, held=state.held(recording.id), seek=state.sought(recording.id),
        on_heard=lambda time_ms: reading.heard(recording, record, time_ms), key=state.key("player", recording.id),
    )  # fmt: skip
    if not page.segments:
        st.caption("The text appears here as it is recognized." if growing else "No speech was found in it.")
    elif page.pages > 1:
        reading.pagination(recording, record, page)


def _model(record: TranscriptRecord) -> str:
    return record.config.model if record.config else ""


def _facts(record: TranscriptRecord, *, growing: bool) -> str:
    parts = [count(record.word_count, "word")]
    if record.language:
        sure = f" ({record.language_probability:.0%} sure)" if record.language_probability not in (None, 1.0) else ""
        parts.append(language_name(record.language) + sure)
    if not record.complete and not growing:
        parts.append(f"done up to {clock(record.done_ms)}")
    if model := _model(record):
        parts.append(escape(model))
    return " · ".join(parts)


def _take_away(record: TranscriptRecord) -> None:
    """Downloads in every format there is."""
    with st.container(horizontal=True, vertical_alignment="center", width="content", gap="xsmall"):
        st.markdown("**Take it away**", width="content")
        for fmt in resources.workbench().exports.formats():
            st.link_button(
                fmt.name.upper(), links.export_url(record.id, fmt.name), icon=":material/download:",
                key=state.key("export", record.id, fmt.name), help=f"Download the transcript as {fmt.name.upper()}",
            )  # fmt: skip
