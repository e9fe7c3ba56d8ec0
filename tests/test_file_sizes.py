"""Files stay short enough to be read in one go."""

from pathlib import Path

import pytest

from tests.tree import ROOT, files

MOST_LINES = 300
#: A page only lays out; what it would need more lines for belongs into a component or a service.
MOST_PAGE_LINES = 99

CODE = [path for path in files() if path.suffix in {".py", ".js", ".mjs", ".css"}]


@pytest.mark.parametrize("path", CODE, ids=str)
def test_file_is_short(path: Path) -> None:
    most = MOST_PAGE_LINES if path.parts[0] == "pages" else MOST_LINES
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert lines <= most, f"{path} has {lines} lines; at most {most} are allowed: split it by what it does"
