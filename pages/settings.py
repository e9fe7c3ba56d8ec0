"""How new transcriptions start out, and the settings the app runs with."""

import streamlit as st

from components.boundary import boundary
from components.preferences import defaults_form
from components.settings_table import settings_table

st.title("Settings", anchor=False)

st.header("New transcriptions", anchor=False)
st.caption("Every new transcription starts out with these; each can still be changed where it is started.")
with boundary("New transcriptions"):
    defaults_form()

st.header("This app", anchor=False)
st.caption(
    "Set where the app is started, as environment variables; shown here as they are in effect. "
    "Changing them takes a restart."
)
with boundary("This app"):
    settings_table()
