"""How pages say things: durations, sizes, moments and states in the words of people."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.speech.units import clock as clock
from core.speech.units import limit as limit
from core.speech.units import size as size

Color = Literal["green", "blue", "orange", "red", "gray"]


@dataclass(frozen=True, kw_only=True)
class StateWords:
    """How the state of a job is shown."""

    text: str
    icon: str
    color: Color


STATES = {
    "": StateWords(text="Not transcribed", icon=":material/radio_button_unchecked:", color="gray"),
    "queued": StateWords(text="Waiting", icon=":material/schedule:", color="blue"),
    "running": StateWords(text="Transcribing", icon=":material/graphic_eq:", color="blue"),
    "completed": StateWords(text="Transcribed", icon=":material/check_circle:", color="green"),
    "failed": StateWords(text="Failed", icon=":material/error:", color="red"),
    "cancelled": StateWords(text="Stopped", icon=":material/pause_circle:", color="orange"),
}


#: How the names of devices are written.
DEVICES = {"cpu": "CPU", "cuda": "GPU (CUDA)"}


def milliseconds(text: str) -> int | None:
    """The position a user wrote as `clock` does; None if it is not one."""
    found = re.fullmatch(r"(?:([0-9]{1,3}):(?=[0-5]?[0-9]:))?([0-9]{1,4}):([0-5][0-9])", text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000


def duration(ms: int) -> str:
    """A length of time: ``8 s``, ``4 min 10 s``, ``2 h 5 min``."""
    seconds = round(ms / 1_000)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def remaining(ms: int | None) -> str:
    """How long something will still take, roughly; empty if nobody knows."""
    if ms is None:
        return ""
    return "a few seconds left" if ms < 10_000 else f"about {duration(round(ms, -4))} left"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 recording``, ``3 recordings``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment(when: datetime) -> str:
    """A moment in the time of the user's browser: ``14:05`` today, else ``21 Nov 2026, 14:05``."""
    zone = _zone()
    local = when.astimezone(zone)
    if local.date() == datetime.now(UTC).astimezone(zone).date():
        return f"today, {local:%H:%M}"
    return f"{local.day} {local:%b %Y, %H:%M}"


def code(text: str) -> str:
    """Text as Markdown code, whatever is in it."""
    return f"`` {text} ``".replace("\n", " ") if "`" in text else f"`{text}`"


def escape(text: str) -> str:
    """Text of the user's (a file name, a title) that must not act as Markdown or as a Streamlit directive."""
    # Markdown lets any ASCII punctuation be escaped; doing it to all of it leaves nothing to get wrong.
    return "".join(f"\\{char}" if char in string.punctuation else char for char in " ".join(text.split()))
