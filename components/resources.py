"""The one Workbench of this process, for pages and components.

The app's lifespan provides it before the first page can run; tests provide their own. A module-level handle rather
than a Streamlit cache, because the HTTP routes of the same process need the very same object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import ReadbackError

if TYPE_CHECKING:
    from core.bootstrap import Workbench

_current: Workbench | None = None


def provide(workbench: Workbench | None) -> None:
    """Sets the Workbench everything in this process uses; None takes it away."""
    global _current
    _current = workbench


def workbench() -> Workbench:
    """The Workbench of this process.

    Raises:
        ReadbackError: The app is still starting or already stopping.
    """
    if _current is None:
        raise ReadbackError("Readback is starting or stopping. Try again in a moment.")
    return _current
