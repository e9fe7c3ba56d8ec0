"""What the browser tests do over and over, in the words of someone who uses the app."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.app_process import RunningApp
from tests.media import Floats, write

SAMPLE = "Sample: The harbour"
NARRATION = Path(__file__).resolve().parents[2] / "core" / "demo" / "sample" / "narration.flac"
RATE = 16_000
#: For what takes computing: the machine may have better things to do.
LONG_MS = 120_000

# Opened at the address of a page, Streamlit's client looks for its server below that page before it looks at the root.
_PROBE = re.compile(r"/[^/]+/_stcore/(health|host-config)$")


@contextmanager
def watched(page: Page, *, meant: str = "") -> Iterator[Page]:
    """Fails at the end if the browser's console had an error, or the page shows an exception of Streamlit's.

    Args:
        page: The page to watch.
        meant: An error whose text has this is what the test is about.
    """
    faults: list[str] = []

    def note(message: ConsoleMessage) -> None:
        ours = message.type == "error" and not _PROBE.search(message.location.get("url", ""))
        if ours and not (meant and meant in message.text):
            faults.append(f"{message.text} {message.location}")

    page.on("console", note)
    page.on("pageerror", lambda error: faults.append(f"uncaught: {error}"))
    yield page
    assert page.get_by_test_id("stException").count() == 0, "the page shows an exception"
    assert faults == []


def button(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def open_library(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Library")).to_be_visible()


def card(page: Page, title: str) -> Locator:
    """A project's card in the library."""
    return page.locator("[class*='st-key-project-']").filter(has_text=title)


def open_project(page: Page, title: str) -> None:
    open_library(page)
    button(card(page, title), "Open").click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()


def new_project(page: Page, title: str) -> None:
    open_library(page)
    button(page, "New project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill(title)
    button(dialog, "Create").click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()


def row(page: Page, name: str) -> Locator:
    """A recording's row in its project."""
    return page.locator("[class*='st-key-recording-']").filter(has_text=name)


def add_file(page: Page, path: Path) -> Locator:
    """Gives a file to the uploader; returns its line there."""
    page.locator("input.input[type=file]").set_input_files(path)
    return page.locator("li.file").filter(has_text=path.name)


def bring_in(page: Page, path: Path) -> None:
    """Uploads a file into the project that is open, and waits until it is there."""
    expect(add_file(page, path)).to_contain_text("Added", timeout=LONG_MS)
    expect(row(page, path.stem)).to_be_visible()


def open_recording(page: Page, name: str) -> None:
    row(page, name).get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/recording\?recording=\d+"))
    expect(page.locator("audio")).to_be_visible()


def transcribe(page: Page) -> None:
    """Presses Transcribe on a recording's page."""
    button(page, "Transcribe").click()


def lines(page: Page) -> Locator:
    """The segments of the transcript."""
    return page.locator("ol.segments > li")


def wait_until_done(page: Page) -> None:
    """Until the work asked for last has ended well. Where there was a card of an earlier end, the one with the progress
    takes its place, so its going says that the new work has begun."""
    expect(page.get_by_text("You stopped this")).to_have_count(0)
    expect(button(page, "Stop")).to_have_count(0, timeout=LONG_MS)
    expect(page.get_by_text("Take it away")).to_be_visible(timeout=LONG_MS)
    expect(button(page, "Stop")).to_have_count(0)


def narration(*, times: int = 1) -> Floats:
    """The sample's narration, so many times over, as samples at `RATE`."""
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
    with av.open(str(NARRATION)) as source:
        frames = [part for frame in source.decode(audio=0) for part in resampler.resample(frame)]
    sound = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    return np.tile(sound, (1, times))


def wav(path: Path, sound: Floats) -> Path:
    return write(path, sound, codec="pcm_s16le", rate=RATE, layout="mono")


Opener = Callable[[RunningApp], Page]
