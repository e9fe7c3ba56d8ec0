"""A recording's transcript: choose a version, follow it while it grows, page through it, take it away."""

from __future__ import annotations

import streamlit as st

from components import links, resources, state
from components.boundary import boundary
from components.job_card import job_card
from components.player import player
from components.words import clock, count, moment
from core.services.records import RecordingRecord, TranscriptRecord
from core.speech.config import TranscriptionConfig
from core.speech.languages import language_name
from core.speech.transcript import Segment

PAGE_SIZE = 50
_POLL_SECONDS = 1.0


def transcript_view(recording: RecordingRecord) -> None:
    """Sound and text; polls while the recording's job waits or runs, and only then."""
    active = recording.job_state in ("queued", "running")
    st.fragment(_follow, run_every=_POLL_SECONDS if active else None)(recording, active)


def _follow(recording: RecordingRecord, was_active: bool) -> None:
    workbench = resources.workbench()
    job = None
    with boundary("Progress"):
        job = workbench.system.job(recording.job_id) if recording.job_id else None
        if was_active and not (job and job.active):
            st.rerun(scope="app")
        if job is not None:
            job_card(job)
    with boundary("Transcript"):
        growing = job is not None and job.active
        _text(recording, _selected(recording, _with_text(recording.id, growing=growing)), growing=growing)


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


def _text(recording: RecordingRecord, record: TranscriptRecord | None, *, growing: bool) -> None:
    transcription = resources.workbench().transcription
    show_words = False
    segments: tuple[Segment, ...] = ()
    if record is not None:
        for warning in record.warnings:
            st.warning(warning, icon=":material/warning:")
        total = transcription.segments(record.id, limit=1).total
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(_facts(record, growing=growing), width="content")
            show_words = st.toggle("Word times", key=state.key("word-times", recording.id))
        pages = max(1, -(-total // PAGE_SIZE))
        number = pages if growing else min(pages, int(st.session_state.get(state.key("segments", record.id), 1)))
        segments = transcription.segments(record.id, offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE).items
    player(
        source=links.media_url(recording.id), subject=recording.id, segments=segments, show_words=show_words,
        growing=growing, key=state.key("player", recording.id),
    )  # fmt: skip
    if record is None:
        return
    if not segments:
        st.caption("The text appears here as it is recognized." if growing else "No speech was found in it.")
    elif pages > 1 and growing:
        st.caption(f"The newest part of {count(total, 'segment')}; all of them can be paged through when it is done.")
    elif pages > 1:
        st.pagination(pages, key=state.key("segments", record.id))


def _facts(record: TranscriptRecord, *, growing: bool) -> str:
    parts = [count(record.word_count, "word")]
    if record.language:
        sure = f" ({record.language_probability:.0%} sure)" if record.language_probability not in (None, 1.0) else ""
        parts.append(language_name(record.language) + sure)
    if not record.complete and not growing:
        parts.append(f"done up to {clock(record.done_ms)}")
    return " · ".join(parts)


def take_away(record: TranscriptRecord) -> None:
    """Downloads in every format there is."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Take it away**", width="content")
        for fmt in resources.workbench().exports.formats():
            st.link_button(
                fmt.name.upper(), links.export_url(record.id, fmt.name), icon=":material/download:",
                key=state.key("export", record.id, fmt.name), help=f"Download the transcript as {fmt.name.upper()}",
            )  # fmt: skip


def how_it_was_made(record: TranscriptRecord) -> None:
    """The settings, versions and speed that led to this transcript: enough to get it again."""
    with st.expander("How this transcript was made", icon=":material/info:", key=state.key("made", record.id)):
        if record.config is None:
            st.markdown(f"Edited by {record.author}, {moment(record.created_at)}.")
            return
        facts = {"Made": moment(record.created_at)}
        if record.real_time_factor:
            factor = record.real_time_factor
            facts["Speed"] = f"{1 / factor:.1f} times as fast as it plays (real-time factor {factor:.3f})"
        facts |= _settings(record.config) | {
            name.replace("_", " ").capitalize(): str(value) for name, value in record.versions.items()
        }
        facts["Fingerprint of the settings"] = record.fingerprint[:16]
        st.table([{"": name, "Value": value} for name, value in facts.items()], hide_index=True, hide_header=True,
                 border="horizontal", alt="Settings and versions that made this transcript")  # fmt: skip


def _settings(config: TranscriptionConfig) -> dict[str, str]:
    shown: dict[str, str] = {}
    for name, info in TranscriptionConfig.model_fields.items():
        value = getattr(config, name)
        if name == "vad":
            shown |= {field.title or key: str(getattr(value, key)) for key, field in type(value).model_fields.items()}
        elif isinstance(value, bool):
            shown[info.title or name] = "yes" if value else "no"
        elif value not in (None, "", ()):
            shown[info.title or name] = ", ".join(value) if isinstance(value, tuple) else str(value)
    return shown
