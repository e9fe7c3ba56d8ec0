"""Keeps a failure where it happened: one failing component never takes the page down.

::

    with boundary("Waveform"):
        ...

Put it inside a fragment, not around it: a fragment's own reruns do not pass the code around it.
"""

from __future__ import annotations

from types import TracebackType

import streamlit as st
import structlog
from streamlit.errors import StreamlitAPIException

from components import places, state, trace
from core.errors import NotFoundError, ReadbackError

_log = structlog.get_logger(__name__)


class boundary:  # noqa: N801 — used like a function: `with boundary("Waveform"):`
    """Runs a component; what it raises is shown in its place, with a way to try again and a log reference.

    Only `Exception`s: rerun and stop are none in Streamlit and pass through, as do exits and interrupts.

    Args:
        name: What the component is, in the user's words ("Recordings"); unique on the page.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """True, which ends the exception, if there was one that belongs here."""
        if not isinstance(error, Exception):
            return False
        reference = trace.request_id()
        if isinstance(error, ReadbackError):
            _log.warning("component_refused", component=self._name, error_code=error.code, error=error.message)
            _show(self._name, error.message, reference, gone=isinstance(error, NotFoundError))
        else:
            _log.error("component_failed", component=self._name, exc_info=error)
            _show(self._name, "Something went wrong here. The rest of the page still works.", reference)
        return True


def _show(name: str, message: str, reference: str, *, gone: bool = False) -> None:
    with st.container(border=True, key=state.key("boundary", name)):
        st.error(message, title=f"{name} could not be shown", icon=":material/error:")
        with st.container(horizontal=True, vertical_alignment="center"):
            if gone:
                # What was deleted (in another tab, say) does not come back by trying.
                st.page_link(places.LIBRARY, label="To the library", icon=":material/library_music:", query_params={})
            else:
                # A click reruns the fragment or page this is in: that is the second try.
                st.button("Try again", icon=":material/refresh:", key=state.key("retry", name))
            st.caption(f"Log reference: `{reference}`")


def rerun_part() -> None:
    """Reruns the fragment this is called in; the page if the click came in together with a rerun of the whole page."""
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:
        st.rerun()
