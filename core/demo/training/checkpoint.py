"""Saving a run, going on with it, and starting from an earlier model."""

import os
from pathlib import Path
from typing import Any

import torch

from core.demo.training.dequantise import load_converted
from core.demo.training.errors import TrainingError
from core.demo.training.network import TinyWhisper


def save(path: Path, network: TinyWhisper, optimiser: torch.optim.Optimizer, *, seconds: float, step: int) -> None:
    """Write the run's state; the file is replaced in one move, so a killed run leaves the last good one."""
    partial = path.with_suffix(".partial")
    state = {"weights": network.state_dict(), "optimiser": optimiser.state_dict(), "seconds": seconds, "step": step}
    torch.save(state, partial)
    os.replace(partial, path)


def load(path: Path) -> dict[str, Any]:
    """Read a state written by :func:`save`."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def warm_start(network: TinyWhisper, source: Path) -> bool:
    """Take over weights from a checkpoint file or a converted CTranslate2 folder.

    Returns True when an auxiliary head was not among them (they are not part of a converted model).
    """
    if source.is_dir():
        weights = {name: torch.from_numpy(value) for name, value in load_converted(source).items()}
    else:
        weights = load(source)["weights"]
    own = network.state_dict()
    fitting = {name: value for name, value in weights.items() if name in own and value.shape == own[name].shape}
    missing = [name for name in own if name.startswith("model.") and name not in fitting]
    if missing:
        raise TrainingError(f"{source} is not a model of this shape: {missing[0]} is missing or has another size.")
    network.load_state_dict(fitting, strict=False)
    return len(fitting) < len(own)
