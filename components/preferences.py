"""The choices new transcriptions start out with."""

from __future__ import annotations

import streamlit as st

from components import resources, state
from components.boundary import boundary, rerun_part
from components.transcribe import config_form


@st.fragment
def defaults_form() -> None:
    """Shows the choices and saves them."""
    with boundary("Choices"), st.container(border=True, key="defaults"):
        preferences = resources.workbench().preferences
        stored = preferences.transcription_defaults()
        config = config_form(state.key("defaults", state.resets()), stored, own_recording=False)
        with st.container(horizontal=True):
            if st.button(
                "Save", type="primary", icon=":material/save:", key="save-defaults", disabled=config in (None, stored)
            ) and config is not None:  # fmt: skip
                preferences.set_transcription_defaults(config)
                st.toast("Saved", icon=":material/check_circle:")
                rerun_part()
            if st.button("Back to the original choices", key="reset-defaults", type="tertiary"):
                preferences.reset_transcription_defaults()
                state.reset()
                rerun_part()
