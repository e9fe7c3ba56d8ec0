"""The ways the app hands audio to faster-whisper, repeated here so that what is measured is what is shipped.

Windows are cut by `core.speech.windows`, as in the app. *Accurate* transcribes one window after another, *fast*
decodes several at once.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from core.demo.training.features import SAMPLE_RATE, FloatArray
from core.demo.training.scoring import HeardWord
from core.demo.training.text import normalise
from core.speech.config import VoiceActivityConfig
from core.speech.windows import FRAME_SAMPLES, AudioWindow, cut_windows

#: Longest window in milliseconds: the model's `chunk_length`.
LONGEST_WINDOW_MS = 10_000

Decode = Callable[[FloatArray], list[HeardWord]]


def load_model(folder: Path, threads: int = 1) -> Any:
    """A faster-whisper model on the CPU, int8."""
    from faster_whisper import WhisperModel

    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)


def windows(samples: FloatArray, *, verbatim: bool = True) -> list[AudioWindow]:
    """Cut at pauses, with faster-whisper's Silero detector and the app's default settings."""
    from faster_whisper.vad import get_vad_model

    padded = np.pad(samples, (0, -len(samples) % FRAME_SAMPLES))
    probabilities = np.asarray(get_vad_model()(padded), dtype=np.float32).reshape(-1)
    frames = [(padded, probabilities)]
    return list(cut_windows(frames, VoiceActivityConfig(), max_window_ms=LONGEST_WINDOW_MS, verbatim=verbatim))


def _heard(segments: Iterable[Any], offset_ms: int = 0) -> list[HeardWord]:
    words = (word for segment in segments for word in segment.words or ())
    return [
        HeardWord(word=normalise(word.word), start_ms=offset_ms + round(1000 * word.start))
        for word in words
        if normalise(word.word)
    ]


def accurate(model: Any) -> Decode:
    """One window after another, nothing that hides repeats."""

    def decode(samples: FloatArray) -> list[HeardWord]:
        words: list[HeardWord] = []
        for window in windows(samples):
            segments, _ = model.transcribe(
                window.samples,
                language="en",
                beam_size=5,
                temperature=0,
                condition_on_previous_text=False,
                word_timestamps=True,
                repetition_penalty=1,
                compression_ratio_threshold=None,
            )
            words += _heard(segments, window.start_ms)
        return words

    return decode


def fast(model: Any, batch_size: int = 4) -> Decode:
    """Several windows at once; a new pipeline each time, because an abandoned one leaks state."""
    from faster_whisper import BatchedInferencePipeline

    def decode(samples: FloatArray) -> list[HeardWord]:
        clips = [{"start": w.start_ms / 1000, "end": w.end_ms / 1000} for w in windows(samples)]
        if not clips:
            return []
        segments, _ = BatchedInferencePipeline(model).transcribe(
            samples,
            language="en",
            beam_size=5,
            temperature=0,
            word_timestamps=True,
            repetition_penalty=1,
            compression_ratio_threshold=None,
            clip_timestamps=clips,
            batch_size=batch_size,
        )
        return _heard(segments)

    return decode


def seconds(samples: FloatArray) -> float:
    """Duration."""
    return len(samples) / SAMPLE_RATE
