"""From the command to the first page, beside an empty Streamlit app started the same way.

Time runs from starting the process to the first heading being visible in the browser. The empty app shows one heading
and nothing else: what it takes is Streamlit's and the browser's share.

    python -m tests.bench.start [--rounds 5]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as BrowserError

from tests.app_process import RunningApp
from tests.bench.measure import machine, pairs
from tests.chromium import FLAGS, find_chromium
from tests.postgres import free_port


@contextmanager
def empty_app(folder: Path) -> Iterator[str]:
    """An app that shows one heading; yields its address at once, before it answers."""
    script = folder / "empty.py"
    script.write_text('import streamlit as st\nst.title("Empty")\n')
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    command += ["--server.headless", "true", "--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def first_heading(browser: Browser, address: str) -> float:
    """Opens the address as soon as it answers; returns the seconds until a heading can be seen."""
    begin = time.perf_counter()
    page = browser.new_page()
    while True:
        try:
            page.goto(address, wait_until="commit")
            break
        except BrowserError:
            page.wait_for_timeout(20)  # Nobody listens yet.
    page.get_by_role("heading").first.wait_for()
    elapsed = time.perf_counter() - begin
    page.close()
    return elapsed


def open_readback(browser: Browser, data_dir: Path) -> float:
    """Starts Readback on a data folder; seconds until its first heading."""
    app = RunningApp(data_dir, port=free_port())
    app.spawn()
    try:
        return first_heading(browser, app.base_url)
    finally:
        app.stop()


def open_empty(browser: Browser, folder: Path) -> float:
    """Starts the empty app; seconds until its heading."""
    with empty_app(folder) as address:
        return first_heading(browser, address)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        data_dir = Path(folder) / "data"
        open_readback(browser, data_dir)  # The very first start makes the database and the sample project.
        ours, empty, ratio = pairs(
            lambda: open_readback(browser, data_dir), lambda: open_empty(browser, Path(folder)), options.rounds
        )
        browser.close()
    print(f"{machine()}\n")
    print("| what | seconds | over an empty app | ratio |")
    print("|---|---|---|---|")
    print(f"| first page of Readback | {ours} | {empty} | {ratio} |")


if __name__ == "__main__":
    main()
