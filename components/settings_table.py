"""The settings in effect, read-only, under the names they are set by."""

from __future__ import annotations

import streamlit as st
from sqlalchemy.engine import make_url

from components import resources
from components.words import code, limit
from core.settings import Settings


def settings_table() -> None:
    """One row per setting: its variable, its value, what it does."""
    settings = resources.workbench().settings
    rows = [
        {
            "Setting": f"`READBACK_{name.upper()}`",
            "Value": _shown(settings, name),
            "What it does": info.description or "",
        }
        for name, info in Settings.model_fields.items()
    ]
    st.table(rows, hide_index=True, border="horizontal", alt="Settings of this app with their values")


def _shown(settings: Settings, name: str) -> str:
    if name == "database_url":
        # The password is part of the address; nobody needs to see it here.
        return code(make_url(settings.resolved_database_url).render_as_string(hide_password=True))
    value = settings.resolved_models_dir if name == "models_dir" else getattr(settings, name)
    if isinstance(value, int) and name.endswith("_bytes"):
        return f"{code(str(value))} ({limit(value)})"
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return code(str(value)) if str(value) else "–"
