"""The engine on the real embedded model and the real sample narration."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import InvalidInputError, ModelFilesError, OutOfMemoryError
from core.infra.vad import SileroDetector
from core.infra.whisper.catalogue import EMBEDDED_FOLDER
from core.infra.whisper.engine import WhisperHandle, WhisperWeights, load_weights
from core.infra.whisper.entries import LoadRequest
from core.ports import WindowResult
from core.speech.config import TranscriptionConfig
from core.speech.transcript import Word
from core.speech.windows import AudioWindow, Samples, cut_windows

SAMPLE = EMBEDDED_FOLDER.parent / "sample"
REQUEST = LoadRequest(
    path=str(EMBEDDED_FOLDER), device="cpu", compute_type="int8", cpu_threads=1, name="demo", revision="r", batch_size=3
)


@pytest.fixture(scope="module")
def weights() -> Iterator[WhisperWeights]:
    weights = load_weights(REQUEST)
    yield weights
    weights.unload()


@pytest.fixture
def handle(weights: WhisperWeights) -> WhisperHandle:
    return weights.handle(REQUEST)


@pytest.fixture(scope="module")
def audio() -> Samples:
    from faster_whisper import decode_audio

    return np.asarray(decode_audio(str(SAMPLE / "pickup.flac")), dtype=np.float32)


@pytest.fixture(scope="module")
def windows(audio: Samples) -> list[AudioWindow]:
    config = TranscriptionConfig()
    probabilities = SileroDetector().probabilities([audio])
    # Short windows, so that there are several; and as if the recording had begun earlier: times count from its start.
    return list(cut_windows(probabilities, config.vad, max_window_ms=4_000, start_ms=5_000))


def run(handle: WhisperHandle, windows: Sequence[AudioWindow], **settings: Any) -> list[WindowResult]:
    config = TranscriptionConfig(**settings)
    return [result for batch in handle.transcribe(windows, config, language="en") for result in batch]


def words_of(results: Sequence[WindowResult]) -> list[Word]:
    return [word for result in results for segment in result.segments for word in segment.words]


def plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


@pytest.mark.parametrize("mode", ["accurate", "fast"])
@pytest.mark.parametrize("verbatim", [True, False])
def test_results_belong_to_their_windows_and_times_never_go_back(
    handle: WhisperHandle, windows: list[AudioWindow], mode: str, verbatim: bool
) -> None:
    results = run(handle, windows, mode=mode, verbatim=verbatim)
    assert [result.window_index for result in results] == [window.index for window in windows]
    for result, window in zip(results, windows, strict=True):
        assert (result.start_ms, result.end_ms) == (window.start_ms, window.end_ms)
        for segment in result.segments:
            assert segment.text == segment.text.strip()
            assert window.start_ms <= segment.start_ms <= segment.end_ms <= window.end_ms
            assert segment.avg_logprob <= 0
            assert 0 <= segment.no_speech_probability <= 1
            assert plain("".join(word.text for word in segment.words)) == plain(segment.text)
    words = words_of(results)
    assert words
    for before, after in pairwise(words):
        assert before.start_ms <= before.end_ms <= after.start_ms <= after.end_ms
    assert all(0 <= word.probability <= 1 and word.text == word.text.strip() for word in words)


@pytest.mark.parametrize("mode", ["accurate", "fast"])
def test_the_sample_is_heard_with_word_times(handle: WhisperHandle, windows: list[AudioWindow], mode: str) -> None:
    """The real path from sound to words: most of what was said is there, at its time."""
    spoken = json.loads((SAMPLE / "pickup.json").read_text())
    reference = [(plain(word["word"]), word["start_ms"] + 5_000) for word in spoken["words"]]
    words = words_of(run(handle, windows, mode=mode))
    found = sum(
        any(plain(word.text) == text and abs(word.start_ms - start) < 400 for word in words)
        for text, start in reference
    )
    assert found >= 0.8 * len(reference)


def test_accurate_mode_equals_a_direct_call(
    handle: WhisperHandle, weights: WhisperWeights, windows: list[AudioWindow]
) -> None:
    model = weights._model
    assert model is not None
    for window, result in zip(windows, run(handle, windows, beam_size=2), strict=True):
        segments, _ = model.transcribe(
            window.samples,
            language="en",
            beam_size=2,
            temperature=0,
            word_timestamps=True,
            condition_on_previous_text=False,
            compression_ratio_threshold=None,
        )
        assert [segment.text for segment in result.segments] == [segment.text.strip() for segment in segments]


def test_each_window_is_encoded_once(
    handle: WhisperHandle, weights: WhisperWeights, windows: list[AudioWindow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The encoder is nearly all of the cost: no window may pay for it twice."""
    model = weights._model
    assert model is not None
    shapes: list[int] = []
    encode = model.encode

    def counted(features: Any) -> Any:
        shapes.append(features.ndim)
        return encode(features)

    monkeypatch.setattr(model, "encode", counted)
    run(handle, windows)
    assert len(shapes) == len(windows)
    shapes.clear()
    run(handle, windows, mode="fast")
    assert len(shapes) == -(-len(windows) // REQUEST.batch_size)


def test_windows_are_decoded_as_they_come(handle: WhisperHandle, windows: list[AudioWindow]) -> None:
    """Progress and cancel: nothing is read ahead beyond one window (accurate) or one batch (fast)."""
    for mode, ahead in (("accurate", 1), ("fast", REQUEST.batch_size)):
        taken: list[int] = []

        def source(taken: list[int] = taken) -> Iterator[AudioWindow]:
            for window in windows:
                taken.append(window.index)
                yield window

        next(iter(handle.transcribe(source(), TranscriptionConfig.model_validate({"mode": mode}), language="en")))
        assert len(taken) == min(ahead, len(windows))


def test_what_the_handle_says_of_itself(handle: WhisperHandle) -> None:
    assert handle.name == "demo"
    assert handle.max_window_ms == 10_000
    assert handle.languages == ("en",)
    assert handle.detect_language(np.zeros(16_000, np.float32)) == ("en", 1.0)
    assert handle.warnings == ()
    versions = handle.versions
    assert versions["engine"].startswith("faster-whisper ")
    assert (versions["model"], versions["model_revision"], versions["compute_type"]) == ("demo", "r", "int8")


def test_an_english_model_refuses_other_languages_and_translation(handle: WhisperHandle) -> None:
    with pytest.raises(InvalidInputError, match="English only"):
        handle.transcribe([], TranscriptionConfig(), language="de")
    with pytest.raises(InvalidInputError, match="cannot translate"):
        handle.transcribe([], TranscriptionConfig(task="translate"), language="en")


@pytest.mark.parametrize("mode", ["accurate", "fast"])
def test_a_long_vocabulary_and_prompt_are_cut_with_a_warning(
    handle: WhisperHandle, windows: list[AudioWindow], mode: str
) -> None:
    results = run(handle, windows[:1], mode=mode, hotwords=("harbour",) * 500, prompt="The old keeper. " * 200)
    assert len(results) == 1
    assert len(handle.warnings) == 2
    assert "vocabulary" in handle.warnings[0]
    assert "prompt" in handle.warnings[1]


class Failing:
    """Stands in for faster-whisper's model: memory runs out in the first calls."""

    def __init__(self, model: Any, failures: int, error: Exception) -> None:
        self._model, self.failures, self.error = model, failures, error
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def _fail(self, size: int) -> None:
        self.batches.append(size)
        if self.failures:
            self.failures -= 1
            raise self.error

    def transcribe(self, audio: Any, **options: Any) -> Any:
        self._fail(1)
        return self._model.transcribe(audio, **options)

    def encode(self, features: Any) -> Any:
        self._fail(len(features))
        return self._model.encode(features)


CUDA_FULL = RuntimeError("CUDA failed with error out of memory")


@pytest.mark.parametrize("error", [CUDA_FULL, RuntimeError("std::bad_alloc"), MemoryError()])
def test_out_of_memory_is_tried_again_with_half_the_batch(
    weights: WhisperWeights, windows: list[AudioWindow], error: Exception
) -> None:
    """C8: out-of-memory recovers."""
    model = Failing(weights._model, 1, error)
    results = run(WhisperHandle(REQUEST, model), windows[:3], mode="fast")
    assert model.batches == [3, 2, 1]
    assert [result.window_index for result in results] == [window.index for window in windows[:3]]


@pytest.mark.parametrize("mode", ["accurate", "fast"])
def test_out_of_memory_again_is_a_clear_error(weights: WhisperWeights, windows: list[AudioWindow], mode: str) -> None:
    model = Failing(weights._model, 2, CUDA_FULL)
    with pytest.raises(OutOfMemoryError, match="smaller"):
        run(WhisperHandle(REQUEST, model), windows, mode=mode)


def test_accurate_mode_survives_one_failure(weights: WhisperWeights, windows: list[AudioWindow]) -> None:
    model = Failing(weights._model, 1, CUDA_FULL)
    assert len(run(WhisperHandle(REQUEST, model), windows[:1])) == 1


@pytest.mark.parametrize("mode", ["accurate", "fast"])
def test_other_errors_are_not_taken_for_memory(weights: WhisperWeights, windows: list[AudioWindow], mode: str) -> None:
    model = Failing(weights._model, 9, RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        run(WhisperHandle(REQUEST, model), windows[:1], mode=mode)


def test_a_folder_that_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="missing"):
        load_weights(replace(REQUEST, path=str(tmp_path)))
    for path in EMBEDDED_FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.bin").write_bytes((EMBEDDED_FOLDER / "model.bin").read_bytes()[:100_000])
    with pytest.raises(ModelFilesError, match="cannot be loaded"):
        load_weights(replace(REQUEST, path=str(tmp_path)))


def test_silence_and_very_short_windows_are_harmless(handle: WhisperHandle) -> None:
    window = AudioWindow(index=0, start_ms=0, end_ms=32, samples=np.zeros(512, np.float32))
    for mode in ("accurate", "fast"):
        (result,) = run(handle, [window], mode=mode)
        assert all(segment.end_ms <= 32 for segment in result.segments)
