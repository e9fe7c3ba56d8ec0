"""The whole recipe, from text to a card, with a few seconds of speech and a few steps."""

import json
import shutil
from pathlib import Path

import pytest

from core.demo.training.__main__ import main
from core.demo.training.errors import MissingToolError
from core.demo.training.espeak import Espeak, Voice, word_starts


@pytest.fixture(scope="module")
def engine() -> Espeak:
    try:
        return Espeak()
    except MissingToolError as error:
        pytest.skip(str(error))


def test_words_that_share_an_event_share_its_time() -> None:
    assert word_starts(["of", "the", "lamp"], {0: 0.0, 7: 0.5}, 1.0) == pytest.approx((0.0, 0.2, 0.5))
    assert word_starts(["a", "lamp"], {2: 0.3}, 1.0) == (0.0, 0.3)
    assert word_starts(["a", "bb"], {0: 0.0}, 0.9) == pytest.approx((0.0, 0.3))


def test_the_synthesiser_says_when_each_word_starts(engine: Espeak) -> None:
    spoken = engine.speak("The old keeper lived in a stone house.", Voice())
    assert len(spoken.starts_s) == 8
    assert list(spoken.starts_s) == sorted(spoken.starts_s)
    assert 1 < len(spoken.samples) / spoken.sample_rate < 5
    assert engine.phonemes("stone")[:2] == ["s", "t"]


def test_stages_say_what_they_need(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("torch", reason="training packages are not installed")
    assert main(["--out", str(tmp_path), "--stage", "train"]) == 1
    assert "run the synthesise stage first" in caplog.text
    assert main(["--out", str(tmp_path), "--stage", "convert"]) == 1
    assert "run the train stage first" in caplog.text


@pytest.mark.slow
def test_the_whole_chain(tmp_path: Path, engine: Espeak) -> None:
    pytest.importorskip("torch", reason="training packages are not installed")
    pytest.importorskip("transformers", reason="training packages are not installed")
    if shutil.disk_usage(tmp_path).free < 200_000_000:
        pytest.skip("needs 200 MB of disk")
    assert main(["--out", str(tmp_path), "--smoke"]) == 0
    figures = json.loads((tmp_path / "model" / "evaluation.json").read_text(encoding="utf-8"))
    assert figures["size_mb"] < 12
    assert "knows 561 English words" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "Trained from scratch" in (tmp_path / "model" / "training.json").read_text(encoding="utf-8")
    assert (tmp_path / "sample" / "narration.flac").stat().st_size > 100_000
