"""How a transcript was made: enough to get it again."""

from __future__ import annotations

import streamlit as st

from components import state
from components.words import DEVICES, moment
from core.services.records import TranscriptRecord
from core.speech.config import TranscriptionConfig

#: Asked for in the settings, and settled by the run: said once, as it was.
_SETTLED = {"model": "Model", "device": "Device", "compute_type": "Precision"}


def how_it_was_made(record: TranscriptRecord) -> None:
    """The settings, versions and speed that led to this transcript."""
    with st.expander("How this transcript was made", icon=":material/info:", key=state.key("made", record.id)):
        if record.config is None:
            st.markdown(f"Edited by {record.author}, {moment(record.created_at)}.")
            return
        facts = {"Made": moment(record.created_at)}
        if record.real_time_factor:
            factor = record.real_time_factor
            facts["Speed"] = f"{1 / factor:.1f} times as fast as it plays (real-time factor {factor:.3f})"
        facts |= _settings(record.config)
        for name, value in record.versions.items():
            facts[_SETTLED.get(name) or name.replace("_", " ").capitalize()] = DEVICES.get(value, value)
        facts["Fingerprint of the settings"] = record.fingerprint[:16]
        st.table([{"": name, "Value": value} for name, value in facts.items()], hide_index=True, hide_header=True,
                 border="horizontal", alt="Settings and versions that made this transcript")  # fmt: skip


def _settings(config: TranscriptionConfig) -> dict[str, str]:
    shown: dict[str, str] = {}
    for name, info in TranscriptionConfig.model_fields.items():
        value = getattr(config, name)
        if name == "vad":
            shown |= {field.title or key: str(getattr(value, key)) for key, field in type(value).model_fields.items()}
        elif isinstance(value, bool):
            shown[info.title or name] = "yes" if value else "no"
        elif value not in (None, "", ()):
            shown[info.title or name] = (
                ", ".join(value) if isinstance(value, tuple) else DEVICES.get(str(value), str(value))
            )
    return shown
