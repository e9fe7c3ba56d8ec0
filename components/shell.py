"""What surrounds every page: the logo, a column of a readable width, and messages kept from before a rerun."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from components import state
from components.boundary import boundary

#: Wide enough for a row of a list, narrow enough for a line of text.
_WIDTH_PX = 1040
_HERE = Path(__file__).parent
_LOGO = (_HERE / "logo.svg").read_text(encoding="utf-8")
#: The browser tab's icon; a file of our own, because a Material icon would be fetched from the internet.
MARK = (_HERE / "mark.svg").read_text(encoding="utf-8")
_CSS = (_HERE / "shell.css").read_text(encoding="utf-8")


@contextmanager
def frame() -> Iterator[None]:
    """Runs a page inside the frame that all pages share."""
    st.html(f"<style>{_CSS}</style>")
    st.logo(_LOGO, size="large", link=None)
    with st.container(horizontal_alignment="center"), st.container(width=_WIDTH_PX, horizontal_alignment="left"):
        for kind, message in state.take_flashes():
            if kind == "success":
                st.toast(message, icon=":material/check_circle:")
            else:
                st.toast(message, icon=f":material/{kind}:", duration="long")
        with boundary("This page"):
            yield
