"""The model card says what was measured."""

import json

from core.demo import KNOWN_WORDS, MODEL_DIR
from core.demo.training.card import model_card
from core.demo.training.stages import lineage
from core.demo.training.text import Corpus

FIGURES = json.loads((MODEL_DIR / "evaluation.json").read_text(encoding="utf-8"))


def test_the_card_is_made_from_the_figures() -> None:
    assert (MODEL_DIR / "README.md").read_text(encoding="utf-8") == model_card(FIGURES, lineage(MODEL_DIR))


def test_everything_held_out_was_measured() -> None:
    assert FIGURES["held_out_sentences"] == len(Corpus().held_out)
    assert FIGURES["known_words"] == KNOWN_WORDS
    for results in FIGURES["sets"].values():
        assert results["accurate"]["words"] == results["fast"]["words"] > 500


def test_the_limits_are_said() -> None:
    card = (MODEL_DIR / "README.md").read_text(encoding="utf-8")
    assert f"knows {KNOWN_WORDS} English words and nothing else" in card
    assert "synthetic voices only" in card
