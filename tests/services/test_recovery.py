"""A process killed in the middle of an import or a deletion leaves nothing for good (C10)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import media
from tests.services.conftest import Shelf

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")

#: Ends by SIGKILL at the moment the argument says: no clean-up of any kind can run.
_DOOMED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from core.services import library
from tests.services.conftest import make_shelf

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

data_dir, url, what, path = sys.argv[1:]
shelf = make_shelf(Path(data_dir), url)
project = shelf.library.list_projects()[0].id
if what == "import":
    @event.listens_for(shelf.database.engine, "before_cursor_execute")
    def look(connection, cursor, statement, *rest):
        if statement.startswith("INSERT INTO recordings"):
            die()
    shelf.importing.import_file(project, Path(path))
else:
    library.remove_unreferenced = die
    shelf.library.delete_project(project)
"""


def run_doomed(shelf: Shelf, *arguments: str) -> None:
    url = shelf.settings.database_url
    command = [sys.executable, "-c", _DOOMED, str(shelf.settings.data_dir), url, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert ended.returncode == -9, ended.stderr


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return media.write(tmp_path / "a.wav", media.hum(), codec="pcm_s16le", rate=16_000, layout="mono")


def test_killed_between_moving_the_files_in_and_storing_the_row(shelf: Shelf, sound: Path) -> None:
    project = shelf.library.create_project("A book").id
    run_doomed(shelf, "import", str(sound))
    assert len(shelf.files()) == 2
    shelf.importing.recover()
    assert shelf.files() == shelf.staged() == []
    assert not shelf.importing.import_file(project, sound).duplicate


def test_killed_while_the_same_content_belongs_to_another_project(shelf: Shelf, sound: Path) -> None:
    """What another recording needs survives the clean-up."""
    other = shelf.importing.import_file(shelf.library.create_project("Another").id, sound).recording
    shelf.library.create_project("A book")
    run_doomed(shelf, "import", str(sound))
    shelf.importing.recover()
    assert shelf.media.path(other.media_key).is_file()
    assert len(shelf.files()) == 2


def test_killed_between_deleting_the_row_and_the_files(shelf: Shelf, sound: Path) -> None:
    shelf.importing.import_file(shelf.library.create_project("A book").id, sound)
    run_doomed(shelf, "delete", "")
    assert shelf.library.list_projects() == ()
    assert len(shelf.files()) == 2
    shelf.importing.recover()
    assert shelf.files() == shelf.staged() == []
