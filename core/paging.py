"""One page of a longer list: what every list that may be long is handed out as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """One page of a longer list."""

    items: tuple[T, ...]
    #: How many there are in all.
    total: int
    #: Position of the first item of this page in the whole list, from 0.
    offset: int = 0
