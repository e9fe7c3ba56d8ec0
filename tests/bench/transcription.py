"""What our job costs over the bare recognizer, and what fast mode gains.

The sample narration, repeated to ten minutes, goes through (a) a whole transcription job: child process, streamed
decoding, voice activity, windows, a checkpoint and a database transaction a window; (b) one direct faster-whisper call
on the same file with the same settings and the same windows (its `clip_timestamps`), which leaves finding them to
others; and (c) one direct call with its own voice activity filter, which joins what pauses divide. The model is loaded
before all of them.

    python -m tests.bench.transcription [--minutes 10] [--rounds 3]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from core.bootstrap import Workbench, build_workbench
from core.demo import MODEL_DIR
from core.infra.jobs import run_inline
from core.infra.logs import configure_logging
from core.settings import Settings
from core.speech.config import TranscriptionConfig
from core.speech.windows import cut_windows
from tests.bench.audio import write_repeated
from tests.bench.measure import machine, pairs, seconds


def job(workbench: Workbench, recording_id: int, config: TranscriptionConfig) -> int:
    """Runs a whole transcription job in this thread; returns the number of words."""
    submission = workbench.transcription.submit(recording_id, config, force=True)
    assert submission.job is not None
    done = run_inline(workbench.queue, workbench.handlers, submission.job.id)
    assert done.state == "completed", done.error_message
    assert done.result is not None
    return workbench.transcription.get(done.result["transcript_id"]).word_count


def windows_of(workbench: Workbench, path: Path, config: TranscriptionConfig) -> list[float]:
    """Where our windows begin and end, in seconds, one after the other, as `clip_timestamps` wants them."""
    with workbench.models.lease(config) as model, workbench.audio.read(path) as stream:
        windows = cut_windows(
            workbench.detector.probabilities(stream),
            config.vad,
            max_window_ms=model.max_window_ms,
            verbatim=config.verbatim,
        )
        return [edge / 1_000 for window in windows for edge in (window.start_ms, window.end_ms)]


def direct(path: Path, config: TranscriptionConfig, threads: int, clips: list[float] | None = None) -> int:
    """One faster-whisper call with the same settings, on the clips given or those it finds; the number of words."""
    from faster_whisper import WhisperModel

    global _model
    if _model is None:
        _model = WhisperModel(str(MODEL_DIR), device="cpu", compute_type="int8", cpu_threads=threads)
    segments, _ = _model.transcribe(
        str(path),
        language="en",
        beam_size=config.beam_size,
        word_timestamps=True,
        clip_timestamps=clips or "0",
        vad_filter=clips is None,
        vad_parameters={
            "threshold": config.vad.threshold,
            "min_speech_duration_ms": config.vad.min_speech_ms,
            "min_silence_duration_ms": config.vad.min_silence_ms,
            "speech_pad_ms": config.vad.pad_ms,
        }
        if clips is None
        else None,
        condition_on_previous_text=False,
        compression_ratio_threshold=None if config.verbatim else 2.4,
        temperature=0.0 if config.verbatim else (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    )
    return sum(len(segment.words or ()) for segment in segments)


_model = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_repeated(Path(folder) / "repeated.wav", minutes=options.minutes)
        workbench = build_workbench(Settings(data_dir=Path(folder) / "data", workers=0, model_idle_seconds=3_600))
        configure_logging(level="ERROR", form="json")
        workbench.start(workers=False)
        project = workbench.library.create_project("Benchmark")
        recording = workbench.importing.import_file(project.id, path).recording
        print(f"{machine()}; {options.minutes:g} minutes of sample narration, {options.rounds} rounds\n")
        print("| what | seconds | over | seconds | ratio |")
        print("|---|---|---|---|---|")
        threads = workbench.settings.cpu_threads
        for verbatim in (True, False):
            accurate = TranscriptionConfig(model="demo", language="en", verbatim=verbatim)
            fast = accurate.model_copy(update={"mode": "fast"})
            name = "verbatim" if verbatim else "smooth"
            clips = windows_of(workbench, path, accurate)
            words = job(workbench, recording.id, accurate)
            same = f"direct call, the same {len(clips) // 2} windows"
            for what, alternative in ((same, clips), ("direct call", None)):
                heard = direct(path, accurate, threads, alternative)
                ours, theirs, ratio = pairs(
                    lambda config=accurate: seconds(lambda: job(workbench, recording.id, config)),
                    lambda config=accurate, clips=alternative: seconds(lambda: direct(path, config, threads, clips)),
                    options.rounds,
                )
                print(f"| our job, {name} ({words} words) | {ours} | {what} ({heard} words) | {theirs} | {ratio} |")
            quick = seconds(lambda config=fast: job(workbench, recording.id, config))
            gain = f"{ours.median:.3f} | {quick / ours.median:.3f} |"
            print(f"| our job, fast, {name} | {quick:.3f} | our job, accurate | {gain}")
        workbench.stop()


if __name__ == "__main__":
    main()
