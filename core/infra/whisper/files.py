"""Looks at a model's folder without loading it: is it all there, what is it, how large."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from core.errors import ModelFilesError

#: First entry of Whisper's vocabulary beyond the English-only ones; see `ctranslate2.models.Whisper.is_multilingual`.
_MULTILINGUAL_VOCABULARY = 51_865
#: What CTranslate2 writes at the start of model.bin is its format version, a small little-endian number.
_HIGHEST_FORMAT_VERSION = 64
#: Where a download notes which revision it is (see `core.infra.whisper.download`).
REVISION_FILE = "readback.json"

#: What is fetched from the hub; the rest of a repository is not ours to use.
WANTED_FILES = ("config.json", "model.bin", "preprocessor_config.json", "tokenizer.json", "vocabulary.*")


def check_folder(folder: Path) -> None:
    """Checks that a folder is a usable CTranslate2 Whisper model.

    Raises:
        ModelFilesError: It is not; the message says what is missing or wrong.
    """
    if not folder.is_dir():
        raise ModelFilesError(f"There is no folder {folder}.")
    missing = [name for name in ("config.json", "model.bin", "tokenizer.json") if not (folder / name).is_file()]
    if not any(folder.glob("vocabulary.*")):
        missing.append("vocabulary.json (or .txt)")
    if "model.bin" in missing and (any(folder.glob("*.safetensors")) or any(folder.glob("pytorch_model*.bin"))):
        raise ModelFilesError(
            f"{folder} holds a Transformers model. Convert it first: "
            "ct2-transformers-converter --model FOLDER --output_dir NEW --copy_files tokenizer.json "
            "preprocessor_config.json"
        )
    if missing:
        raise ModelFilesError(f"{folder} is not a whole CTranslate2 model: {', '.join(missing)} missing.")
    for name in ("config.json", "tokenizer.json", "preprocessor_config.json"):
        if (folder / name).is_file():
            _json(folder / name)
    kind = _model_kind(folder / "model.bin")
    if not kind:
        raise ModelFilesError(f"{folder / 'model.bin'} is not a CTranslate2 model; it may be damaged or cut short.")
    if not kind.startswith("Whisper"):
        raise ModelFilesError(f"{folder} is a CTranslate2 model, but not a Whisper one (its kind is {kind}).")


def english_only(folder: Path) -> bool | None:
    """Whether a model folder's vocabulary is an English-only one; None if that cannot be told."""
    try:
        if (folder / "vocabulary.json").is_file():
            return len(_json(folder / "vocabulary.json")) < _MULTILINGUAL_VOCABULARY
        with (folder / "vocabulary.txt").open("rb") as file:
            return sum(1 for _ in file) < _MULTILINGUAL_VOCABULARY
    except (OSError, ModelFilesError):
        return None


def folder_bytes(folder: Path) -> int:
    """Size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.glob("*") if path.is_file())


def fingerprint(folder: Path) -> str:
    """Names the model's content, so that a result can be reproduced.

    The hub's revision if it was downloaded; else a hash over the small files and over the size and the first and last
    MiB of the weights, because hashing gigabytes at every load would cost more than it tells.
    """
    note = folder / REVISION_FILE
    if note.is_file():
        revision = _json(note).get("revision")
        if revision:
            return str(revision)
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.name == REVISION_FILE:
            continue
        size = path.stat().st_size
        digest.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(1 << 20))
            if size > 1 << 20:
                file.seek(max(1 << 20, size - (1 << 20)))
                digest.update(file.read())
    return f"sha256:{digest.hexdigest()[:32]}"


def _model_kind(path: Path) -> str:
    """The name CTranslate2 gives the model's kind, e.g. ``"WhisperSpec"``; empty if it is no CTranslate2 model. The
    file starts with its format version (4 bytes), the length of that name (2 bytes), and the name."""
    with path.open("rb") as file:
        head = file.read(256)
    length = int.from_bytes(head[4:6], "little")
    if not 0 < int.from_bytes(head[:4], "little") <= _HIGHEST_FORMAT_VERSION or not 0 < length <= 100:
        return ""
    return head[6 : 6 + length].rstrip(b"\0").decode("ascii", errors="ignore")


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ModelFilesError(f"{path} cannot be read as JSON; it may be damaged.") from error
