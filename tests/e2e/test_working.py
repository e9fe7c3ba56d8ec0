"""A4, C13, D2: work is watched, stopped and continued; it survives reloads, other tabs and restarts."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app_process import RunningApp
from tests.e2e import visiting
from tests.e2e.visiting import button, lines

pytestmark = pytest.mark.e2e
NewPage = Callable[[RunningApp], Page]
#: How often the narration is repeated: long enough to be met while it runs, on a fast machine too. No other test brings
#: in as many: a content that was transcribed before would be done at once.
TIMES = 8


def start_long_one(page: Page, tmp_path: Path, project: str) -> None:
    """Brings in a long recording, called like its project, and waits for its first words."""
    visiting.new_project(page, project)
    name = project.lower()
    visiting.bring_in(page, visiting.wav(tmp_path / f"{name}.wav", visiting.narration(times=TIMES)))
    visiting.open_recording(page, name)
    visiting.transcribe(page)
    expect(lines(page).first).to_be_visible(timeout=visiting.LONG_MS)


FACTS = re.compile(r"^([\d,]+) words? ·")


def words(page: Page) -> int:
    """How many words the page says there are, once it says so."""
    facts = page.get_by_text(FACTS).first
    expect(facts).to_be_visible()
    found = FACTS.match(facts.inner_text())
    assert found is not None
    return int(found[1].replace(",", ""))


def expect_words(page: Page, count: int) -> None:
    """Waits until the page says so: a page that has just been told of an end may still show what it had before."""
    expect(page.get_by_text(re.compile(rf"^{count:,} words? ·")).first).to_be_visible()


def test_text_grows_stops_and_goes_on(running_app: RunningApp, new_page: NewPage, tmp_path: Path) -> None:
    first, second = new_page(running_app), new_page(running_app)
    with visiting.watched(first), visiting.watched(second):
        start_long_one(first, tmp_path, "Patience")
        seen = words(first)
        button(first, "Stop").click()
        expect(first.get_by_text("You stopped this")).to_be_visible(timeout=visiting.LONG_MS)
        second.goto(first.url)
        expect(second.get_by_text("You stopped this")).to_be_visible()
        kept = words(second)
        assert kept >= seen > 0
        expect_words(first, kept)
        first.reload()
        expect(first.get_by_text("You stopped this")).to_be_visible()
        expect_words(first, kept)
        button(first, "Continue").click()
        # More words than were kept first: the page as it was when work was stopped looks done as well.
        expect(first.get_by_text(re.compile(rf"^{kept:,} words? ·"))).to_have_count(0, timeout=visiting.LONG_MS)
        visiting.wait_until_done(first)
        assert words(first) > kept
        first.get_by_role("link", name="System").click()
        expect(first.get_by_text("Everything answers.")).to_be_visible()
        first.get_by_role("radio", name="Done").or_(first.get_by_role("button", name="Done", exact=True)).click()
        expect(first.get_by_role("link", name="patience")).to_be_visible()


def test_a_restart_in_the_middle_loses_nothing(
    start_app: Callable[..., RunningApp], new_page: NewPage, tmp_path: Path
) -> None:
    app = start_app()
    page = new_page(app)
    start_long_one(page, tmp_path, "Interrupted")
    place, seen = page.url, words(page)
    assert app.stop() == 0
    app.start()
    after = new_page(app)
    with visiting.watched(after):
        after.goto(place)
        expect(lines(after).first).to_be_visible()
        visiting.wait_until_done(after)
        assert words(after) > seen
        texts = lines(after).all_inner_texts()
        assert len(texts) == len(set(texts)), "a segment is there twice"
