"""What the pool keeps books about: requests, weights in memory, and who holds them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

from core.ports import ModelHandle
from core.speech.models import LoadedModel


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadRequest:
    """What decides whether two configs share a model in memory, and (not compared) what else a handle needs."""

    path: str
    device: str
    compute_type: str
    #: Threads on the CPU; 0 on a GPU.
    cpu_threads: int = 0
    #: The name it was asked for by.
    name: str = field(compare=False)
    #: Names the model's content, for reproducing a result.
    revision: str = field(default="", compare=False)
    #: Windows decoded at once in fast mode.
    batch_size: int = field(default=1, compare=False)


class Weights(Protocol):
    """A model in memory."""

    @property
    def size_bytes(self) -> int:
        """Size of its weights on disk."""
        ...

    def handle(self, request: LoadRequest) -> ModelHandle:
        """What a lease gives out: its own for each, over the same weights."""
        ...

    def unload(self) -> None:
        """Frees the memory."""
        ...


@dataclass(slots=True, eq=False)
class Entry:
    """A model that is loading, ready or unloading."""

    request: LoadRequest
    state: str = "loading"
    weights: Weights | None = None
    #: Why loading failed; the entry is out of the pool then.
    error: BaseException | None = None
    leases: int = 0
    #: Threads that wait for its loading; they keep it from being taken as idle before they have it.
    expected: int = 0
    used_at: float = 0.0
    load_ms: int = 0
    #: It failed while it was used: it goes as soon as nobody holds it.
    condemned: bool = False

    @property
    def idle(self) -> bool:
        """Whether it may be unloaded."""
        return self.state == "ready" and not self.leases and not self.expected

    def describe(self) -> LoadedModel:
        """The entry as the System page shows it."""
        return LoadedModel(
            name=self.request.name,
            path=self.request.path,
            device=self.request.device,
            compute_type=self.request.compute_type,
            state=self.state,
            leases=self.leases,
            idle_seconds=time.monotonic() - self.used_at if self.idle else 0.0,
            load_ms=self.load_ms,
            size_bytes=self.weights.size_bytes if self.weights else 0,
        )
