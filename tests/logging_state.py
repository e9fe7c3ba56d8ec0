"""Logging belongs to the whole process: tests that set it up put it back as it was."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def restored_logging() -> Iterator[None]:
    """Whatever happens to logging inside is undone at the end."""
    root = logging.getLogger()
    handlers, level, kind = list(root.handlers), root.level, logging.getLoggerClass()
    try:
        yield
    finally:
        for handler in [each for each in root.handlers if each not in handlers]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)
        logging.setLoggerClass(kind)
        logging.captureWarnings(False)
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
