"""The way of someone who meets the app: the sample first, then a file of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import visiting
from tests.e2e.visiting import button, lines

pytestmark = pytest.mark.e2e


@pytest.fixture
def visit(page: Page) -> Iterator[Page]:
    with visiting.watched(page):
        yield page


def test_the_sample_from_opening_to_subtitles(visit: Page) -> None:
    visiting.open_project(visit, visiting.SAMPLE)
    button(visiting.row(visit, "narration"), "Transcribe").click()
    expect(lines(visit).first).to_be_visible(timeout=visiting.LONG_MS)
    visiting.wait_until_done(visit)
    expect(visit.locator("ol.segments")).to_contain_text("harbour")
    with visit.expect_download() as download:
        visit.get_by_role("link", name="SRT").click()
    assert download.value.suggested_filename == "narration.srt"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text.startswith("1\n00:00:")
    assert "harbour" in text


def test_a_segment_plays_from_its_time_and_reruns_do_not_stop_it(visit: Page) -> None:
    visiting.open_project(visit, visiting.SAMPLE)
    visiting.open_recording(visit, "narration")
    visiting.wait_until_done(visit)
    third = lines(visit).nth(2)
    third.get_by_role("button").first.click()
    visit.wait_for_function("() => window.readbackAudio = [...document.querySelectorAll('*')].map(e => e.shadowRoot"
                            "?.querySelector('audio')).find(Boolean)")  # fmt: skip
    visit.wait_for_function("() => !window.readbackAudio.paused && window.readbackAudio.currentTime > 1")
    expect(third).to_have_attribute("aria-current", "true")
    visit.get_by_text("Word times", exact=True).click()
    expect(third.locator(".words button").first).to_be_visible()
    assert visit.evaluate("() => window.readbackAudio.isConnected && !window.readbackAudio.paused")


def test_the_page_follows_the_sound_until_it_is_turned_by_hand(visit: Page, tmp_path: Path) -> None:
    visiting.new_project(visit, "Long reading")
    visiting.bring_in(visit, visiting.wav(tmp_path / "long.wav", visiting.narration(times=5)))
    visiting.open_recording(visit, "long")
    visiting.transcribe(visit)
    visiting.wait_until_done(visit)
    pages, follow = visit.get_by_test_id("stPagination"), visit.get_by_role("switch", name="Follow the sound")
    first = lines(visit).first
    beginning = first.inner_text()
    visit.wait_for_function("() => window.readbackAudio = [...document.querySelectorAll('*')].map(e => e.shadowRoot"
                            "?.querySelector('audio')).find(Boolean)")  # fmt: skip
    lines(visit).last.get_by_role("button").first.click()
    expect(first).not_to_have_text(beginning, use_inner_text=True, timeout=visiting.LONG_MS)
    assert visit.evaluate("() => window.readbackAudio.isConnected && !window.readbackAudio.paused")
    expect(first).to_have_attribute("aria-current", "true")

    pages.get_by_text("1", exact=True).click()
    expect(first).to_have_text(beginning, use_inner_text=True)
    expect(follow).not_to_be_checked()
    visit.evaluate("() => { window.readbackAudio.pause(); return window.readbackAudio.play(); }")
    expect(first).not_to_have_text(beginning, use_inner_text=True, timeout=visiting.LONG_MS)
    expect(follow).to_be_checked()

    visit.evaluate("() => window.readbackAudio.pause()")
    visit.get_by_role("textbox", name="Go to time").fill("0:30")
    visit.get_by_role("textbox", name="Go to time").press("Enter")
    expect(first).to_have_text(beginning, use_inner_text=True)
    visit.wait_for_function("() => window.readbackAudio.currentTime === 30")


def test_an_own_file_with_a_model_that_cannot_know_it(visit: Page, tmp_path: Path) -> None:
    visiting.new_project(visit, "A book of my own")
    visiting.bring_in(visit, visiting.wav(tmp_path / "chapter one.wav", visiting.narration()))
    visiting.open_recording(visit, "chapter one")
    expect(visit.get_by_text("The demo model cannot know your recording")).to_be_visible()
    visiting.transcribe(visit)
    visiting.wait_until_done(visit)
    expect(lines(visit).first).to_be_visible()
    visit.get_by_text("How this transcript was made").click()
    expect(visit.get_by_role("table")).to_contain_text("demo")
