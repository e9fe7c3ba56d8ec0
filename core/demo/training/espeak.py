"""eSpeak NG through ctypes: speech together with the exact start of every word.

The command line program gives sound only. The library reports an event at each word it starts, which is where the
exact word times come from that everything else here is trained on and measured against. Word events precede the
audible onset by about 14 ms for voiced sounds and 55 ms for p, t, k (the closure belongs to the word).
"""

import ctypes
import ctypes.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.demo.training.errors import MissingToolError, TrainingError

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_EVENT_LIST_END, _EVENT_WORD = 0, 1
_RATE, _PITCH, _RANGE, _WORD_GAP = 1, 3, 4, 7
_PHONEME_SEPARATOR = ord("_") << 8

INSTALL_HINT = "eSpeak NG is missing: install the packages espeak-ng and libespeak-ng1 (Debian, Ubuntu) and try again."


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How a sentence is spoken."""

    #: eSpeak voice, with its variant after a plus: ``en-us+f2``.
    name: str = "en-us"
    #: Speaking rate in words a minute.
    rate: int = 165
    #: Base pitch, 0-100.
    pitch: int = 50
    #: Pitch range, 0-100; 0 is monotone.
    pitch_range: int = 50
    #: Extra pause between words, in units of 10 ms at the default rate.
    word_gap: int = 0


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """Spoken sentence: samples in -1..1 and the start of each whitespace-separated word."""

    samples: NDArray[np.float32]
    sample_rate: int
    #: Start of each word in seconds; the last word ends with the samples.
    starts_s: tuple[float, ...]


class Espeak:
    """The eSpeak NG library. It keeps global state: use one object per process."""

    def __init__(self) -> None:
        path = ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1"
        try:
            self._lib = ctypes.CDLL(path)
        except OSError as error:
            raise MissingToolError(INSTALL_HINT) from error
        self.sample_rate = int(self._lib.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, None, 0))
        if self.sample_rate <= 0:
            raise MissingToolError("eSpeak NG found no voice data: install the package espeak-ng-data and try again.")
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._blocks: list[NDArray[np.int16]] = []
        self._words: dict[int, float] = {}
        self._callback = _Callback(self._receive)  # kept: ctypes does not hold a reference for the library
        self._lib.espeak_SetSynthCallback(self._callback)
        self._voice_name = ""

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_LIST_END:
            event = events[index]
            if event.type == _EVENT_WORD:
                self._words.setdefault(event.text_position - 1, event.audio_position / 1000)
            index += 1
        return 0

    def _use(self, name: str) -> None:
        if name != self._voice_name:
            if self._lib.espeak_SetVoiceByName(name.encode()) != 0:
                raise TrainingError(f"eSpeak NG has no voice {name!r}.")
            self._voice_name = name

    def speak(self, sentence: str, voice: Voice) -> Utterance:
        """Speak one ASCII sentence of words separated by single spaces."""
        self._use(voice.name)
        settings = (
            (_RATE, voice.rate),
            (_PITCH, voice.pitch),
            (_RANGE, voice.pitch_range),
            (_WORD_GAP, voice.word_gap),
        )
        for parameter, value in settings:
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._blocks, self._words = [], {}
        data = sentence.encode("ascii")
        self._lib.espeak_Synth(data, len(data) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        self._lib.espeak_Synchronize()
        samples = np.concatenate(self._blocks).astype(np.float32) / 32768
        starts = word_starts(sentence.split(), self._words, len(samples) / self.sample_rate)
        return Utterance(samples=samples, sample_rate=self.sample_rate, starts_s=starts)

    def phonemes(self, word: str, voice_name: str = "en-us") -> list[str]:
        """Phoneme names of one word, stress marks removed; a training aid, not a transcription."""
        self._use(voice_name)
        text = ctypes.c_char_p(word.encode("ascii"))
        result = self._lib.espeak_TextToPhonemes(ctypes.byref(text), _CHARS_UTF8, _PHONEME_SEPARATOR)
        names = (name.strip("',%=_: ") for name in result.decode("utf-8").split("_"))
        return [name for name in names if name]


def word_starts(words: Sequence[str], events: dict[int, float], duration_s: float) -> tuple[float, ...]:
    """Give every word a start from events keyed by character position.

    Multi-word dictionary entries ("of the") raise one event for several words (2.6 % of words); their stretch is
    shared out by letters.
    """
    starts: list[float | None] = []
    position = 0
    for word in words:
        starts.append(events.get(position))
        position += len(word) + 1
    if starts and starts[0] is None:
        starts[0] = 0.0
    known = [i for i, start in enumerate(starts) if start is not None]
    result: list[float] = []
    for i, after in zip(known, [*known[1:], len(words)], strict=True):
        begin = starts[i]
        end = starts[after] if after < len(words) else duration_s
        assert begin is not None
        assert end is not None
        letters = [len(word) for word in words[i:after]]
        result += [begin + (end - begin) * sum(letters[:k]) / sum(letters) for k in range(len(letters))]
    return tuple(result)
