"""The one source of truth for model names: pages, command line, API and validation all ask here."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from core.errors import UnknownModelError
from core.infra.whisper.families import ALIASES, FAMILY
from core.infra.whisper.files import english_only, folder_bytes
from core.speech.models import ModelSpec

#: The model in the program.
EMBEDDED_NAME = "demo"
#: Where its files are.
EMBEDDED_FOLDER = Path(__file__).resolve().parents[2] / "demo" / "model"
#: Said wherever it is offered.
EMBEDDED_WARNING = (
    "Knows only the vocabulary of the sample project. For real recordings choose small (any computer) or "
    "large-v3-turbo (with a GPU)."
)
#: ``owner/name`` as the hub allows it.
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")

#: Name → (source, location) of what the user added; source is ``"folder"`` or ``"hub"``.
AddedModels = Mapping[str, tuple[str, str]]


def embedded_spec() -> ModelSpec:
    """The model that came with the program."""
    return ModelSpec(
        name=EMBEDDED_NAME, kind="embedded", title="Demo model", languages="en", folder=str(EMBEDDED_FOLDER),
        description="A tiny Whisper that is part of the program: works at once, without a download. English only.",
        size_bytes=folder_bytes(EMBEDDED_FOLDER), memory_bytes=60_000_000, warning=EMBEDDED_WARNING,
    )  # fmt: skip


class Catalogue:
    """All models that can be asked for by name.

    Args:
        added: Reads the names the user added (asked anew each time, they may change while the app runs).
    """

    def __init__(self, added: Callable[[], AddedModels] = dict) -> None:
        self._added = added

    def list(self) -> tuple[ModelSpec, ...]:
        """Everything with a name, in the order it is offered: embedded, the user's, the family."""
        users = (self._added_spec(name, *where) for name, where in sorted(self._added().items()))
        return (embedded_spec(), *users, *FAMILY)

    def is_built_in(self, name: str) -> bool:
        """Whether the name belongs to the program, so that the user cannot give it to another model."""
        return name == EMBEDDED_NAME or name in ALIASES or any(spec.name == name for spec in FAMILY)

    def resolve(self, name: str) -> ModelSpec:
        """What a name means: a catalogue name, a folder, or a hub id.

        Raises:
            UnknownModelError: It is none of these; the message suggests names that are close.
        """
        name = name.strip()
        for spec in self.list():
            if spec.name == ALIASES.get(name, name):
                return replace(spec, name=name) if name in ALIASES else spec
        if looks_like_path(name):
            # Not Path.expanduser, which fails for a user that does not exist.
            folder = Path(os.path.expanduser(name))
            if folder.is_dir():
                return folder_spec(name, folder)
            raise UnknownModelError(f"There is no folder {name}. A model's folder holds its config.json and model.bin.")
        if _HUB_ID.fullmatch(name):
            return hub_spec(name, name)
        raise UnknownModelError(self._unknown(name))

    def _added_spec(self, name: str, source: str, location: str) -> ModelSpec:
        spec = folder_spec(name, Path(location)) if source == "folder" else hub_spec(name, location)
        return replace(spec, kind="added", title=name)

    def _unknown(self, name: str) -> str:
        names = [*ALIASES, *(spec.name for spec in self.list())]
        close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        return (
            f'There is no model "{name}". {hint}`readback models list` shows all names; '
            "a folder or a hub id (owner/name) works too."
        )


def is_hub_id(text: str) -> bool:
    """Whether it has the form of a hub id."""
    return _HUB_ID.fullmatch(text) is not None


def looks_like_path(name: str) -> bool:
    """Whether a name is meant as a folder: it says so (absolute, ./, ~) or there is one; a bare word never is, so that
    a folder that happens to be called like a model cannot take its place."""
    if name.startswith(("/", "./", "../", "~", ".\\", "..\\")) or Path(name).is_absolute():
        return True
    return any(mark in name for mark in ("/", "\\")) and Path(name).is_dir()


def folder_spec(name: str, folder: Path) -> ModelSpec:
    """A model in a folder of this machine."""
    only_english = english_only(folder)
    return ModelSpec(
        name=name, kind="folder", title=folder.name, description=f"A model in the folder {folder}.",
        folder=str(folder.resolve()), size_bytes=folder_bytes(folder),
        languages="unknown" if only_english is None else "en" if only_english else "multilingual",
    )  # fmt: skip


def hub_spec(name: str, repo_id: str) -> ModelSpec:
    """A model on the hub that the catalogue knows nothing else about."""
    return ModelSpec(
        name=name, kind="hub", title=repo_id, description=f"The model {repo_id} of the hub.", repo_id=repo_id
    )
