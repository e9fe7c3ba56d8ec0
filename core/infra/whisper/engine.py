"""Runs a Whisper model through faster-whisper."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from core.errors import InvalidInputError, ModelFilesError, OutOfMemoryError
from core.infra.whisper.entries import LoadRequest
from core.infra.whisper.files import check_folder
from core.infra.whisper.mapping import has_loop, window_result, without_loops, words_of
from core.infra.whisper.memory import is_out_of_memory, translated, with_second_try
from core.infra.whisper.vocabulary import fit_context
from core.ports import WindowResult
from core.speech.config import TranscriptionConfig
from core.speech.coverage import replace_part, unexplained
from core.speech.windows import SAMPLE_RATE_HZ, AudioWindow, Samples

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

_log = structlog.get_logger(__name__)

#: Decoding without chance first; hotter only for windows that fail faster-whisper's checks (its own default).
_FALLBACK = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
#: Tried in turn on a window that came out as a loop.
_AFTER_LOOP = (0.4, 0.8)
#: Longest window any Whisper model takes.
_MAX_WINDOW_MS = 30_000


class WhisperWeights:
    """A Whisper model in memory (`Weights` of the pool)."""

    def __init__(self, request: LoadRequest, model: WhisperModel) -> None:
        self._model: WhisperModel | None = model
        self.size_bytes = (Path(request.path) / "model.bin").stat().st_size

    def handle(self, request: LoadRequest) -> WhisperHandle:
        """A handle for one job."""
        assert self._model is not None
        return WhisperHandle(request, self._model)

    def unload(self) -> None:
        """Frees the memory now, not when the collector finds the time."""
        model, self._model = self._model, None
        if model is not None:
            model.model.unload_model()
            del model
            gc.collect()


def load_weights(request: LoadRequest) -> WhisperWeights:
    """Loads a model from its folder.

    Raises:
        ModelFilesError: The folder is not a usable model.
        OutOfMemoryError: It does not fit.
    """
    from faster_whisper import WhisperModel

    check_folder(Path(request.path))
    try:
        model = WhisperModel(
            request.path,
            device=request.device,
            compute_type=request.compute_type,
            cpu_threads=request.cpu_threads,
            local_files_only=True,
        )
    except (RuntimeError, ValueError, MemoryError) as error:
        gc.collect()
        if is_out_of_memory(error):
            raise OutOfMemoryError(
                f"The model {request.name} does not fit in memory. Choose a smaller model or a smaller precision."
            ) from error
        raise ModelFilesError(f"The model {request.name} cannot be loaded: {error}") from error
    return WhisperWeights(request, model)


class WhisperHandle:
    """A loaded model as one job holds it (a `ModelHandle`)."""

    def __init__(self, request: LoadRequest, model: WhisperModel) -> None:
        self._request, self._model = request, model
        self._warnings: list[str] = []

    @property
    def name(self) -> str:
        """The catalogue name it was asked for by."""
        return self._request.name

    @property
    def max_window_ms(self) -> int:
        """The longest audio it can take at once."""
        return min(_MAX_WINDOW_MS, int(self._model.feature_extractor.chunk_length) * 1000)

    @property
    def versions(self) -> Mapping[str, str]:
        """What is needed to get the same result again."""
        return {
            "engine": f"faster-whisper {version('faster-whisper')}",
            "runtime": f"ctranslate2 {version('ctranslate2')}",
            "model": self._request.name,
            "model_revision": self._request.revision,
            "device": self._request.device,
            "compute_type": self._request.compute_type,
            "voice_activity": "silero v6",
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know of this run."""
        return tuple(self._warnings)

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages it writes."""
        known = self._model.hf_tokenizer.token_to_id
        return tuple(
            code
            for code in self._model.supported_languages
            if not self._model.model.is_multilingual or known(f"<|{code}|>") is not None
        )

    def detect_language(self, samples: Samples) -> tuple[str, float]:
        """Code of the language spoken and its probability, from the first window's length of the samples."""
        if not self._model.model.is_multilingual:
            return "en", 1.0
        language, probability, _ = with_second_try(self.name, lambda: self._model.detect_language(audio=samples))
        return str(language), float(probability)

    def transcribe(
        self, windows: Iterable[AudioWindow], config: TranscriptionConfig, *, language: str
    ) -> Iterator[tuple[WindowResult, ...]]:
        """Decodes windows as they come; see `core.ports.ModelHandle`.

        Raises:
            InvalidInputError: The model cannot write this language, or cannot translate.
            OutOfMemoryError: It does not fit, even with a smaller batch.
        """
        self._check_language(config, language)
        options = self._options(config, language or "en")
        if config.mode == "accurate":
            return ((self._accurate(window, options, config.verbatim),) for window in windows)
        return self._fast(windows, options, config)

    def _check_language(self, config: TranscriptionConfig, language: str) -> None:
        if not self._model.model.is_multilingual:
            if config.task == "translate":
                raise InvalidInputError(f"The model {self.name} writes English only; it cannot translate.")
            if language not in ("", "en"):
                raise InvalidInputError(
                    f'The model {self.name} knows English only, not "{language}". Choose a multilingual one (small).'
                )
        elif language not in self.languages:
            raise InvalidInputError(
                f'The model {self.name} does not know the language "{language}". It knows: {", ".join(self.languages)}.'
            )

    def _options(self, config: TranscriptionConfig, language: str) -> dict[str, Any]:
        context = fit_context(
            lambda text: list(self._model.hf_tokenizer.encode(text, add_special_tokens=False).ids),
            hotwords=config.hotwords,
            prompt=config.prompt,
            max_tokens=self._model.max_length // 2 - 1,
        )
        self._warnings.extend(text for text in context.warnings if text not in self._warnings)
        return {
            "language": language,
            "task": config.task,
            "beam_size": config.beam_size,
            "word_timestamps": True,
            # Each window stands for itself: a job that goes on from a checkpoint gives the same text as one that never
            # stopped, and one window's mistake does not spread.
            "condition_on_previous_text": False,
            "repetition_penalty": 1.0,
            "no_repeat_ngram_size": 0,
            "compression_ratio_threshold": None if config.verbatim else 2.4,
            "temperature": [0.0] if config.verbatim else list(_FALLBACK),
            "hotwords": context.hotwords,
            "initial_prompt": context.prompt,
            "vad_filter": False,
        }

    def _accurate(self, window: AudioWindow, options: dict[str, Any], verbatim: bool) -> WindowResult:
        result = self._decode(window, options)
        return self._verbatim(window, result, options) if verbatim else result

    def _verbatim(self, window: AudioWindow, result: WindowResult, options: dict[str, Any]) -> WindowResult:
        """Sees to it that a window's words are what was said: no loop, and no speech left out."""
        if has_loop(result):
            result = self._without_loop(window, result, options)
        for part in unexplained(window, words_of(result)):
            found = self._decode(part, options)
            if words_of(found) and not has_loop(found):
                _log.debug("speech_recovered", window_index=window.index, start_ms=part.start_ms)
                result = replace(result, segments=replace_part(result.segments, part, found.segments))
        return result

    def _without_loop(self, window: AudioWindow, result: WindowResult, options: dict[str, Any]) -> WindowResult:
        for temperature in _AFTER_LOOP:
            again = self._decode(window, {**options, "temperature": temperature})
            if not has_loop(again):
                return again
        _log.info("loop_trimmed", window_index=window.index, start_ms=window.start_ms)
        return without_loops(result)

    def _decode(self, window: AudioWindow, options: dict[str, Any]) -> WindowResult:
        def decode() -> WindowResult:
            segments, _ = self._model.transcribe(window.samples, **options)
            return window_result(window, segments)

        return with_second_try(self.name, decode)

    def _fast(
        self, windows: Iterable[AudioWindow], options: dict[str, Any], config: TranscriptionConfig
    ) -> Iterator[tuple[WindowResult, ...]]:
        source = iter(windows)
        while batch := list(islice(source, self._request.batch_size)):
            results = self._decode_batch(batch, options)
            if config.verbatim:
                results = tuple(
                    self._verbatim(window, result, options) for window, result in zip(batch, results, strict=True)
                )
            yield results

    def _decode_batch(self, batch: list[AudioWindow], options: dict[str, Any]) -> tuple[WindowResult, ...]:
        try:
            return self._decode_together(batch, options)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        gc.collect()
        _log.warning("out_of_memory", batch_size=len(batch), model=self.name)
        half = (len(batch) + 1) // 2
        try:
            halves = [self._decode_together(part, options) for part in (batch[:half], batch[half:]) if part]
        except (RuntimeError, MemoryError) as error:
            raise translated(error, self.name) from error
        return tuple(result for results in halves for result in results)

    def _decode_together(self, batch: list[AudioWindow], options: dict[str, Any]) -> tuple[WindowResult, ...]:
        """One batched pass. A new pipeline each time: it remembers where speech ended in the audio it saw last. Windows
        are laid out at whole seconds, because the pipeline keeps their offsets in hundredths, rounded down."""
        from faster_whisper import BatchedInferencePipeline

        offsets, clips, parts, at = [], [], [], 0
        for window in batch:
            length = len(window.samples)
            offsets.append(at)
            # Half a sample more: the pipeline cuts seconds * rate down to whole samples.
            clips.append(
                {"start": at, "end": at + (length + 0.5) / SAMPLE_RATE_HZ},
            )
            seconds = -(-length // SAMPLE_RATE_HZ)
            parts.append(np.pad(window.samples, (0, seconds * SAMPLE_RATE_HZ - length)))
            at += seconds
        segments, _ = BatchedInferencePipeline(model=self._model).transcribe(
            np.concatenate(parts), clip_timestamps=clips, batch_size=len(batch), **options
        )
        frames = self._model.frames_per_second
        found = {seek // frames: list(group) for seek, group in groupby(segments, key=lambda segment: segment.seek)}
        return tuple(
            window_result(window, found.get(offset, ()), offset_seconds=offset)
            for window, offset in zip(batch, offsets, strict=True)
        )
