"""A1, A3: projects and recordings are made, found, put in order, renamed and deleted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e import visiting
from tests.e2e.visiting import button
from tests.media import hum

pytestmark = pytest.mark.e2e


@pytest.fixture
def visit(page: Page) -> Iterator[Page]:
    with visiting.watched(page):
        yield page


def choose(page: Page, menu: Locator, item: str) -> None:
    button(menu, "More").click()
    page.get_by_role("menuitem", name=item, exact=True).or_(page.get_by_role("option", name=item, exact=True)).click()


def names(page: Page) -> Locator:
    return page.locator("[class*='st-key-title-']").get_by_role("link")


def test_order_search_rename_delete_of_recordings(visit: Page, tmp_path: Path) -> None:
    visiting.new_project(visit, "Three parts")
    for number, name in enumerate(("alpha", "beta", "gamma"), start=1):
        visiting.bring_in(visit, visiting.wav(tmp_path / f"{name}.wav", hum(seconds=1, hertz=200.0 * number)))
    expect(names(visit)).to_have_text(["alpha.wav", "beta.wav", "gamma.wav"])

    choose(visit, visiting.row(visit, "gamma"), "Move up")
    expect(names(visit)).to_have_text(["alpha.wav", "gamma.wav", "beta.wav"])
    visit.reload()
    expect(names(visit)).to_have_text(["alpha.wav", "gamma.wav", "beta.wav"])

    choose(visit, visiting.row(visit, "beta"), "Rename")
    dialog = visit.get_by_role("dialog")
    dialog.get_by_label("Name").fill("*Omega*")
    button(dialog, "Rename").click()
    expect(names(visit)).to_have_text(["alpha.wav", "gamma.wav", "*Omega*"])

    visit.get_by_label("Search").fill("ALPH")
    expect(names(visit)).to_have_text(["alpha.wav"])
    visit.get_by_label("Search").fill("")
    expect(names(visit)).to_have_count(3)

    choose(visit, visiting.row(visit, "alpha"), "Delete")
    button(visit.get_by_role("dialog"), "Delete for good").click()
    expect(names(visit)).to_have_text(["gamma.wav", "*Omega*"])


def test_a_project_is_deleted_only_when_it_is_meant(visit: Page) -> None:
    visiting.new_project(visit, "Short-lived")
    visiting.open_library(visit)
    choose(visit, visiting.card(visit, "Short-lived"), "Delete")
    dialog = visit.get_by_role("dialog")
    expect(dialog).to_contain_text("deleted for good")
    button(dialog, "Cancel").click()
    expect(dialog).to_have_count(0)
    expect(visiting.card(visit, "Short-lived")).to_be_visible()
    choose(visit, visiting.card(visit, "Short-lived"), "Delete")
    button(dialog, "Delete for good").click()
    expect(visiting.card(visit, "Short-lived")).to_have_count(0)


def test_a_title_that_cannot_be_is_refused_in_the_dialog(visit: Page) -> None:
    visiting.open_library(visit)
    button(visit, "New project").click()
    dialog = visit.get_by_role("dialog")
    dialog.get_by_label("Title").fill("ab")
    button(dialog, "Create").click()
    expect(dialog.get_by_role("alert")).to_contain_text("3")
    dialog.get_by_label("Title").fill("abc")
    button(dialog, "Create").click()
    expect(visit.get_by_role("heading", name="abc")).to_be_visible()


def test_archived_projects_are_out_of_sight_but_not_gone(visit: Page) -> None:
    visiting.new_project(visit, "Put away")
    visiting.open_library(visit)
    choose(visit, visiting.card(visit, "Put away"), "Archive")
    expect(visiting.card(visit, "Put away")).to_have_count(0)
    visit.get_by_text("Show archived").click()
    expect(visiting.card(visit, "Put away")).to_be_visible()
    choose(visit, visiting.card(visit, "Put away"), "Take out of the archive")
    expect(visiting.card(visit, "Put away")).to_be_visible()
