"""The limits the child process sets itself before it looks at the file."""

from __future__ import annotations

import contextlib
import sys

#: Between the signal that tells of too much processor time and the one that nothing survives.
_GRACE_SECONDS = 5


def limit_process(*, memory_bytes: int, cpu_seconds: int) -> None:
    """Bounds memory and processor time, forbids writing files and core dumps.

    Linux keeps all of them. macOS ignores the limit of the address space, Windows has none of them: there the parent's
    time limit and `forbid_opening` remain.
    """
    if sys.platform == "win32":
        return
    import resource

    def lower(which: int, value: int, *, grace: int = 0) -> None:
        _, hard = resource.getrlimit(which)
        most = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
        # Some systems refuse a limit they list (macOS: address space); the rest still holds.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (min(value, most), most))

    lower(resource.RLIMIT_AS, memory_bytes)
    lower(resource.RLIMIT_DATA, memory_bytes)
    lower(resource.RLIMIT_CPU, cpu_seconds, grace=_GRACE_SECONDS)
    lower(resource.RLIMIT_FSIZE, 0)
    lower(resource.RLIMIT_CORE, 0)


def forbid_opening() -> None:
    """Forbids every further file and socket. Call it when all that is needed is imported and open.

    Not on Windows, which has no such limit; there the custom reader and the list of formats keep libav to its one file.
    """
    if sys.platform == "win32":
        return
    import resource

    # Standard input (the file), output (the samples) and error stay as they are.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
