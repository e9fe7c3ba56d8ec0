"""The Whisper models that are known by name: facts only.

Sizes are those of the CTranslate2 conversions (float16 on the hub), rounded; memory is for int8 on the CPU, weights and
working space for one window. A test compares names and hub ids with the ones faster-whisper knows.
"""

from __future__ import annotations

from core.speech.models import ModelLanguages, ModelSpec

_MB = 1_000_000
_SYSTRAN = "Systran/faster-"

#: Other names for the same model.
ALIASES = {"large": "large-v3", "turbo": "large-v3-turbo"}


def _spec(name: str, repo_id: str, megabytes: int, memory: int, languages: ModelLanguages, text: str) -> ModelSpec:
    words = "English only" if languages == "en" else "99 languages"
    return ModelSpec(
        name=name, kind="family", title=f"Whisper {name}", description=f"{text} {words}.", repo_id=repo_id,
        size_bytes=megabytes * _MB, memory_bytes=memory * _MB, languages=languages,
    )  # fmt: skip


#: In the order they are offered: from small to large.
FAMILY: tuple[ModelSpec, ...] = (
    _spec("tiny", f"{_SYSTRAN}whisper-tiny", 78, 250, "multilingual", "The fastest and least exact."),
    _spec("tiny.en", f"{_SYSTRAN}whisper-tiny.en", 78, 250, "en", "The fastest and least exact."),
    _spec("base", f"{_SYSTRAN}whisper-base", 148, 350, "multilingual", "Fast; for drafts."),
    _spec("base.en", f"{_SYSTRAN}whisper-base.en", 148, 350, "en", "Fast; for drafts."),
    _spec("small", f"{_SYSTRAN}whisper-small", 486, 800, "multilingual", "A good choice without a GPU."),
    _spec("small.en", f"{_SYSTRAN}whisper-small.en", 486, 800, "en", "A good choice without a GPU."),
    _spec("distil-small.en", f"{_SYSTRAN}distil-whisper-small.en", 336, 600, "en", "Small, with a short decoder."),
    _spec("medium", f"{_SYSTRAN}whisper-medium", 1_530, 2_000, "multilingual", "More exact, slow without a GPU."),
    _spec("medium.en", f"{_SYSTRAN}whisper-medium.en", 1_530, 2_000, "en", "More exact, slow without a GPU."),
    _spec(
        "distil-medium.en", f"{_SYSTRAN}distil-whisper-medium.en", 789, 1_200, "en", "Medium, with a short decoder."
    ),
    _spec("large-v1", f"{_SYSTRAN}whisper-large-v1", 3_090, 3_500, "multilingual", "The first large model."),
    _spec("large-v2", f"{_SYSTRAN}whisper-large-v2", 3_090, 3_500, "multilingual", "Keeps more repeats than v3."),
    _spec("large-v3", f"{_SYSTRAN}whisper-large-v3", 3_090, 3_500, "multilingual", "The most exact; wants a GPU."),
    _spec(
        "large-v3-turbo", "mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1_620, 2_000, "multilingual",
        "Nearly as exact as large-v3 and several times faster.",
    ),
    _spec(
        "distil-large-v2", f"{_SYSTRAN}distil-whisper-large-v2", 1_510, 2_000, "en", "Large v2, with a short decoder."
    ),
    _spec(
        "distil-large-v3", f"{_SYSTRAN}distil-whisper-large-v3", 1_510, 2_000, "en", "Large v3, with a short decoder."
    ),
    _spec(
        "distil-large-v3.5", "distil-whisper/distil-large-v3.5-ct2", 1_510, 2_000, "en",
        "Large v3 with a short decoder, trained for longer.",
    ),
)  # fmt: skip
