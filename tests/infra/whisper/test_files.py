"""A model's folder is judged without loading it."""

import json
from pathlib import Path

import pytest

from core.errors import ModelFilesError
from core.infra.whisper.catalogue import EMBEDDED_FOLDER
from core.infra.whisper.files import REVISION_FILE, check_folder, english_only, fingerprint, folder_bytes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in EMBEDDED_FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_the_embedded_model_is_whole_and_small() -> None:
    check_folder(EMBEDDED_FOLDER)
    assert english_only(EMBEDDED_FOLDER) is True
    assert folder_bytes(EMBEDDED_FOLDER) < 12_000_000


@pytest.mark.parametrize("name", ["config.json", "model.bin", "tokenizer.json", "vocabulary.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelFilesError, match=name.replace(".", r"\.")):
        check_folder(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "preprocessor_config.json"])
def test_a_damaged_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_text("{")
    with pytest.raises(ModelFilesError, match=name.replace(".", r"\.")):
        check_folder(folder)


@pytest.mark.parametrize("head", [b"", b"\0\0\0\0", b"PK\x03\x04" * 20, b"\x06\0\0\0\xff\xff"])
def test_weights_that_are_none_are_refused(folder: Path, head: bytes) -> None:
    (folder / "model.bin").write_bytes(head)
    with pytest.raises(ModelFilesError, match="not a CTranslate2 model"):
        check_folder(folder)


def test_a_model_of_another_kind_is_refused(folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"\x06\0\0\0\x10\0TransformerSpec\0" + bytes(100))
    with pytest.raises(ModelFilesError, match="TransformerSpec"):
        check_folder(folder)


def test_a_transformers_model_is_told_how_to_become_one(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(ModelFilesError, match="ct2-transformers-converter"):
        check_folder(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="no folder"):
        check_folder(tmp_path / "nothing")


def test_languages_by_vocabulary(tmp_path: Path) -> None:
    assert english_only(tmp_path) is None
    (tmp_path / "vocabulary.txt").write_text("word\n" * 51_865)
    assert english_only(tmp_path) is False
    (tmp_path / "vocabulary.json").write_text(json.dumps(["word"] * 51_864))
    assert english_only(tmp_path) is True


def test_the_fingerprint_follows_the_content(folder: Path) -> None:
    first = fingerprint(folder)
    assert first == fingerprint(EMBEDDED_FOLDER)
    content = bytearray((folder / "model.bin").read_bytes())
    content[-1] ^= 1
    (folder / "model.bin").write_bytes(content)
    assert fingerprint(folder) != first
    (folder / REVISION_FILE).write_text(json.dumps({"revision": "abc"}))
    assert fingerprint(folder) == "abc"
