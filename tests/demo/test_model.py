"""The shipped model through the real faster-whisper: what the sample project, the other tests and CI rely on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.demo import (
    LONGEST_WINDOW_MS,
    MODEL_DIR,
    NARRATION_FILE,
    NARRATION_REFERENCE_FILE,
    PICKUP_FILE,
    PICKUP_REFERENCE_FILE,
)
from core.demo.training import decoding
from core.demo.training.features import SAMPLE_RATE, FloatArray
from core.demo.training.scoring import HeardWord, SpokenWord, Tally
from core.demo.training.text import Corpus
from core.demo.training.tokenizer import TIMESTAMPS, WordTokens

DATA = Path(__file__).parent / "data"
MODES = {"accurate": decoding.accurate, "fast": decoding.fast}


def samples_of(path: Path) -> FloatArray:
    from faster_whisper.audio import decode_audio

    return np.asarray(decode_audio(str(path)), dtype=np.float32)


def spoken_in(path: Path) -> list[SpokenWord]:
    reference = json.loads(path.read_text(encoding="utf-8"))
    cuts = [range(cut["start_ms"], cut["end_ms"]) for cut in reference["takes_to_delete"]]
    return [
        SpokenWord(word=word["word"], start_ms=word["start_ms"], repeated=any(word["start_ms"] in cut for cut in cuts))
        for word in reference["words"]
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("recording", "reference"),
    [(NARRATION_FILE, NARRATION_REFERENCE_FILE), (PICKUP_FILE, PICKUP_REFERENCE_FILE)],
    ids=["narration", "pickup"],
)
def test_the_sample_is_transcribed_with_every_repeat(model: Any, mode: str, recording: Path, reference: Path) -> None:
    tally = Tally()
    wrong = tally.add(spoken_in(reference), MODES[mode](model)(samples_of(recording)))
    figures = tally.summary()
    assert figures["repeated_words_kept"] == figures["repeated_words"] > 0, wrong
    assert figures["wer_percent"] <= 2, wrong
    assert figures["start_error_median_ms"] <= 30


@pytest.mark.parametrize("mode", MODES)
def test_new_sentences_in_old_and_new_voices(model: Any, mode: str) -> None:
    spoken = [SpokenWord(**word) for word in json.loads((DATA / "heldout.json").read_text(encoding="utf-8"))]
    tally = Tally()
    wrong = tally.add(spoken, MODES[mode](model)(samples_of(DATA / "heldout.flac")))
    assert tally.wer_percent <= 6, wrong
    assert tally.repeated_kept >= tally.repeated - 2, wrong


def test_the_same_sound_gives_the_same_words(model: Any) -> None:
    samples = samples_of(PICKUP_FILE)
    first, second = (decoding.accurate(model)(samples) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("before_s", "after_s"), [(0.0, 0.0), (0.5, 0.5), (0.5, 0.0), (0.0, 0.5)])
def test_silence_around_a_short_window_does_no_harm(model: Any, before_s: float, after_s: float) -> None:
    samples, words = samples_of(NARRATION_FILE), spoken_in(NARRATION_REFERENCE_FILE)
    false_start = [word for word in words if word.repeated][:4]
    begin, end = false_start[0].start_ms - 30, false_start[-1].start_ms + 480
    piece = samples[begin * SAMPLE_RATE // 1000 : end * SAMPLE_RATE // 1000]
    padded = np.pad(piece, (int(before_s * SAMPLE_RATE), int(after_s * SAMPLE_RATE)))
    assert [word.word for word in transcribe(model, padded)] == [word.word for word in false_start]


def test_a_window_that_cuts_a_word_still_has_the_others(model: Any) -> None:
    samples, words = samples_of(NARRATION_FILE), spoken_in(NARRATION_REFERENCE_FILE)
    inside_ms = (words[1].start_ms + words[2].start_ms) // 2
    end_ms = words[10].start_ms + 600
    heard = transcribe(model, samples[inside_ms * SAMPLE_RATE // 1000 : end_ms * SAMPLE_RATE // 1000])
    tally = Tally()
    tally.add(words[2:11], heard)
    assert tally.errors <= 2


def transcribe(model: Any, samples: FloatArray) -> list[HeardWord]:
    segments, _ = model.transcribe(
        samples, beam_size=5, temperature=0, condition_on_previous_text=False, word_timestamps=True
    )
    return [
        HeardWord(word=word.word.strip(" .,").lower(), start_ms=round(1000 * word.start))
        for segment in segments
        for word in segment.words
    ]


def test_silence_is_not_speech(model: Any) -> None:
    hush = 0.0005 * np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE).astype(np.float32)
    assert decoding.accurate(model)(hush) == []


def test_it_is_an_english_only_model_with_short_windows(model: Any) -> None:
    assert not model.model.is_multilingual
    settings = json.loads((MODEL_DIR / "preprocessor_config.json").read_text(encoding="utf-8"))
    assert settings["chunk_length"] * 1000 == LONGEST_WINDOW_MS


def test_every_word_is_one_token_below_the_special_ones() -> None:
    corpus, tokens = Corpus(), WordTokens(MODEL_DIR / "tokenizer.json")
    assert all(tokens.is_single(word) for word in corpus.vocabulary)
    assert all(len(tokens.encode(word.capitalize())[0]) == 1 for word in corpus.starters)
    assert tokens.encode("the")[0][0] < tokens.end < tokens.start < tokens.no_timestamps
    assert tokens.size == tokens.first_timestamp + len(TIMESTAMPS)
    vocabulary = json.loads((MODEL_DIR / "vocabulary.json").read_text(encoding="utf-8"))
    assert len(vocabulary) == tokens.size


def test_it_is_small() -> None:
    assert sum(file.stat().st_size for file in MODEL_DIR.iterdir()) < 12_000_000
