"""Weights to a folder that faster-whisper loads: through Hugging Face's format to CTranslate2, int8.

What the consumers insist on, all learnt by trying:

* the model must take 30 s (1500 encoder positions): faster-whisper pads to 3000 mel frames whatever the folder says;
  `chunk_length` 10 in `preprocessor_config.json` makes it cut windows of 10 s all the same;
* fewer than 51865 tokens make it an English-only model: the prompt has no language and no task;
* 448 text positions, because faster-whisper generates up to that length.
"""

import json
import shutil
from pathlib import Path

import torch
from ctranslate2.converters import TransformersConverter
from transformers import GenerationConfig, PreTrainedTokenizerFast, WhisperConfig, WhisperForConditionalGeneration

from core.demo.training.losses import ALIGNMENT_HEADS
from core.demo.training.network import Shape
from core.demo.training.tokenizer import END, NO_TIMESTAMPS, START

#: What faster-whisper computes features by; `chunk_length` in seconds.
_PREPROCESSOR = {
    "chunk_length": 10,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 80,
    "hop_length": 160,
    "n_fft": 400,
    "n_samples": 480000,
    "nb_max_frames": 3000,
    "padding_side": "right",
    "padding_value": 0.0,
    "processor_class": "WhisperProcessor",
    "return_attention_mask": False,
    "sampling_rate": 16000,
}


def _whisper(weights: dict[str, torch.Tensor], shape: Shape, end: int, start: int) -> WhisperForConditionalGeneration:
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=shape.vocabulary,
            num_mel_bins=80,
            d_model=shape.width,
            encoder_layers=shape.encoder_layers,
            encoder_attention_heads=shape.heads,
            decoder_layers=shape.decoder_layers,
            decoder_attention_heads=shape.heads,
            encoder_ffn_dim=shape.inner,
            decoder_ffn_dim=shape.inner,
            max_source_positions=shape.positions,
            max_target_positions=shape.text_positions,
            pad_token_id=end,
            bos_token_id=start,
            eos_token_id=end,
            decoder_start_token_id=start,
            activation_function="gelu",
            dropout=0.0,
        )
    )
    own = {name: value for name, value in weights.items() if name.startswith("model.")}
    own["proj_out.weight"] = own["model.decoder.embed_tokens.weight"]
    model.load_state_dict(own, strict=True)
    model.tie_weights()
    return model


def convert(weights: dict[str, torch.Tensor], shape: Shape, tokenizer_file: Path, folder: Path) -> None:
    """Write the converted model to `folder`, replacing its model files; other files there stay."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file), bos_token=START, eos_token=END, unk_token=END, pad_token=END
    )
    end, start, no_timestamps = tokenizer.convert_tokens_to_ids([END, START, NO_TIMESTAMPS])
    model = _whisper(weights, shape, end, start)
    lone_space = tokenizer.backend_tokenizer.token_to_id("Ġ")
    model.generation_config = GenerationConfig(
        decoder_start_token_id=start,
        bos_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
        max_length=shape.text_positions,
        is_multilingual=False,
        no_timestamps_token_id=no_timestamps,
        suppress_tokens=list(range(end + 1, no_timestamps + 1)),
        begin_suppress_tokens=[lone_space, end],
        alignment_heads=[list(head) for head in ALIGNMENT_HEADS],
        max_initial_timestamp_index=50,
        return_timestamps=False,
    )
    staging = folder.with_name(folder.name + ".hf")
    converted = folder.with_name(folder.name + ".ct2")
    model.save_pretrained(staging)
    tokenizer.save_pretrained(staging)
    (staging / "preprocessor_config.json").write_text(json.dumps(_PREPROCESSOR, indent=1), encoding="utf-8")
    converter = TransformersConverter(str(staging), copy_files=["tokenizer.json", "preprocessor_config.json"])
    converter.convert(str(converted), quantization="int8", force=True)
    folder.mkdir(parents=True, exist_ok=True)
    for file in converted.iterdir():
        shutil.copyfile(file, folder / file.name)
    shutil.rmtree(staging)
    shutil.rmtree(converted)
