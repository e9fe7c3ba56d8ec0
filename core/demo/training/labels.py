"""Numbers of the auxiliary labels: every word of the vocabulary and its phonemes as eSpeak NG says them."""

import json
from pathlib import Path

from core.demo.training.espeak import Espeak
from core.demo.training.targets import Labels
from core.demo.training.text import Corpus


def make_labels(corpus: Corpus, engine: Espeak) -> Labels:
    """Number words and phonemes from 1; 0 means that nothing is said."""
    spoken = {word: engine.phonemes(word) for word in corpus.vocabulary}
    names = sorted({name for phones in spoken.values() for name in phones})
    number = {name: i + 1 for i, name in enumerate(names)}
    return Labels(
        words={word: i + 1 for i, word in enumerate(corpus.vocabulary)},
        phones={word: [number[name] for name in phones] for word, phones in spoken.items()},
        phone_count=len(names),
    )


def save_labels(labels: Labels, path: Path) -> None:
    """Write the labels as JSON."""
    path.write_text(json.dumps(labels._asdict()), encoding="utf-8")


def load_labels(path: Path) -> Labels:
    """Read what :func:`save_labels` wrote."""
    return Labels(**json.loads(path.read_text(encoding="utf-8")))
