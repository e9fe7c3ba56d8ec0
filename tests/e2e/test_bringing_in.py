"""C1, C7, C12: files of all kinds come in, or it is said why not, in the real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import visiting
from tests.e2e.visiting import button
from tests.media import hum, write

pytestmark = pytest.mark.e2e


@pytest.fixture
def visit(page: Page) -> Iterator[Page]:
    with visiting.watched(page):
        yield page


def test_several_files_and_each_says_how_it_went(visit: Page, tmp_path: Path) -> None:
    visiting.new_project(visit, "Mixed bag")
    good = visiting.wav(tmp_path / "good one.wav", hum(seconds=2))
    text = tmp_path / "shopping list.mp3"
    text.write_text("milk, bread, butter\n" * 50, encoding="utf-8")
    empty = tmp_path / "nothing.wav"
    empty.touch()
    visit.locator("input.input[type=file]").set_input_files([text, empty, good])
    files = visit.locator("li.file")
    expect(files.filter(has_text="good one.wav")).to_contain_text("Added", timeout=visiting.LONG_MS)
    expect(files.filter(has_text="nothing.wav")).to_contain_text("This file is empty.")
    refused = files.filter(has_text="shopping list.mp3")
    expect(refused).to_have_attribute("data-state", "failed")
    expect(refused.locator(".message")).not_to_be_empty()
    expect(files.get_by_text("Try again")).to_have_count(0)
    button(refused, "Dismiss: shopping list.mp3").click()
    expect(files.filter(has_text="shopping list.mp3")).to_have_count(0)
    expect(visiting.row(visit, "good one")).to_be_visible()
    expect(visit.get_by_text("1 recording", exact=True)).to_be_visible()


def test_many_added_files_fold_into_one_line(visit: Page, tmp_path: Path) -> None:
    visiting.new_project(visit, "A shelf")
    parts = [visiting.wav(tmp_path / f"part {n}.wav", hum(seconds=1, hertz=150.0 + 50 * n)) for n in range(5)]
    visit.locator("input.input[type=file]").set_input_files(parts)
    summary = visit.locator(".summary")
    expect(summary).to_contain_text("5 files added", timeout=visiting.LONG_MS)
    expect(visit.locator("li.file")).to_have_count(0)
    button(summary, "Dismiss: files that were added").click()
    expect(summary).to_be_hidden()


def test_the_same_content_again_is_recognized(visit: Page, tmp_path: Path) -> None:
    visiting.new_project(visit, "Twice")
    visiting.bring_in(visit, visiting.wav(tmp_path / "first.wav", hum(seconds=2, hertz=330)))
    (tmp_path / "second.wav").write_bytes((tmp_path / "first.wav").read_bytes())
    expect(visiting.add_file(visit, tmp_path / "second.wav")).to_contain_text(
        "This project has this recording already, as “first.wav”.", timeout=visiting.LONG_MS
    )
    expect(visit.get_by_text("1 recording", exact=True)).to_be_visible()


def test_a_video_with_two_sound_tracks(visit: Page, tmp_path: Path) -> None:
    tracks = [hum(rate=48_000, seconds=3, channels=2), hum(rate=48_000, seconds=3, channels=2, hertz=500)]
    film = write(tmp_path / "interview.mp4", tracks, codec="aac", video="mpeg4")
    visiting.new_project(visit, "Two languages")
    visiting.bring_in(visit, film)
    visiting.open_recording(visit, "interview")
    expect(visit.get_by_text("This file has 2 audio tracks.")).to_be_visible()
    button(visit, "Add this track").click()
    expect(visit.get_by_role("heading", name="interview")).to_contain_text("track 2", timeout=visiting.LONG_MS)
    expect(visit.get_by_text("This is track 2.")).to_be_visible()
