"""Features are the ones faster-whisper computes, and word ends leave the pauses out."""

import numpy as np
import pytest

from core.demo.training.features import normalise_log_mel, raw_log_mel, resample, word_ends


def tone(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def test_log_mel_is_that_of_faster_whisper() -> None:
    from faster_whisper.feature_extractor import FeatureExtractor

    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    samples = tone(1, 16000) + 0.01 * noise
    ours = normalise_log_mel(raw_log_mel(samples))
    np.testing.assert_allclose(ours, FeatureExtractor()(samples).T, atol=2e-4)


def test_resampling_keeps_length_and_pitch() -> None:
    resampled = resample(tone(1, 22050), 22050)
    assert len(resampled) == 16000
    spectrum = np.abs(np.fft.rfft(resampled * np.hanning(16000)))
    assert int(spectrum.argmax()) == 440
    np.testing.assert_allclose(resampled[1000:-1000], tone(1, 16000)[1000:-1000], atol=0.01)


def test_resampling_leaves_16_khz_alone() -> None:
    samples = tone(0.1, 16000)
    assert resample(samples, 16000) is samples
    with pytest.raises(ValueError, match="44100 Hz"):
        resample(samples, 44100)


def test_a_word_ends_where_its_sound_ends() -> None:
    pause = np.zeros(8000, np.float32)
    samples = np.concatenate([tone(0.3, 16000), pause, tone(0.2, 16000), pause])
    first, second = word_ends(samples, (0.0, 0.8))
    assert first == pytest.approx(0.3, abs=0.011)
    assert second == pytest.approx(1.0, abs=0.011)
