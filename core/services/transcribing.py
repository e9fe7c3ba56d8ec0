"""The transcription job: one attempt, from wherever the last one got to.

The audio is read from its start each time, because where windows are cut depends on all that came before; those already
done are dropped unheard. Finding the place costs a small part of the time that transcribing up to it took.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from core.errors import MediaError, NotFoundError
from core.infra.db import Database
from core.infra.tables import Recording, Run
from core.ports import (
    AudioReader,
    AudioWindow,
    JobContext,
    MediaStore,
    ModelHandle,
    ModelPool,
    Samples,
    SampleStream,
    VoiceActivityDetector,
)
from core.services.transcript_writer import TranscriptWriter
from core.speech.config import TranscriptionConfig
from core.speech.windows import SAMPLE_RATE_HZ, cut_windows

_log = structlog.get_logger(__name__)

#: Whisper listens to 30 s to tell the language; more would be thrown away.
_LANGUAGE_SAMPLES = 30 * SAMPLE_RATE_HZ


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a transcription needs from outside."""

    database: Database
    media: MediaStore
    audio: AudioReader
    detector: VoiceActivityDetector
    models: ModelPool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    path: Path
    track: int
    duration_ms: int


def transcribe(parts: Parts, context: JobContext) -> Mapping[str, Any]:
    """Transcribes what is left and returns the job's result.

    Raises:
        MediaError: The file turned out bad; what came before is stored.
        ModelError: The model cannot be used.
        JobCancelledError: The user wants it to stop; what is done is stored.
    """
    source, revision = _look_up(parts, int(context.payload["run_id"]))
    config = TranscriptionConfig.model_validate(context.payload["config"])
    writer = TranscriptWriter(context, config, total_ms=source.duration_ms)
    writer.report("Loading the model")
    with parts.models.lease(config, check=context.check, on_download=writer.report_download) as model:
        if writer.at.window and revision != model.versions.get("model_revision"):
            # Half a transcript by one model and half by another would be nobody's result.
            _log.warning("model_changed_since_checkpoint", before=revision, after=model.versions.get("model_revision"))
            writer.start_over("because the model has changed")
        if writer.at.cut_short:
            # The last window ended where the file was bad; of a file that is whole again it is not a window.
            writer.start_over("because the file could not be read to its end before")
        writer.start_clock()
        with parts.audio.read(source.path, track=source.track) as stream:
            hearing = _Hearing(parts.detector, config, model, writer)
            hearing.run(stream)
        if hearing.bad_media is not None:
            raise hearing.bad_media
        return writer.finish(model)


def _look_up(parts: Parts, run_id: int) -> tuple[_Source, str]:
    """What to read, and which revision of the model earlier attempts used."""
    with parts.database.read() as session:
        run = session.get(Run, run_id)
        recording = session.get(Recording, run.recording_id) if run else None
    if run is None or recording is None:
        raise NotFoundError("The recording is not there any more. It may have been deleted.")
    path = parts.media.path(recording.media_key)
    source = _Source(path=path, track=recording.audio_track, duration_ms=recording.duration_ms)
    return source, str(run.versions.get("model_revision", ""))


class _Hearing:
    """From samples to stored segments."""

    def __init__(
        self, detector: VoiceActivityDetector, config: TranscriptionConfig, model: ModelHandle, writer: TranscriptWriter
    ) -> None:
        self._detector, self._config, self._model, self._writer = detector, config, model, writer
        self._first_window = writer.at.window
        self._known_ms = writer.at.done_ms
        #: What ended the stream before its time.
        self.bad_media: MediaError | None = None

    def run(self, stream: SampleStream) -> None:
        """Hears the stream to its end."""
        windows = self._windows(stream)
        first = next(windows, None)
        if first is None:
            return
        windows = self._with_language(itertools.chain([first], windows))
        for results in self._model.transcribe(windows, self._config, language=self._writer.at.language):
            self._writer.store(self._model, results, cut_short=self.bad_media is not None)

    def _windows(self, stream: SampleStream) -> Iterator[AudioWindow]:
        """Those still to be done."""
        frames = self._detector.probabilities(self._watched(stream))
        windows = cut_windows(
            frames, self._config.vad, max_window_ms=self._model.max_window_ms, verbatim=self._config.verbatim
        )
        return (window for window in windows if window.index >= self._first_window)

    def _watched(self, stream: SampleStream) -> Iterator[Samples]:
        """The blocks; a cancel is noticed also in an hour of silence, or on the way back to the checkpoint.

        Where the media turns out bad the stream ends, without an error, so that what was heard until then becomes text;
        `bad_media` has the error.
        """
        heard = 0
        try:
            for block in stream:
                going_back = heard < self._known_ms * SAMPLE_RATE_HZ // 1_000
                self._writer.report("Finding the place to go on" if going_back else "Transcribing")
                heard += len(block)
                yield block
        except MediaError as error:
            self.bad_media = error

    def _with_language(self, windows: Iterator[AudioWindow]) -> Iterator[AudioWindow]:
        """The same windows, with the language known: from the checkpoint, the settings, or the first speech."""
        if self._writer.at.language:
            return windows
        if self._config.language:
            self._writer.set_language(self._config.language)
            return windows
        held: list[AudioWindow] = []
        for window in windows:
            held.append(window)
            if sum(len(earlier.samples) for earlier in held) >= _LANGUAGE_SAMPLES:
                break
        samples = np.concatenate([window.samples for window in held])[:_LANGUAGE_SAMPLES]
        language, probability = self._model.detect_language(samples)
        self._writer.set_language(language, probability)
        _log.info("language_detected", language=language, probability=round(probability, 3))
        return itertools.chain(held, windows)
