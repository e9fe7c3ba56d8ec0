"""The training loss and the figures shown while it falls."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from core.demo.training.network import TinyWhisper
from core.demo.training.targets import IGNORED, Batch

#: Supervised cross-attention heads: (layer, head, shift). Shift 0 looks at the word being written, 1 at the word
#: just read: without the latter in the lower layers the decoder loses its place after a wrong word.
LOOKS = ((0, 0, 1), (1, 1, 1), (1, 0, 0), (2, 0, 0), (2, 1, 0))
#: Heads (layer, head) that faster-whisper aligns words with.
ALIGNMENT_HEADS = ((2, 0), (2, 1))
#: Weight of "nothing said" among the words, which is most frames.
_SILENCE_WEIGHT = 0.3


class Losses(NamedTuple):
    """Parts of the loss, and the share of text tokens and spoken frames that are right."""

    tokens: Tensor
    words: Tensor
    phones: Tensor
    #: Cross-entropy against a uniform span; its floor is about ln(frames of a word) = 2.6, not 0.
    looks: Tensor
    token_accuracy: float
    frame_accuracy: float


def _looks(attention: list[Tensor], spans: Tensor, frames: int) -> Tensor:
    if not len(spans):
        return torch.zeros((), device=spans.device)
    example, position, start, end = spans.T
    at = torch.arange(frames, device=spans.device)[None]
    inside = ((at >= start[:, None]) & (at < end[:, None])).float()
    inside = inside / inside.sum(1, keepdim=True)
    parts = [
        -(attention[layer][example, head, position + shift] * inside).sum(1).mean()
        for layer, head, shift in LOOKS
        if layer < len(attention)
    ]
    return torch.stack(parts).mean()


def _accuracy(logits: Tensor, labels: Tensor, counted: Tensor) -> float:
    return float((logits.argmax(-1) == labels)[counted].float().mean()) if bool(counted.any()) else 1.0


def losses(network: TinyWhisper, batch: Batch, end_token: int, device: str) -> Losses:
    """Run the network on a batch, in bfloat16 where that is exact enough."""
    features, inputs, labels, words, phones, spans = (
        torch.from_numpy(array).to(device)
        for array in (batch.features, batch.inputs, batch.labels, batch.word_frames, batch.phone_frames, batch.spans)
    )
    with torch.autocast(device.split(":")[0], torch.bfloat16):
        logits, word_logits, phone_logits, attention = network(features, inputs)
    logits, word_logits, phone_logits = logits.float(), word_logits.float(), phone_logits.float()
    weight = torch.ones(word_logits.shape[-1], device=device)
    weight[0] = _SILENCE_WEIGHT
    return Losses(
        tokens=functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED),
        words=functional.cross_entropy(word_logits.flatten(0, 1), words.flatten(), weight=weight),
        phones=functional.cross_entropy(phone_logits.flatten(0, 1), phones.flatten()),
        looks=_looks(attention, spans, word_logits.shape[1]),
        token_accuracy=_accuracy(logits, labels, (labels >= 0) & (labels < end_token)),
        frame_accuracy=_accuracy(word_logits, words, words > 0),
    )


def total(parts: Losses, done: float) -> Tensor:
    """Weighted sum; the auxiliary labels count half in the second half of a run (``done`` > 0.5)."""
    aside = 1.0 if done < 0.5 else 0.5
    return parts.tokens + aside * (parts.words + 0.5 * parts.phones) + 0.5 * parts.looks
