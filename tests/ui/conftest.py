"""The real app behind pages that run in this process: a Workbench on a data folder of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from components import resources
from core.bootstrap import Workbench, build_workbench
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
#: Generous: the machine may be busy, and no test says how fast a page is.
TIMEOUT_S = 60


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Workbench]:
    """A Workbench without workers, so that jobs run exactly when a test says so (`run_job`)."""
    built = build_workbench(Settings(data_dir=tmp_path / "data", offline=True))
    built.start(workers=False)
    resources.provide(built)
    yield built
    resources.provide(None)
    built.stop()


@pytest.fixture
def open_app(workbench: Workbench) -> Callable[..., AppTest]:
    """Opens the app as a browser with these URL parameters would; ``page`` is a page's file."""

    def start(page: str | None = None, **params: object) -> AppTest:
        app = AppTest.from_file(ROOT / "pages" / "main.py", default_timeout=TIMEOUT_S)
        for name, value in params.items():
            app.query_params[name] = str(value)
        app.run()
        if page is not None:
            app.switch_page(page)
            for name, value in params.items():
                app.query_params[name] = str(value)
            app.run()
        return app

    return start


def texts(app: AppTest) -> str:
    """Everything a page says, in one string."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))
