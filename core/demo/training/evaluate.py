"""Measures a converted model through faster-whisper, the way the app calls it, and keeps the figures as JSON."""

import json
import logging
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.demo.training.decoding import Decode, accurate, fast, load_model, seconds
from core.demo.training.espeak import Espeak
from core.demo.training.recordings import Recording, record, speak_all
from core.demo.training.scoring import Tally
from core.demo.training.text import OVERLAP_WORDS, Corpus

log = logging.getLogger(__name__)

#: Bytes in a megabyte as file managers count.
_MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """One way of being tested."""

    name: str
    description: str
    #: Sentences never trained on; False takes the written training sentences.
    new_sentences: bool = True
    #: Speakers never trained on.
    new_voices: bool = False
    #: Sixty per cent of the sentences begin with a false start.
    retakes: bool = False


SETS = (
    TestSet(name="sentences", description="New sentences, voices trained on"),
    TestSet(name="voices", description="New sentences, new voices", new_voices=True),
    TestSet(name="retakes", description="New sentences with false starts, voices trained on", retakes=True),
    TestSet(
        name="retakes_voices", description="New sentences with false starts, new voices", new_voices=True, retakes=True
    ),
    TestSet(name="trained", description="Sentences trained on, voices trained on", new_sentences=False),
)


def recordings_of(
    test_set: TestSet, engine: Espeak, corpus: Corpus, times: int, seed: int, limit: int | None = None
) -> list[Recording]:
    """Synthesise a set: every held-out sentence `times` times, or as many of the written ones."""
    source = random.Random(f"{seed} {test_set.name}")
    held_out = corpus.held_out[:limit]
    if test_set.new_sentences:
        sentences = [sentence for _ in range(times) for sentence in source.sample(held_out, len(held_out))]
    else:
        sentences = [source.choice(corpus.sentences) for _ in range(times * len(held_out))]
    spoken = speak_all(engine, sentences, source, unseen=test_set.new_voices)
    return record(spoken, source, retakes=test_set.retakes)


def score(recordings: list[Recording], decode: Decode) -> dict[str, Any]:
    """Decode and tally; the real-time factor is decoding time over duration, one thread."""
    tally, wrong = Tally(), []
    started = time.perf_counter()
    heard = [decode(recording.samples) for recording in recordings]
    spent = time.perf_counter() - started
    for recording, words in zip(recordings, heard, strict=True):
        wrong += tally.add(recording.words, words)
    duration = sum(seconds(recording.samples) for recording in recordings)
    log.debug("wrong: %s", wrong)
    return {**tally.summary(), "audio_s": round(duration), "real_time_factor": round(spent / duration, 3)}


def evaluate(folder: Path, *, times: int = 3, seed: int = 7, limit: int | None = None) -> dict[str, Any]:
    """All figures of a converted model: `times` readings of every held-out sentence, or of the first `limit`."""
    engine, corpus = Espeak(), Corpus()
    started = time.perf_counter()
    model = load_model(folder)
    load_s = time.perf_counter() - started
    decoders = {"accurate": accurate(model), "fast": fast(model)}
    results: dict[str, Any] = {}
    for test_set in SETS:
        recordings = recordings_of(test_set, engine, corpus, times, seed, limit)
        results[test_set.name] = {"description": test_set.description}
        for mode, decode in decoders.items():
            results[test_set.name][mode] = score(recordings, decode)
            log.info("%s, %s: %s", test_set.name, mode, results[test_set.name][mode])
    model_files = ("config.json", "model.bin", "preprocessor_config.json", "tokenizer.json", "vocabulary.json")
    return {
        "size_mb": round(sum((folder / name).stat().st_size for name in model_files) / _MB, 1),
        "load_s": round(load_s, 2),
        "known_words": len(corpus.vocabulary),
        "held_out_sentences": len(corpus.held_out[:limit]),
        "written_sentences": len(corpus.sentences),
        "readings": times,
        "overlap_words": OVERLAP_WORDS,
        "sets": results,
    }


def save_figures(figures: dict[str, Any], path: Path) -> None:
    """Write the figures, so that the card can be made again without measuring again."""
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
