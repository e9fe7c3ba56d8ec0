"""Choosing a language by its name."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.speech.languages import LANGUAGES, language_name


def language_widget(label: str, value: Any, key: str, text: str | None) -> str | None:
    """A `forms.Widget`: a language by name; left empty, it is detected."""
    codes = list(LANGUAGES) if value is None or value in LANGUAGES else [str(value), *LANGUAGES]
    return st.selectbox(
        label, codes, index=None if value is None else codes.index(value), key=key, help=text,
        format_func=language_name, placeholder="Detect it",
    )  # fmt: skip
