"""The settings of one transcription, validated in one place for pages, API and command line alike."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

#: How windows are decoded.
Mode = Literal["accurate", "fast"]
#: What the text is in: the language spoken, or English.
Task = Literal["transcribe", "translate"]
#: Where the model runs; ``auto`` takes a GPU if there is one.
Device = Literal["auto", "cpu", "cuda"]
#: Number format of the weights and activations; ``auto`` chooses by device.
ComputeType = Literal["auto", "int8", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"]


class VoiceActivityConfig(BaseModel):
    """How speech is told from silence, and where windows may be cut."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        default=0.5, ge=0.05, le=0.95, title="Speech threshold",
        description="How sure the detector must be that it hears speech. Lower finds quieter speech and more noise.",
    )  # fmt: skip
    min_speech_ms: int = Field(
        default=100, ge=0, le=5_000, title="Shortest speech (ms)",
        description="Sounds shorter than this are not taken for speech.",
    )  # fmt: skip
    min_silence_ms: int = Field(
        default=300, ge=50, le=10_000, title="Shortest pause (ms)",
        description="A pause at least this long may end a window. Shorter finds more places to cut.",
    )  # fmt: skip
    pad_ms: int = Field(
        default=150, ge=0, le=1_000, title="Padding (ms)",
        description="Sound kept before and after speech, so that soft beginnings and endings are not lost.",
    )  # fmt: skip


class TranscriptionConfig(BaseModel):
    """Everything that decides what a transcription will be: equal configs give equal results on the same audio."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    model: str = Field(
        default="demo", min_length=1, max_length=300, title="Model",
        description="A name from the catalogue, a folder with a CTranslate2 model, or a hub id such as owner/name.",
    )  # fmt: skip
    mode: Mode = Field(
        default="accurate", title="Mode",
        description="Accurate decodes one window after another. Fast decodes several at once: quicker, above all on "
        "a GPU, a little less exact.",
    )  # fmt: skip
    verbatim: bool = Field(
        default=True, title="Verbatim",
        description="Keep every repeated and broken-off word, as proofing needs it. Off gives a smoother text.",
    )  # fmt: skip
    language: str | None = Field(
        default=None, pattern=r"^[a-z]{2,3}$", title="Language",
        description="Code of the language spoken (en, de, ...). Empty: detected from the first speech.",
    )  # fmt: skip
    task: Task = Field(
        default="transcribe", title="Task",
        description="Write down what is said, or translate it into English.",
    )  # fmt: skip
    hotwords: tuple[str, ...] = Field(
        default=(), max_length=500, title="Vocabulary",
        description="Names and terms to expect. Long lists are cut to what the model can take, with a warning.",
    )  # fmt: skip
    prompt: str = Field(
        default="", max_length=4_000, title="Prompt",
        description="Text in the style you want (spelling, punctuation). A hint, not a command.",
    )  # fmt: skip
    beam_size: int = Field(
        default=5, ge=1, le=20, title="Beam size",
        description="How many alternatives are followed at once. More is slower and slightly better.",
    )  # fmt: skip
    vad: VoiceActivityConfig = Field(default=VoiceActivityConfig(), title="Voice activity")
    device: Device = Field(default="auto", title="Device", description="Where the model runs.")
    compute_type: ComputeType = Field(
        default="auto", title="Precision",
        description="Number format of the calculation. Auto takes the fastest that is safe on the device.",
    )  # fmt: skip
    batch_size: int | None = Field(
        default=None, ge=1, le=128, title="Batch size",
        description="How many windows fast mode decodes at once. Empty: chosen by device.",
    )  # fmt: skip

    def fingerprint(self) -> str:
        """A stable name of this config: 64 hex digits, equal for equal settings whatever their order."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()
