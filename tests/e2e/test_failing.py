"""B1: one part fails, the rest of the page lives, and trying again helps once the reason is gone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app_process import RunningApp
from tests.e2e import visiting
from tests.e2e.visiting import button
from tests.media import hum

pytestmark = pytest.mark.e2e


@pytest.fixture
def visit(page: Page) -> Iterator[Page]:
    with visiting.watched(page, meant="410 (Gone)"):  # what the player hears of a sound that is not there
        yield page


def test_a_missing_file_stops_one_part_only(visit: Page, running_app: RunningApp, tmp_path: Path) -> None:
    source = visiting.wav(tmp_path / "vanishing.wav", hum(seconds=2, hertz=444))
    visiting.new_project(visit, "Fragile")
    visiting.bring_in(visit, source)
    (stored,) = [
        path for path in (running_app.data_dir / "media").rglob("*")
        if path.is_file() and path.read_bytes() == source.read_bytes()
    ]  # fmt: skip
    away = tmp_path / "away.wav"
    stored.rename(away)
    visiting.row(visit, "vanishing").get_by_role("link").click()
    part = visit.get_by_role("alert").filter(has_text="Audio tracks could not be shown")
    expect(part).to_be_visible()
    expect(visit.get_by_text("Log reference:").first).to_be_visible()
    expect(visit.get_by_role("heading", name="vanishing")).to_be_visible()
    expect(button(visit, "Transcribe")).to_be_enabled()
    away.rename(stored)
    button(visit, "Try again").click()
    expect(part).to_have_count(0)


def test_places_that_are_not_there(running_app: RunningApp, new_page: Callable[[RunningApp], Page]) -> None:
    page = new_page(running_app)
    with visiting.watched(page):
        page.goto("/?project=999999")
        expect(page.get_by_role("alert")).to_contain_text("Project could not be shown")
        page.goto("/recording?recording=999999")
        expect(page.get_by_role("alert")).to_contain_text("Recording could not be shown")
        page.goto("/recording")
        expect(page.get_by_role("heading", name="Library")).to_be_visible()
