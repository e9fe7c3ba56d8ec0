"""E12: device, compute type and batch size are chosen by what the machine has."""

import sys
from pathlib import Path

import pytest

from core.errors import InvalidInputError
from core.infra.whisper import devices
from core.infra.whisper.devices import DeviceFacts, choose, preload_cuda, read_facts

CPU = DeviceFacts(
    cuda_devices=0, cpu_types=frozenset({"int8", "int8_float32", "int16", "float32"}), cuda_types=frozenset(), cores=6
)
GPU = DeviceFacts(
    cuda_devices=1,
    cpu_types=CPU.cpu_types,
    cuda_types=frozenset({"int8", "int8_float16", "float16", "bfloat16", "float32"}),
    cores=6,
)
OLD_GPU = DeviceFacts(cuda_devices=1, cpu_types=CPU.cpu_types, cuda_types=frozenset({"float32"}), cores=6)


def test_without_a_gpu() -> None:
    choice = choose(CPU)
    assert (choice.device, choice.compute_type, choice.cpu_threads) == ("cpu", "int8", 6)
    assert choice.batch_size >= 2


def test_with_a_gpu() -> None:
    choice = choose(GPU)
    assert (choice.device, choice.compute_type, choice.batch_size, choice.cpu_threads) == ("cuda", "float16", 16, 0)
    assert choose(OLD_GPU).compute_type == "float32"
    assert choose(GPU, device="cpu").compute_type == "int8"


def test_a_choice_of_the_user_counts() -> None:
    choice = choose(GPU, device="cpu", compute_type="float32", batch_size=3, cpu_threads=2)
    assert (choice.device, choice.compute_type, choice.batch_size, choice.cpu_threads) == ("cpu", "float32", 3, 2)


def test_a_cpu_without_int8_takes_float32() -> None:
    facts = DeviceFacts(cuda_devices=0, cpu_types=frozenset({"float32"}), cuda_types=frozenset(), cores=1)
    assert choose(facts).compute_type == "float32"


def test_what_does_not_work_is_refused_with_what_does() -> None:
    with pytest.raises(InvalidInputError, match=r"\.\[gpu\]"):
        choose(CPU, device="cuda")
    with pytest.raises(InvalidInputError, match="Possible: float32, int8"):
        choose(CPU, compute_type="float16")


def test_the_facts_of_this_machine_are_usable() -> None:
    facts = read_facts()
    assert "float32" in facts.cpu_types
    assert facts.cores >= 1
    assert bool(facts.cuda_devices) == bool(facts.cuda_types)
    choose(facts)


@pytest.mark.skipif(sys.platform != "linux", reason="uses a shared library under its Linux name")
def test_cuda_libraries_are_loaded_from_their_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CTranslate2 opens cuBLAS by name: it has to be in the process before that. Any library serves to prove it."""
    lib = tmp_path / "nvidia" / "cublas" / "lib"
    lib.mkdir(parents=True)
    (tmp_path / "nvidia" / "cublas" / "__init__.py").write_text("")
    real = next(Path("/").glob("lib*/**/libm.so.6"), None)
    if real is None:
        pytest.skip("this system keeps its C library somewhere else")
    (lib / "libcublas.so.12").symlink_to(real)
    (lib / "libcublasLt.so.12").write_bytes(b"not a library")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == "nvidia"]:
        monkeypatch.delitem(sys.modules, name)
    assert preload_cuda() == (str(lib / "libcublas.so.12"),)


def test_without_the_packages_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_CUDA_LIBRARIES", (("nvidia_is_not_here.cublas", ("libcublas.so.12",)),))
    assert preload_cuda() == ()
