"""A converted model can be read back: the way from int8 to trainable weights and back to int8."""

from pathlib import Path

import numpy as np
import pytest

from core.demo import MODEL_DIR
from core.demo.training.dequantise import load_converted, read_variables
from core.demo.training.errors import TrainingError


def test_every_projection_comes_back() -> None:
    weights = load_converted(MODEL_DIR)
    assert weights["model.encoder.conv1.weight"].shape == (192, 80, 3)
    assert weights["model.decoder.layers.2.encoder_attn.v_proj.weight"].shape == (192, 192)
    assert "model.encoder.layers.0.self_attn.k_proj.bias" not in weights
    assert sum(value.size for value in weights.values()) == pytest.approx(4.7e6, rel=0.05)
    assert all(np.isfinite(value).all() for value in weights.values())


def test_weights_are_the_stored_ones_divided_by_their_scale() -> None:
    stored, weights = read_variables(MODEL_DIR / "model.bin"), load_converted(MODEL_DIR)
    name = "encoder/layer_1/ffn/linear_0/weight"
    expected = stored[name].astype(np.float32) / stored[f"{name}_scale"][:, None]
    np.testing.assert_allclose(weights["model.encoder.layers.1.fc1.weight"], expected, rtol=1e-6)


def test_something_else_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "model.bin"
    other.write_bytes(b"\x06\x00\x00\x00" + b"\x06\x00Other\x00" + bytes(8))
    with pytest.raises(TrainingError, match="holds a Other"):
        read_variables(other)


def test_it_fits_the_network_and_converts_to_the_same_again(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="training packages are not installed")
    pytest.importorskip("transformers", reason="training packages are not installed")
    from core.demo.training import checkpoint
    from core.demo.training.convert import convert
    from core.demo.training.network import Shape, TinyWhisper

    torch.manual_seed(0)
    shape = Shape(vocabulary=2977, words=561, phones=61)
    network = TinyWhisper(shape)
    assert checkpoint.warm_start(network, MODEL_DIR)  # its heads are new
    convert(network.state_dict(), shape, MODEL_DIR / "tokenizer.json", tmp_path / "model")
    first, again = read_variables(MODEL_DIR / "model.bin"), read_variables(tmp_path / "model" / "model.bin")
    assert first.keys() == again.keys()
    for name, value in first.items():
        if value.dtype == np.int8:
            assert np.abs(value.astype(int) - again[name].astype(int)).max() <= 1, name
