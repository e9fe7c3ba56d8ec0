"""The ASGI app: pages, HTTP routes and workers in one process, on one port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import streamlit as st

from components import compat, resources
from core.bootstrap import build_workbench, start_logging
from core.http import middleware, routes
from core.settings import load_settings

_settings = load_settings()
compat.anchor(__file__)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Starts the workers before the first page, and hands their jobs back when the server stops."""
    start_logging(_settings)  # here, where the server's own loggers exist, whichever command has started it
    workbench = await anyio.to_thread.run_sync(build_workbench, _settings)
    resources.provide(workbench)
    try:
        await anyio.to_thread.run_sync(workbench.start)
        yield
    finally:
        await anyio.to_thread.run_sync(workbench.stop)
        resources.provide(None)


app = st.App(
    "pages/main.py",
    routes=routes(resources.workbench),
    middleware=middleware(_settings),
    lifespan=lifespan,
)
