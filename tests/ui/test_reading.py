"""Reading a long transcript: its pages while it grows and after, going to a time, and who turns the page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update
from streamlit.testing.v1 import AppTest

from core.bootstrap import Workbench
from core.infra.tables import SegmentRow, TranscriptRow
from core.services.records import RecordingRecord
from core.speech.config import TranscriptionConfig
from core.speech.packing import pack_words
from core.speech.transcript import Segment
from tests.media import hum, write
from tests.ui.conftest import texts

OpenApp = Callable[..., AppTest]
SECONDS = 150


@pytest.fixture
def long(workbench: Workbench, tmp_path: Path) -> RecordingRecord:
    project = workbench.library.create_project("A long book")
    path = write(tmp_path / "long.wav", hum(seconds=SECONDS), codec="pcm_s16le", rate=16_000, layout="mono")
    return workbench.importing.import_file(project.id, path).recording


def begin(workbench: Workbench, recording: RecordingRecord, model: str = "small") -> int:
    return workbench.transcription.submit(recording.id, TranscriptionConfig(model=model)).transcript_id


def add(workbench: Workbench, transcript_id: int, first: int, count: int, *, complete: bool = False) -> None:
    """Segments as a job stores them, one a second."""
    rows: list[dict[str, Any]] = []
    for position in range(first, first + count):
        segment = Segment(start_ms=1_000 * position, end_ms=1_000 * position + 900, text=f"Line {position}.")
        rows.append({
            "transcript_id": transcript_id, "position": position, "start_ms": segment.start_ms,
            "end_ms": segment.end_ms, "text": segment.text, "words": pack_words(segment),
        })  # fmt: skip
    with workbench.database.write() as session:
        session.execute(insert(SegmentRow), rows)
        session.execute(
            update(TranscriptRow)
            .where(TranscriptRow.id == transcript_id)
            .values(complete=complete, done_ms=1_000 * (first + count), word_count=2 * (first + count))
        )


def pages(app: AppTest) -> Any:
    (found,) = app.get("pagination")
    return found


def test_earlier_pages_can_be_read_while_the_rest_comes(
    open_app: OpenApp, workbench: Workbench, long: RecordingRecord
) -> None:
    """The newest page until one is chosen, which then stays."""
    transcript_id = begin(workbench, long)
    add(workbench, transcript_id, 0, 60)
    app = open_app("recording.py", recording=long.id)
    assert (pages(app).num_pages, pages(app).value) == (2, 2)
    add(workbench, transcript_id, 60, 60)
    app.run()
    assert (pages(app).num_pages, pages(app).value) == (3, 3)
    pages(app).select(1).run()
    assert pages(app).value == 1
    add(workbench, transcript_id, 120, 31)
    app.run()
    assert (pages(app).num_pages, pages(app).value) == (4, 1)
    assert not app.exception


def test_going_to_a_time_turns_to_its_page(open_app: OpenApp, workbench: Workbench, long: RecordingRecord) -> None:
    transcript_id = begin(workbench, long)
    add(workbench, transcript_id, 0, SECONDS, complete=True)
    job_id = workbench.library.get_recording(long.id).job_id
    assert job_id is not None
    workbench.system.cancel(job_id)
    app = open_app("recording.py", recording=long.id)
    assert pages(app).value == 1
    app.text_input(key=f"go-to-{long.id}").set_value("1:45").run()
    assert pages(app).value == 3
    app.text_input(key=f"go-to-{long.id}").set_value("soon").run()
    assert "Write a time as 12:30" in texts(app)
    assert pages(app).value == 3
    app.text_input(key=f"go-to-{long.id}").set_value("9:59:59").run()
    assert pages(app).value == 3
    assert not app.exception


def test_turning_by_hand_switches_following_off(open_app: OpenApp, workbench: Workbench, long: RecordingRecord) -> None:
    add(workbench, begin(workbench, long), 0, SECONDS)
    app = open_app("recording.py", recording=long.id)
    follow = f"follow-{long.id}"
    assert app.toggle(key=follow).value
    pages(app).select(2).run()
    assert not app.toggle(key=follow).value
    # Going to a time moves the sound there, so both are at one place again.
    app.text_input(key=f"go-to-{long.id}").set_value("0:10").run()
    assert app.toggle(key=follow).value
    assert pages(app).value == 1


def test_a_short_text_has_no_controls_for_pages(open_app: OpenApp, workbench: Workbench, long: RecordingRecord) -> None:
    add(workbench, begin(workbench, long), 0, 50)
    app = open_app("recording.py", recording=long.id)
    assert not app.get("pagination")
    assert [item.label for item in app.toggle if item.label == "Follow the sound"] == []


@pytest.mark.parametrize(("model", "warned"), [("demo", True), ("small", False)])
def test_a_text_by_the_demo_model_says_so(
    open_app: OpenApp, workbench: Workbench, long: RecordingRecord, model: str, warned: bool
) -> None:
    add(workbench, begin(workbench, long, model), 0, 18)
    app = open_app("recording.py", recording=long.id)
    assert f"36 words · {model}" in texts(app)
    assert ("not what is said in your recording" in texts(app)) == warned
