"""B1: one failing component never takes the page down."""

from streamlit.testing.v1 import AppTest
from structlog.testing import capture_logs

TIMEOUT_S = 60


def run(script: str) -> AppTest:
    return AppTest.from_string(script, default_timeout=TIMEOUT_S).run()


def test_the_rest_of_the_page_lives() -> None:
    app = run("""
import streamlit as st
from components.boundary import boundary
with boundary("Waveform"):
    st.markdown("before")
    raise ZeroDivisionError("a secret detail")
st.markdown("after")
""")
    assert not app.exception
    assert [item.value for item in app.markdown] == ["before", "after"]
    (error,) = app.error
    assert error.value == "Something went wrong here. The rest of the page still works."
    assert "a secret detail" not in str(app.main)
    assert app.button(key="retry-Waveform").label == "Try again"


def test_what_failed_is_named_and_logged_under_the_reference_shown() -> None:
    with capture_logs() as logs:
        app = run("""
from components.boundary import boundary
with boundary("Waveform"):
    raise ZeroDivisionError("for the log")
""")
    (event,) = [item for item in logs if item["event"] == "component_failed"]
    assert event["component"] == "Waveform"
    assert isinstance(event["exc_info"], ZeroDivisionError)
    assert "Log reference:" in app.caption[0].value


def test_an_error_meant_for_users_shows_its_own_message() -> None:
    app = run("""
from components.boundary import boundary
from core.errors import NotFoundError
with boundary("Recording"):
    raise NotFoundError("This recording was deleted.")
""")
    assert [item.value for item in app.error] == ["This recording was deleted."]


def test_try_again_tries_again() -> None:
    app = run("""
import streamlit as st
from components.boundary import boundary
with boundary("Waveform"):
    st.session_state.tries = st.session_state.get("tries", 0) + 1
    if st.session_state.tries == 1:
        raise ZeroDivisionError
    st.markdown("here it is")
""")
    app.button(key="retry-Waveform").click().run()
    assert not app.error
    assert app.markdown[0].value == "here it is"


def test_stop_and_rerun_pass_through() -> None:
    app = run("""
import streamlit as st
from components.boundary import boundary
with boundary("Part"):
    if "again" not in st.session_state:
        st.session_state.again = True
        st.rerun()
    st.markdown("second run")
    st.stop()
st.markdown("never")
""")
    assert not app.error
    assert [item.value for item in app.markdown] == ["second run"]


def test_inside_a_fragment_the_rest_lives() -> None:
    app = run("""
import streamlit as st
from components.boundary import boundary

@st.fragment
def part():
    with boundary("Part"):
        raise ZeroDivisionError

part()
st.markdown("alive")
""")
    assert len(app.error) == 1
    assert app.markdown[0].value == "alive"
