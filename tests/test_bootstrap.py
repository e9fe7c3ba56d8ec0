"""The Workbench: quick to build, complete, each part replaceable (E7), and it starts and stops cleanly (B14 C10)."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from core.bootstrap import Workbench, build_workbench, check_database, downgrade_database, log_folder, upgrade_database
from core.errors import DatabaseError, StorageError
from core.infra.db import Database
from core.settings import Settings
from core.speech.config import TranscriptionConfig


def settings(folder: Path, **values: object) -> Settings:
    return Settings(data_dir=folder / "data", offline=True, **values)  # type: ignore[arg-type]  # any field


def test_building_makes_the_data_folder_and_nothing_in_it(tmp_path: Path) -> None:
    build_workbench(settings(tmp_path))
    assert list((tmp_path / "data").iterdir()) == []


def test_every_part_of_the_architecture_page_is_there(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    bench = build_workbench(settings(tmp_path))
    for field in fields(Workbench):
        if not field.name.startswith("_"):
            assert getattr(bench, field.name) is not None
    table = page.split("| attribute | what it does |")[1].split("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named
    assert named <= {field.name for field in fields(Workbench)}


def test_parts_can_be_replaced_and_what_is_built_on_them_follows(tmp_path: Path) -> None:
    """E7: dependencies are injected."""
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    bench = build_workbench(settings(tmp_path), database=other)
    assert bench.database is other
    bench.preferences  # noqa: B018 — built on the other database, as the next lines show
    upgrade_database(settings(tmp_path, database_url=f"sqlite:///{tmp_path / 'other.db'}"))
    bench.preferences.set_transcription_defaults(TranscriptionConfig(beam_size=3))
    assert build_workbench(settings(tmp_path), database=other).preferences.transcription_defaults().beam_size == 3
    other.dispose()


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no part called databse"):
        build_workbench(settings(tmp_path), databse=None)


def test_it_starts_works_and_stops(tmp_path: Path) -> None:
    bench = build_workbench(settings(tmp_path))
    bench.start()
    try:
        assert bench.system.health().ok
        assert bench.executor.alive
        assert [project.is_sample for project in bench.library.list_projects()] == [True]
    finally:
        bench.stop(2)
    assert not bench.executor.alive
    assert not any((bench.settings.data_dir / "staging").glob("*/*"))


def test_starting_again_does_not_bring_a_deleted_sample_back(tmp_path: Path) -> None:
    for round_number in range(2):
        bench = build_workbench(settings(tmp_path, workers=0))
        bench.start()
        try:
            projects = bench.library.list_projects()
            assert len(projects) == 1 - round_number
            for project in projects:
                bench.library.delete_project(project.id)
        finally:
            bench.stop()


def test_a_data_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StorageError) as caught:
        build_workbench(settings(tmp_path)).start()
    assert "READBACK_DATA_DIR" in caught.value.message


def test_the_database_can_be_upgraded_checked_and_taken_back(tmp_path: Path, database_url: str) -> None:
    """B3: on both databases."""
    chosen = settings(tmp_path, database_url=database_url)
    with pytest.raises(DatabaseError, match="readback db upgrade"):
        check_database(chosen)
    assert upgrade_database(chosen) == check_database(chosen)
    downgrade_database(chosen, "base")
    with pytest.raises(DatabaseError):
        check_database(chosen)


def test_logs_are_in_the_data_folder(tmp_path: Path) -> None:
    assert log_folder(settings(tmp_path)) == tmp_path / "data" / "logs"
