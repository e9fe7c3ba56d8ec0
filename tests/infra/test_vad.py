"""The streaming detector gives the same probabilities as faster-whisper's own over the whole file."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from core.infra.vad import SileroDetector
from core.speech.windows import FRAME_SAMPLES, Probabilities, Samples

SPEECH = Path(__file__).resolve().parents[3] / "shared" / "data" / "speech" / "jfk.flac"


def made_up(seconds: int) -> Samples:
    """Something the network has an opinion on: bursts of a harmonic tone with noise."""
    rng = np.random.default_rng(7)
    time = np.arange(seconds * 16_000) / 16_000
    tone = sum(np.sin(2 * np.pi * 140 * k * time + np.sin(time * 3)) / k for k in range(1, 12))
    gate = (np.sin(2 * np.pi * 0.4 * time) > 0) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))
    return np.asarray(0.1 * tone * gate + 0.003 * rng.standard_normal(len(time)), dtype=np.float32)


@pytest.fixture(scope="module", params=["made up", "speech"])
def audio(request: pytest.FixtureRequest) -> Samples:
    if request.param == "made up":
        return made_up(20)
    if not SPEECH.is_file():
        pytest.skip("the recordings of people are not beside this checkout; the made-up sound covers the same code")
    from faster_whisper import decode_audio

    return np.asarray(decode_audio(str(SPEECH)), dtype=np.float32)


def detect(blocks: Sequence[Samples]) -> tuple[Samples, Probabilities]:
    parts = list(SileroDetector().probabilities(iter(blocks)))
    return np.concatenate([samples for samples, _ in parts]), np.concatenate([found for _, found in parts])


def reference(audio: Samples) -> Probabilities:
    from faster_whisper.vad import get_vad_model

    # It overwrites the end of what it is given, so a frame more keeps that away from what is compared.
    padded = np.pad(audio, (0, 2 * FRAME_SAMPLES - len(audio) % FRAME_SAMPLES))
    return np.asarray(get_vad_model()(padded), dtype=np.float32).reshape(-1)


def random_blocks(audio: Samples) -> Iterator[Samples]:
    rng = np.random.default_rng(3)
    at = 0
    while at < len(audio):
        size = int(rng.integers(1, 40_000))
        yield audio[at : at + size]
        at += size


def test_equals_faster_whisper_on_the_whole_file(audio: Samples) -> None:
    _, found = detect([audio])
    expected = reference(audio)[: len(found)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.max() - found.min() > 0.1, "a sound the network is indifferent to proves nothing"


def test_block_sizes_change_nothing(audio: Samples) -> None:
    samples, found = detect([audio])
    samples_again, found_again = detect(list(random_blocks(audio)))
    np.testing.assert_array_equal(samples, samples_again)
    np.testing.assert_array_equal(found, found_again)


def test_the_audio_comes_back_whole_and_in_frames(audio: Samples) -> None:
    samples, found = detect(list(random_blocks(audio)))
    np.testing.assert_array_equal(samples, audio)
    assert len(found) == -(-len(audio) // FRAME_SAMPLES)


def test_threads_do_not_disturb_each_other(audio: Samples) -> None:
    _, expected = detect([audio])
    results: list[Probabilities] = []
    threads = [threading.Thread(target=lambda: results.append(detect([audio])[1])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for found in results:
        np.testing.assert_array_equal(found, expected)


def test_no_audio_gives_nothing() -> None:
    assert list(SileroDetector().probabilities(iter([]))) == []
    assert list(SileroDetector().probabilities(iter([np.zeros(0, np.float32)]))) == []
