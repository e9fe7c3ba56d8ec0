"""The embedded model, loaded once, and a made-up pool that needs no synthesiser."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.demo import MODEL_DIR
from core.demo.training.pool import Pool

SENTENCES = (
    "The old keeper lived in a stone house near the harbour.",
    "The dog ran in front of them",
    "Cold air came up.",
    "stone lamp river",
    "run",
)


@pytest.fixture(scope="session")
def model() -> Any:
    """The embedded model in faster-whisper, on one thread: the same result on every machine of a kind."""
    from core.demo.training.decoding import load_model

    return load_model(MODEL_DIR)


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    """Sentences of random sound in two voices; every word takes 250 ms and 50 ms of pause."""
    source = np.random.default_rng(0)
    folder = tmp_path / "pool-0"
    folder.mkdir()
    offset, lines, frames = 0, [], []
    for voice in ("a", "b"):
        for text in SENTENCES:
            count = len(text.split())
            times = [(0.04 + 0.3 * i, 0.29 + 0.3 * i) for i in range(count)]
            length = 30 * count + 8
            frames.append(source.normal(-3, 1, (length, 80)).astype(np.float16))
            entry = {"text": text, "voice": voice, "offset": offset, "frames": length, "times_s": times}
            lines.append(json.dumps(entry))
            offset += length
    (folder / "frames.f16").write_bytes(np.concatenate(frames).tobytes())
    (folder / "sentences.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Pool([folder])
