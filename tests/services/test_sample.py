"""The sample project: made once, whoever asks and how often, and able to say what is really said in it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.errors import StorageError
from core.services.records import ProjectRecord
from core.services.sample import SampleService
from tests.services.speaking import working


def test_everybody_gets_the_same_sample(tmp_path: Path, database_url: str) -> None:
    with working(tmp_path / "data", database_url=database_url) as bench:
        found: list[ProjectRecord] = []
        threads = [threading.Thread(target=lambda: found.append(bench.sample.ensure())) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({project.id for project in found}) == 1
        project = bench.sample.ensure()
        assert project.is_sample
        recordings = bench.library.list_recordings(project_id=project.id).items
        assert sorted(recording.name for recording in recordings) == ["narration.flac", "pickup.flac"]
        assert {each.name for each in bench.sample.spoken()} == {recording.name for recording in recordings}
        assert all(len(each.spoken.split()) > 10 for each in bench.sample.spoken())


def test_who_deletes_the_sample_does_not_get_it_back_unasked(tmp_path: Path) -> None:
    with working(tmp_path / "data") as bench:
        made = bench.sample.ensure_first_time()
        assert made is not None
        assert bench.sample.ensure_first_time() is None
        bench.library.delete_project(made.id)
        assert bench.sample.ensure_first_time() is None
        assert bench.sample.ensure().recording_count == 2


def test_an_installation_without_sample_says_so(tmp_path: Path) -> None:
    with working(tmp_path / "data") as bench:
        sample = SampleService(bench.database, bench.library, bench.importing, folder=tmp_path)
        with pytest.raises(StorageError, match="no sample"):
            sample.ensure()
        assert sample.spoken() == ()
        assert bench.library.list_projects() == ()
