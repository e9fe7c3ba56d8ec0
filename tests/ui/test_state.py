"""The URL says where the user is."""

import pytest
from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from components import state
st.code(repr((state.selected_project(), state.selected_recording())))
for kind, message in state.take_flashes():
    st.markdown(f"{kind}: {message}")
if st.button("Go"):
    state.select_project(7)
    state.flash("there")
    st.rerun()
"""


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "１", "9" * 19, " 1", "1_0"])
def test_nonsense_in_the_url_selects_nothing(text: str) -> None:
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.query_params["project"] = text
    assert app.run().code[0].value == "(None, None)"


def test_the_url_carries_the_selection_and_messages_come_once() -> None:
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.query_params["recording"] = "12"
    assert app.run().code[0].value == "(None, 12)"
    app.button[0].click().run()
    assert app.query_params["project"] == "7"
    assert [item.value for item in app.markdown] == ["success: there"]
    assert app.run().markdown.len == 0
