"""How times and sizes are written, the same in the app and on the command line."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB")
_BINARY = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def clock(ms: int) -> str:
    """A position in a recording, never later than it is: ``0:07``, ``12:30``, ``1:02:03``."""
    minutes, seconds = divmod(ms // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def size(count: int | None) -> str:
    """Bytes in powers of ten, as disks and downloads are sold: ``640 kB``, ``12.4 MB``; empty if not known."""
    if count is None:
        return ""
    if count < 1_000:
        return f"{count} bytes"
    power = min((len(str(count)) - 1) // 3, len(_UNITS))
    amount, unit = count / 1_000**power, _UNITS[power - 1]
    return f"{amount:.0f} {unit}" if power == 1 or amount >= 100 else f"{amount:.1f} {unit}"


def limit(count: int) -> str:
    """A limit in bytes: in powers of two if it is a round number of them (``8 GiB``), else like any size."""
    for factor, unit in _BINARY:
        if count and count % factor == 0:
            return f"{count // factor} {unit}"
    return size(count)
