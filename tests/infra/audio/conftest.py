"""The real reader, with its child process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.infra.audio import PyAvAudioReader
from core.settings import Settings
from tests.media import Floats


@pytest.fixture
def reader(tmp_path: Path) -> PyAvAudioReader:
    return PyAvAudioReader(Settings(data_dir=tmp_path))


@pytest.fixture
def read(reader: PyAvAudioReader) -> Callable[..., Floats]:
    """All samples of a file at once."""

    def read(path: Path, **options: int) -> Floats:
        with reader.read(path, **options) as stream:
            blocks = list(stream)
        return np.concatenate(blocks) if blocks else np.empty(0, dtype=np.float32)

    return read
