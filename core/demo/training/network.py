"""Whisper's architecture in plain PyTorch, with Hugging Face's parameter names so that weights move over unchanged.

Written here rather than taken from transformers for three things training needs: windows shorter than 30 s, the
cross-attention of single heads as logits, and a start that learns within minutes on two CPU cores (see
:func:`start_local`). Two heads on the encoder, one for words and one for phonemes, are thrown away afterwards.
"""
# mypy: disable-error-code="misc, no-any-return, no-untyped-call"
# Reason: torch is an optional package; where it is missing all its types are Any and cannot be subclassed strictly.

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Above this many keys PyTorch's fused attention is faster on CPUs than the written-out one.
_FUSED_FROM = 700
#: Position channels: cosine and sine of this many periods, 5 to 2500 frames, in the last channels only.
_PERIODS = 32


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of the network. Heads are 64 wide, as in every Whisper."""

    vocabulary: int
    words: int
    phones: int
    width: int = 192
    heads: int = 3
    inner: int = 768
    encoder_layers: int = 4
    decoder_layers: int = 3
    dropout: float = 0.05
    positions: int = 1500
    text_positions: int = 448


def _frequencies() -> Tensor:
    return 2 * math.pi / torch.logspace(math.log10(5), math.log10(2500), _PERIODS)


def position_table(length: int, width: int) -> Tensor:
    """Sinusoids confined to the last channels, so that they do not drown the sound in the others."""
    angles = torch.arange(length)[:, None] * _frequencies()[None]
    table = torch.zeros(length, width)
    table[:, width - 2 * _PERIODS : width - _PERIODS] = angles.cos()
    table[:, width - _PERIODS :] = angles.sin()
    return table


class Attention(nn.Module):
    """Multi-head attention over its own input or over ``memory``."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def forward(self, x: Tensor, memory: Tensor | None = None, causal: bool = False) -> tuple[Tensor, Tensor | None]:
        """Returns the output and, when attending to ``memory``, the log-probabilities (batch, head, query, key)."""
        source = x if memory is None else memory
        query, key, value = (
            self._split(self.q_proj(x)),
            self._split(self.k_proj(source)),
            self._split(self.v_proj(source)),
        )
        weights: Tensor | None = None
        scale = query.shape[-1] ** -0.5
        if memory is not None:
            weights = ((query * scale) @ key.transpose(-1, -2)).float().log_softmax(-1)
            mixed = weights.exp().to(value.dtype) @ value
        elif source.shape[1] <= _FUSED_FROM:
            logits = (query * scale) @ key.transpose(-1, -2)
            if causal:
                logits = logits + torch.full(logits.shape[-2:], -1e4, dtype=logits.dtype, device=x.device).triu(1)
            with torch.autocast(x.device.type, enabled=False):  # it would copy everything to float32 and back
                mixed = logits.softmax(-1) @ value
        else:
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        return self.out_proj(mixed.transpose(1, 2).reshape(x.shape)), weights


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward block, normalised before each."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.dropout = nn.Dropout(shape.dropout)
        self.self_attn = Attention(shape.width, shape.heads)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, shape.inner)
        self.fc2 = nn.Linear(shape.inner, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)

    def feed(self, x: Tensor) -> Tensor:
        """The feed-forward block."""
        return x + self.dropout(self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x)))))

    def forward(self, x: Tensor) -> Tensor:
        return self.feed(x + self.dropout(self.self_attn(self.self_attn_layer_norm(x))[0]))


class DecoderLayer(EncoderLayer):
    """An encoder layer that may not look ahead and attends to the encoder in between."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.encoder_attn = Attention(shape.width, shape.heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(shape.width)

    def attend(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the output and the cross-attention's log-probabilities."""
        x = x + self.dropout(self.self_attn(self.self_attn_layer_norm(x), causal=True)[0])
        mixed, weights = self.encoder_attn(self.encoder_attn_layer_norm(x), memory)
        return self.feed(x + self.dropout(mixed)), weights


class Encoder(nn.Module):
    """Mel frames to one vector every 20 ms."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(80, shape.width, 3, padding=1)
        self.conv2 = nn.Conv1d(shape.width, shape.width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(shape.positions, shape.width)
        self.embed_positions.weight.data = position_table(shape.positions, shape.width)
        self.embed_positions.weight.requires_grad = False
        self.layers = nn.ModuleList([EncoderLayer(shape) for _ in range(shape.encoder_layers)])
        self.layer_norm = nn.LayerNorm(shape.width)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the encoding and the state after the second layer, which the phoneme head listens to."""
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(features)))).transpose(1, 2)
        x = x + self.embed_positions.weight[: x.shape[1]]
        middle = x
        for number, layer in enumerate(self.layers):
            x = layer(x)
            middle = x if number == 1 else middle
        return self.layer_norm(x), middle


class Decoder(nn.Module):
    """Tokens, given the encoding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.embed_positions = nn.Embedding(shape.text_positions, shape.width)
        nn.init.normal_(self.embed_tokens.weight, std=0.02)
        nn.init.normal_(self.embed_positions.weight, std=0.02)
        self.layers = nn.ModuleList([DecoderLayer(shape) for _ in range(shape.decoder_layers)])
        self.layer_norm = nn.LayerNorm(shape.width)

    def forward(self, tokens: Tensor, memory: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Returns token logits and each layer's cross-attention log-probabilities."""
        x = self.embed_tokens(tokens) + self.embed_positions.weight[: tokens.shape[1]]
        looks = []
        for layer in self.layers:
            x, weights = layer.attend(x, memory)
            looks.append(weights)
        return self.layer_norm(x) @ self.embed_tokens.weight.T, looks


class Body(nn.Module):
    """Encoder and decoder under the name Hugging Face gives them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        self.decoder = Decoder(shape)


class TinyWhisper(nn.Module):
    """Whisper with two auxiliary heads."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Body(shape)
        self.word_head = nn.Linear(shape.width, shape.words + 1)
        self.phone_head = nn.Sequential(nn.LayerNorm(shape.width), nn.Linear(shape.width, shape.phones + 1))
        #: Train the heads without letting them change the encoder: for fresh heads on a trained encoder.
        self.heads_only_listen = False

    def forward(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
        """Returns token, word and phoneme logits and the cross-attentions."""
        memory, middle = self.model.encoder(features)
        logits, looks = self.model.decoder(tokens, memory)
        if self.heads_only_listen:
            memory, middle = memory.detach(), middle.detach()
        return logits, self.word_head(memory), self.phone_head(middle), looks


@torch.no_grad()
def start_local(network: TinyWhisper, features: Tensor) -> None:
    """Start values that learn fast: sound at unit variance, encoder attention as shifted local windows.

    Plain Whisper initialisation let the position table drown the sound: 5 % of frames right after 300 steps. Scaling
    both convolutions by a sample of real ``features`` and starting self-attention as a bank of windows 3 to 15 frames
    away, like dilated convolutions, gave 63 % after 900.
    """
    encoder = network.model.encoder
    for conv in (encoder.conv1, encoder.conv2):
        out = conv(features)
        conv.weight /= out.std()
        conv.bias /= out.std()
        features = functional.gelu(conv(features))
    width, frequencies, rows = network.shape.width, _frequencies(), torch.arange(_PERIODS)
    cos_rows, sin_rows = width - 2 * _PERIODS + rows, width - _PERIODS + rows
    encoder.conv2.weight[width - 2 * _PERIODS :] = 0
    encoder.conv2.bias[width - 2 * _PERIODS :] = 0
    for layer, reach in zip(encoder.layers, (3, 6, 10, 15), strict=False):
        attention, strength = layer.self_attn, 2.4 + 0.05 * (reach - 3)
        attention.q_proj.weight *= 0.3
        attention.k_proj.weight *= 0.3
        attention.q_proj.bias.zero_()
        for head, shift in zip(range(network.shape.heads), (-reach, 0, reach), strict=False):
            first, second = head * 2 * _PERIODS + rows, head * 2 * _PERIODS + _PERIODS + rows
            cos, sin = (frequencies * shift).cos() * strength, (frequencies * shift).sin() * strength
            attention.k_proj.weight[first, cos_rows] += strength
            attention.k_proj.weight[second, sin_rows] += strength
            attention.q_proj.weight[first, cos_rows] += cos
            attention.q_proj.weight[first, sin_rows] -= sin
            attention.q_proj.weight[second, cos_rows] += sin
            attention.q_proj.weight[second, sin_rows] += cos
