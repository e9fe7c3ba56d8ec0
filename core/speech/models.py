"""What there is to know of a speech model before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Where a model comes from: in the program, from the hub under a known name, added by the user, or named by its
#: folder or hub id alone.
ModelKind = Literal["embedded", "family", "added", "folder", "hub"]
#: Which languages a model writes.
ModelLanguages = Literal["en", "multilingual", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """A model that can be asked for by name."""

    #: The name it is asked for by: a catalogue name, a folder, or a hub id.
    name: str
    kind: ModelKind
    title: str
    description: str
    #: Hub id (``owner/name``), or None for a model that is a folder.
    repo_id: str | None = None
    #: The folder with its files, or None for a model that is on the hub.
    folder: str | None = None
    #: Size of its files in bytes, about; None if unknown.
    size_bytes: int | None = None
    #: Memory it needs on the CPU in int8, in bytes, about; None if unknown.
    memory_bytes: int | None = None
    languages: ModelLanguages = "unknown"
    #: What the user should know before choosing it; empty for most.
    warning: str = ""

    @property
    def english_only(self) -> bool:
        """Whether it is known to write English only."""
        return self.languages == "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModel:
    """A model in this process's memory."""

    name: str
    #: The folder of its files.
    path: str
    device: str
    compute_type: str
    #: ``"loading"``, ``"ready"`` or ``"unloading"``.
    state: str
    #: Jobs that hold it now.
    leases: int
    #: How long nobody has used it; 0 while somebody does.
    idle_seconds: float
    #: How long loading took; 0 while it does.
    load_ms: int
    #: Size of its weights on disk in bytes.
    size_bytes: int
