"""The script Streamlit runs for every page: what all pages share, and the only table of pages."""

import streamlit as st

from components import shell, trace

trace.begin()
st.set_page_config(page_title="Readback", page_icon=shell.MARK, layout="wide")

page = st.navigation(
    [
        st.Page(
            "library.py", title="Library", icon=":material/library_music:", default=True,
            help="Your projects and their recordings. Add files, put them in order, have them transcribed.",
        ),
        st.Page("recording.py", title="Recording", icon=":material/graphic_eq:", visibility="hidden"),
        st.Page(
            "models.py", title="Models", icon=":material/neurology:",
            help="The speech models there are: what each is for, and which are on this machine.",
        ),
        st.Page(
            "system.py", title="System", icon=":material/monitor_heart:",
            help="What waits, what runs, what failed and why; workers, memory and disk.",
        ),
        st.Page(
            "settings.py", title="Settings", icon=":material/settings:",
            help="How new transcriptions start out, and the settings this app runs with.",
        ),
    ],
    position="top",
)  # fmt: skip

with shell.frame():
    page.run()
