"""Chooses device, number format and batch size. The choice is a pure function of facts; reading them is apart."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog

from core.errors import InvalidInputError
from core.speech.config import ComputeType, Device

_log = structlog.get_logger(__name__)

#: Best first. float16 halves memory and is exact enough on a GPU; on a CPU int8 is 2-3 times faster than float32.
_PREFERRED = {"cuda": ("float16", "bfloat16", "int8", "float32"), "cpu": ("int8", "float32")}
#: Windows decoded at once in fast mode. A GPU is filled by many; on a CPU more than a few only cost memory.
_BATCH = {"cuda": 16, "cpu": 4}


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceFacts:
    """What this machine has."""

    #: GPUs that CTranslate2 can use.
    cuda_devices: int
    #: Number formats CTranslate2 offers, by device.
    cpu_types: frozenset[str]
    cuda_types: frozenset[str]
    #: Cores this process may use.
    cores: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceChoice:
    """Where and how a model runs."""

    #: ``"cpu"`` or ``"cuda"``.
    device: str
    compute_type: str
    batch_size: int
    #: Threads on the CPU; 0 on a GPU, where it does not matter.
    cpu_threads: int


def choose(
    facts: DeviceFacts,
    *,
    device: Device = "auto",
    compute_type: ComputeType = "auto",
    batch_size: int | None = None,
    cpu_threads: int = 0,
) -> DeviceChoice:
    """Fills in what was left to choose.

    Raises:
        InvalidInputError: A GPU was asked for and there is none, or the number format does not work on the device.
    """
    if device == "cuda" and not facts.cuda_devices:
        raise InvalidInputError(
            "There is no GPU that can be used here. Choose the device auto or cpu, or install the GPU packages in "
            'Readback\'s folder: pip install -e ".[gpu]"'
        )
    chosen = ("cuda" if facts.cuda_devices else "cpu") if device == "auto" else device
    offered = facts.cuda_types if chosen == "cuda" else facts.cpu_types
    if compute_type == "auto":
        number_format = next((name for name in _PREFERRED[chosen] if name in offered), "float32")
    elif compute_type in offered:
        number_format = compute_type
    else:
        known = ", ".join(sorted(offered & set(ComputeType.__args__)))  # type: ignore[attr-defined]  # a Literal has it
        raise InvalidInputError(f"The precision {compute_type} does not work on {chosen} here. Possible: {known}.")
    return DeviceChoice(
        device=chosen,
        compute_type=number_format,
        batch_size=batch_size or _BATCH[chosen],
        cpu_threads=0 if chosen == "cuda" else cpu_threads or facts.cores,
    )


@functools.lru_cache(maxsize=1)
def read_facts() -> DeviceFacts:
    """Asks CTranslate2 and the system, once. Loads CTranslate2."""
    import ctranslate2

    devices = _cuda_devices()
    if devices:
        preload_cuda()
    return DeviceFacts(
        cuda_devices=devices,
        cpu_types=frozenset(ctranslate2.get_supported_compute_types("cpu")),
        cuda_types=frozenset(ctranslate2.get_supported_compute_types("cuda")) if devices else frozenset(),
        cores=_cores(),
    )


def preload_cuda() -> tuple[str, ...]:
    """Loads the CUDA 12 libraries of the `gpu` extra, so that CTranslate2 finds them.

    CTranslate2 opens cuBLAS by its file name when it first needs it. The pip package puts it where the system's loader
    does not look, and torch brings another major version; a library that is already loaded is found by its name.
    Returns the files loaded; none if the package is not there (then the system's own libraries are used).
    """
    loaded = []
    for package, names in _CUDA_LIBRARIES:
        folder = _package_folder(package)
        if folder is None:
            continue
        if sys.platform == "win32":
            os.add_dll_directory(str(folder / "bin"))
        for name in names:
            path = folder / ("bin" if sys.platform == "win32" else "lib") / name
            if not path.is_file():
                continue
            try:
                ctypes.CDLL(str(path), mode=getattr(ctypes, "RTLD_GLOBAL", 0))
            except OSError as error:
                _log.warning("cuda_library_unusable", path=str(path), reason=str(error))
            else:
                loaded.append(str(path))
    return tuple(loaded)


#: In the order they depend on each other.
_CUDA_LIBRARIES = (
    ("nvidia.cublas", ("cublasLt64_12.dll", "cublas64_12.dll"))
    if sys.platform == "win32"
    else ("nvidia.cublas", ("libcublasLt.so.12", "libcublas.so.12")),
    ("nvidia.cudnn", ("cudnn64_9.dll",) if sys.platform == "win32" else ("libcudnn.so.9",)),
)


def _package_folder(package: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def _cuda_devices() -> int:
    import ctranslate2

    try:
        return int(ctranslate2.get_cuda_device_count())
    except RuntimeError as error:
        # A driver that is too old or half installed answers with an exception: then there is no usable GPU.
        _log.warning("cuda_unusable", reason=str(error))
        return 0


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
