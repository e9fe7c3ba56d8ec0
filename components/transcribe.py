"""Starting a transcription: the settings people choose by, the rest under "Advanced", and the button."""

from __future__ import annotations

import streamlit as st

from components import resources, state, trace
from components.boundary import boundary
from components.forms import Form
from components.languages import language_widget
from components.model_choice import model_notice, model_widget
from components.words import count
from core.services import batch
from core.services.records import ProjectRecord, RecordingRecord
from core.speech.config import TranscriptionConfig

_WIDGETS = {"model": model_widget, "language": language_widget}
#: Where the model runs and how it calculates is rarely a question; it stays out of the way.
_MAIN = ("model", "language", "mode", "verbatim")


def config_form(key: str, start: TranscriptionConfig, *, own_recording: bool) -> TranscriptionConfig | None:
    """Draws the settings of a transcription.

    Args:
        key: What they are for; unique on the page.
        start: Where the fields begin.
        own_recording: Whether it is for the user's own recordings, which the demo model cannot know.

    Returns:
        The settings, or None while something entered cannot be.
    """
    form = Form(model=TranscriptionConfig, value=start, key=key, widgets=_WIDGETS)
    left, right = st.columns(2)
    with left:
        form.draw("model")
    with right:
        form.draw("language")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        with st.container(width="content"):
            form.draw("mode")
        with st.container(width="content"):
            form.draw("verbatim")
    with st.expander("Advanced", icon=":material/tune:", key=state.key(key, "advanced")):
        form.draw(exclude=_MAIN)
    config = form.result()
    if config is None:
        st.caption("Something entered above cannot be used; it is marked in red.")
    else:
        model_notice(config.model, own_recording=own_recording)
    return config


@st.fragment
def transcribe_panel(recording: RecordingRecord, project: ProjectRecord, *, busy: bool, first: bool) -> None:
    """The panel on a recording's page.

    Args:
        busy: A transcription of this recording waits or runs; another one cannot be started meanwhile.
        first: There is no transcript yet: the panel is what this page is about.
    """
    with boundary("Transcribe"), _box(recording, first=first):
        transcription = resources.workbench().transcription
        config = config_form(
            state.key("config", recording.id),
            transcription.default_config(recording.id),
            own_recording=not project.is_sample,
        )
        again = not first and st.checkbox(
            "Do it again even if there is a transcript with exactly these settings",
            key=state.key("anew", recording.id),
        )
        if st.button(
            "Transcribe", type="primary", icon=":material/graphic_eq:", key=state.key("start", recording.id),
            disabled=busy or config is None,
        ) and config is not None:  # fmt: skip
            submission = transcription.submit(recording.id, config, force=again, request_id=trace.request_id())
            if submission.reused and submission.transcript_id is not None:
                state.choose_transcript(recording.id, submission.transcript_id)
                state.flash("This recording has been transcribed with exactly these settings before; here it is.")
            else:
                state.choose_transcript(recording.id, None)
            st.rerun(scope="app")


def _box(recording: RecordingRecord, *, first: bool) -> st.delta_generator.DeltaGenerator:
    if first:
        return st.container(border=True, key=state.key("panel", recording.id))
    return st.expander("Transcribe again", icon=":material/graphic_eq:", key=state.key("panel", recording.id))


@st.fragment
def transcribe_all(project: ProjectRecord) -> None:
    """Transcribes every recording of a project that has no transcript yet, with the same settings."""
    with boundary("Transcribe all"):
        if project.recording_count < 2:
            return
        with st.expander("Transcribe all", icon=":material/playlist_play:", key=state.key("all", project.id)):
            transcription = resources.workbench().transcription
            config = config_form(
                state.key("config-all", project.id),
                transcription.default_config(kind=project.kind, is_sample=project.is_sample),
                own_recording=not project.is_sample,
            )
            clicked = st.button(
                "Transcribe all that are not transcribed", type="primary", icon=":material/playlist_play:",
                key=state.key("start-all", project.id), disabled=config is None,
            )  # fmt: skip
            if clicked and config is not None:
                started = batch.transcribe_all(
                    resources.workbench().library, transcription, project.id, config, request_id=trace.request_id()
                )
                state.flash(f"{count(started, 'recording')} will be transcribed, one after another.")
                st.rerun(scope="app")
