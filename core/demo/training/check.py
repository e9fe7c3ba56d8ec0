"""A few held-out sentences as one short recording, committed so that the tests need no synthesiser."""

import json
import random
from pathlib import Path

import numpy as np

from core.demo.training.espeak import Espeak
from core.demo.training.features import SAMPLE_RATE
from core.demo.training.recordings import record, speak_all
from core.demo.training.sample import write_flac
from core.demo.training.text import Corpus

#: Held-out sentences that are read, by position in `data/heldout.txt`; some by speakers that were never trained on.
SENTENCES = (0, 3, 13, 36, 39, 47, 49)


def write_check(folder: Path) -> None:
    """Write `heldout.flac` and `heldout.json` (word, start_ms, repeated)."""
    engine, corpus, source = Espeak(), Corpus(), random.Random(12)
    texts = [corpus.held_out[number] for number in SENTENCES]
    spoken = [
        *speak_all(engine, texts[: len(texts) // 2], source, unseen=False),
        *speak_all(engine, texts[len(texts) // 2 :], source, unseen=True),
    ]
    (recording,) = record(spoken, source, retakes=True)
    folder.mkdir(parents=True, exist_ok=True)
    # Twelve bits are plenty for speech with noise on it, and FLAC drops the four that are always zero.
    coarse = np.round(recording.samples * 2048).astype(np.int16) * np.int16(16)
    write_flac(folder / "heldout.flac", coarse, SAMPLE_RATE)
    words = [{"word": w.word, "start_ms": w.start_ms, "repeated": w.repeated} for w in recording.words]
    (folder / "heldout.json").write_text(json.dumps(words, indent=0) + "\n", encoding="utf-8")
