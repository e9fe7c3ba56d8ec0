"""The model's own byte-level BPE: every known word is one token, Whisper's special tokens follow in Whisper's order.

What faster-whisper takes for granted is kept: all special tokens lie above the text, ``<|endoftext|>`` first and
``<|notimestamps|>`` last before the 1501 timestamps; and no word starts with a lone space token, because that token
is suppressed as the beginning of a non-speech mark.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from core.demo.training.text import PROPER, Corpus, normalise

if TYPE_CHECKING:
    from tokenizers import Tokenizer

END, START, PREVIOUS = "<|endoftext|>", "<|startoftranscript|>", "<|startofprev|>"
NO_SPEECH, NO_TIMESTAMPS = "<|nospeech|>", "<|notimestamps|>"

#: Whisper's special tokens in the order of the English-only models, timestamps excluded.
SPECIAL = (
    END,
    START,
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    PREVIOUS,
    NO_SPEECH,
    NO_TIMESTAMPS,
)

#: Timestamps from 0.00 s to 30.00 s in steps of 20 ms.
TIMESTAMPS = tuple(f"<|{step * 0.02:.2f}|>" for step in range(1501))


def build_tokenizer(corpus: Corpus) -> "Tokenizer":
    """Train the tokenizer; BPE merges until every word, with its leading space, is a single token."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    lines = [f" {word}" for word in corpus.vocabulary] * 3
    lines += [f" {word.capitalize()}" for word in corpus.starters] * 2
    lines += [f" {word}" for word in sorted(PROPER | {"Captain"})] * 2
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=4000, min_frequency=1, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    for names in (SPECIAL, TIMESTAMPS):
        tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    return tokenizer


class WordTokens:
    """Token numbers of words and marks, looked up once per written form."""

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path))
        self.size: int = self._tokenizer.get_vocab_size()
        self.end, self.start = self._id(END), self._id(START)
        self.previous, self.no_speech = self._id(PREVIOUS), self._id(NO_SPEECH)
        self.no_timestamps = self._id(NO_TIMESTAMPS)
        self.first_timestamp = self.no_timestamps + 1
        self._known: dict[str, tuple[list[int], list[int]]] = {}

    def _id(self, name: str) -> int:
        number: int | None = self._tokenizer.token_to_id(name)
        if number is None:
            raise ValueError(f"the tokenizer has no {name}")
        return number

    def encode(self, written: str) -> tuple[list[int], list[int]]:
        """Tokens of a written word and of the punctuation after it."""
        if written not in self._known:
            word = written.rstrip(".,?")
            mark = written[len(word) :]
            ids = self._tokenizer.encode(f" {word}").ids
            self._known[written] = (ids, self._tokenizer.encode(mark).ids if mark else [])
        return self._known[written]

    def timestamp(self, frame: int) -> int:
        """Timestamp token of a 20 ms encoder frame."""
        return self.first_timestamp + max(0, min(frame, len(TIMESTAMPS) - 1))

    def is_single(self, word: str) -> bool:
        """True when a word (normalised) is one token."""
        return len(self.encode(normalise(word))[0]) == 1
