"""Read a converted CTranslate2 directory back into trainable weights: the warm start for further training.

Only the int8/float32 Whisper models this package itself converts are understood. The rounding that int8 left in the
weights stays in them; training on wears it off within minutes. Names follow Hugging Face's Whisper.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.demo.training.errors import TrainingError

#: CTranslate2's type numbers in ``model.bin``.
_TYPES: dict[int, type[np.generic]] = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

Weights = dict[str, NDArray[np.float32]]


def _unpack(file: BinaryIO, layout: str) -> tuple[int, ...]:
    layout = "<" + layout  # always little-endian, no padding
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _string(file: BinaryIO) -> str:
    (length,) = _unpack(file, "H")
    return file.read(length)[:-1].decode("utf-8")


def read_variables(path: Path) -> dict[str, NDArray[Any]]:
    """Every variable of a CTranslate2 ``model.bin``, as stored."""
    with path.open("rb") as file:
        _unpack(file, "I")
        if (kind := _string(file)) != "WhisperSpec":
            raise TrainingError(f"{path} holds a {kind}, not a Whisper model.")
        _unpack(file, "I")
        variables = {}
        for _ in range(_unpack(file, "I")[0]):
            name = _string(file)
            shape = _unpack(file, "I" * _unpack(file, "B")[0])
            kind_id, size = _unpack(file, "BI")
            data = np.frombuffer(file.read(size), dtype=_TYPES[kind_id])
            variables[name] = data.reshape(shape).copy()
        return variables


def _float(variables: dict[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    value = variables[name].astype(np.float32)
    scale = variables.get(f"{name}_scale")
    if scale is None:
        return value
    return (value / scale.reshape(-1, *[1] * (value.ndim - 1))).astype(np.float32)


def _norm(variables: dict[str, NDArray[Any]], source: str, target: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    yield f"{target}.weight", _float(variables, f"{source}/gamma")
    yield f"{target}.bias", _float(variables, f"{source}/beta")


def _linear(
    variables: dict[str, NDArray[Any]], source: str, targets: tuple[str, ...]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """One stored matrix into the projections it was fused from; Whisper's key projection has no bias."""
    weights = np.split(_float(variables, f"{source}/weight"), len(targets))
    biases = np.split(_float(variables, f"{source}/bias"), len(targets))
    for target, weight, bias in zip(targets, weights, biases, strict=True):
        yield f"{target}.weight", weight
        if not target.endswith("k_proj"):
            yield f"{target}.bias", bias


def _layer(variables: dict[str, NDArray[Any]], source: str, target: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    own, cross = f"{target}.self_attn", f"{target}.encoder_attn"
    yield from _norm(variables, f"{source}/self_attention/layer_norm", f"{own}_layer_norm")
    fused = (f"{own}.q_proj", f"{own}.k_proj", f"{own}.v_proj")
    yield from _linear(variables, f"{source}/self_attention/linear_0", fused)
    yield from _linear(variables, f"{source}/self_attention/linear_1", (f"{own}.out_proj",))
    if f"{source}/attention/linear_0/weight" in variables:
        yield from _norm(variables, f"{source}/attention/layer_norm", f"{cross}_layer_norm")
        yield from _linear(variables, f"{source}/attention/linear_0", (f"{cross}.q_proj",))
        yield from _linear(variables, f"{source}/attention/linear_1", (f"{cross}.k_proj", f"{cross}.v_proj"))
        yield from _linear(variables, f"{source}/attention/linear_2", (f"{cross}.out_proj",))
    yield from _norm(variables, f"{source}/ffn/layer_norm", f"{target}.final_layer_norm")
    yield from _linear(variables, f"{source}/ffn/linear_0", (f"{target}.fc1",))
    yield from _linear(variables, f"{source}/ffn/linear_1", (f"{target}.fc2",))


def load_converted(folder: Path) -> Weights:
    """Weights of a converted model under Hugging Face names (``model.encoder.conv1.weight`` ...)."""
    variables = read_variables(folder / "model.bin")
    weights: Weights = {}
    for side in ("encoder", "decoder"):
        base = f"model.{side}"
        weights[f"{base}.embed_positions.weight"] = _float(variables, f"{side}/position_encodings/encodings")
        weights.update(_norm(variables, f"{side}/layer_norm", f"{base}.layer_norm"))
        number = 0
        while f"{side}/layer_{number}/ffn/linear_0/weight" in variables:
            weights.update(_layer(variables, f"{side}/layer_{number}", f"{base}.layers.{number}"))
            number += 1
    for conv in ("conv1", "conv2"):
        for part in ("weight", "bias"):
            weights[f"model.encoder.{conv}.{part}"] = _float(variables, f"encoder/{conv}/{part}")
    weights["model.decoder.embed_tokens.weight"] = _float(variables, "decoder/embeddings/weight")
    return weights
