"""A browser and the running app for end-to-end tests; what they saw is attached to a failure."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.app_process import LOG_TAIL_CHARS, RunningApp
from tests.chromium import FLAGS, find_chromium

PAGE_TIMEOUT_MS = 20_000
SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "e2e"

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]  # a hook wrapper receives the inner result
    if report.when == "call":
        item.stash[_FAILED] = report.failed
        if report.failed:
            for name, value in getattr(item, "funcargs", {}).items():
                if isinstance(value, RunningApp):
                    report.sections.append((f"Log of {name}", value.log[-LOG_TAIL_CHARS:]))
                elif isinstance(value, Page):
                    report.sections.append((f"Browser console of {name}", "\n".join(_console.get(value, []))))
    return report  # type: ignore[return-value]  # see above


_console: dict[Page, list[str]] = {}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests; each test gets its own context from it."""
    path = find_chromium()
    if path is None:
        pytest.fail("No Chromium found; `make prepare` installs it.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def running_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app as `make run` starts it (sample project, embedded model), shared by all tests of the session."""
    app = RunningApp(data_dir=tmp_path_factory.mktemp("app") / "data")
    app.start()
    yield app
    app.stop()


@pytest.fixture
def start_app(tmp_path: Path) -> Iterator[Callable[..., RunningApp]]:
    """Starts an app of the test's own: ``start_app(READBACK_WORKERS="0")``; stopped at the end of the test."""
    apps: list[RunningApp] = []

    def start(data_dir: Path | None = None, **env: str) -> RunningApp:
        app = RunningApp(data_dir=data_dir or tmp_path / f"data-{len(apps)}", env=env)
        apps.append(app)
        app.start()
        return app

    yield start
    for app in apps:
        app.stop()


@pytest.fixture
def new_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[RunningApp], Page]]:
    """Opens empty pages for an app: paths given to ``goto`` are relative to it. Failures leave a screenshot."""
    pages: list[Page] = []

    def make(app: RunningApp) -> Page:
        context = browser.new_context(base_url=app.base_url, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(PAGE_TIMEOUT_MS)
        page = context.new_page()
        lines = _console[page] = []

        def on_console(message: ConsoleMessage) -> None:
            lines.append(f"{message.type}: {message.text}")

        page.on("console", on_console)
        page.on("pageerror", lambda error: lines.append(f"uncaught: {error}"))
        pages.append(page)
        return page

    yield make
    for number, page in enumerate(pages):
        if request.node.stash.get(_FAILED, False):
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"{request.node.name}-{number}.png", full_page=True)
        _console.pop(page, None)
        page.context.close()


@pytest.fixture
def page(running_app: RunningApp, new_page: Callable[[RunningApp], Page]) -> Page:
    """A new page on the shared app."""
    return new_page(running_app)
