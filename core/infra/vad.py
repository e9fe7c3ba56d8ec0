"""Speech or not, 31 times a second: the Silero network that faster-whisper ships, fed as a stream.

faster-whisper runs it over a whole file at once. Here the network's memory (two vectors) and the last 64 samples, which
each frame gets as context, are carried from block to block: the probabilities are the same and memory stays flat.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.speech.windows import FRAME_SAMPLES, Probabilities, Samples

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]  # ships no annotations

#: Samples before a frame that the network sees with it.
_CONTEXT = 64
#: Width of the network's memory.
_STATE = 128
#: Frames per call: about a second. Always the same, so that the size of incoming blocks cannot change a result.
_BATCH_FRAMES = 32


@functools.lru_cache(maxsize=1)
def _session() -> onnxruntime.InferenceSession:
    """The network, loaded once; running it from several threads is safe, its state is not kept inside."""
    import faster_whisper
    import onnxruntime

    assets = Path(faster_whisper.__file__).parent / "assets"
    options = onnxruntime.SessionOptions()
    # One frame depends on the one before it: more threads would only wait for each other.
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        str(assets / "silero_vad_v6.onnx"), providers=["CPUExecutionProvider"], sess_options=options
    )


class SileroDetector:
    """Tells speech from silence in a stream (a `VoiceActivityDetector`); holds no state of its own."""

    def probabilities(self, blocks: Iterable[Samples]) -> Iterator[tuple[Samples, Probabilities]]:
        """Yields the audio in blocks of whole frames with one probability per frame; the last block may end inside a
        frame, which is then judged as if silence followed."""
        session = _session()
        hidden = np.zeros((1, 1, _STATE), dtype=np.float32)
        cell = np.zeros((1, 1, _STATE), dtype=np.float32)
        before = np.zeros(_CONTEXT, dtype=np.float32)
        for samples in _reblock(blocks, _BATCH_FRAMES * FRAME_SAMPLES):
            padding = -len(samples) % FRAME_SAMPLES
            frames = (np.pad(samples, (0, padding)) if padding else samples).reshape(-1, FRAME_SAMPLES)
            contexts = np.vstack([before[None], frames[:-1, -_CONTEXT:]])
            before = frames[-1, -_CONTEXT:]
            output, hidden, cell = session.run(
                None, {"input": np.concatenate([contexts, frames], axis=1), "h": hidden, "c": cell}
            )
            yield samples, np.asarray(output, dtype=np.float32).reshape(-1)


def _reblock(blocks: Iterable[Samples], size: int) -> Iterator[Samples]:
    """The same samples in blocks of `size`; the last may be shorter."""
    held: list[Samples] = []
    count = 0
    for block in blocks:
        held.append(np.asarray(block, dtype=np.float32))
        count += len(block)
        if count < size:
            continue
        joined = np.concatenate(held)
        whole = count // size * size
        for at in range(0, whole, size):
            yield joined[at : at + size]
        held, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(held)
