"""The sample project's recordings: a narration with the retakes a narrator leaves, and a second one with pick-ups.

Everything is synthesised, so it is known to the millisecond what was said and what an editor would cut. Running this
again gives the same files.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.demo.training.errors import TrainingError
from core.demo.training.espeak import Espeak, Voice
from core.demo.training.features import FloatArray, word_ends_at
from core.demo.training.text import normalise

#: Speaks the sample: a plain accent at an unhurried rate.
VOICE = Voice(name="en-us", rate=150, pitch=45, pitch_range=55)
#: Peak of the speech, and level of the room tone under all of it, both against full scale.
_PEAK, _ROOM_TONE = 0.6, 10 ** (-66 / 20)
#: Silence before the first and after the last take, in seconds.
_LEAD_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Take:
    """One stretch of reading."""

    #: The words as read, right or wrong.
    text: str
    #: The reader breaks off after so many words; None reads to the end.
    stop: int | None = None
    #: Words (first, last) of this take that an editor cuts, counted from 0; None keeps them all.
    cut: tuple[int, int] | None = None
    #: Why they are cut, see `KINDS`.
    kind: str = ""
    #: Pause after it, in seconds.
    pause_s: float = 0.7


#: What the `kind` of a cut says.
KINDS = {
    "false_start": "broken off and begun again",
    "repeated_word": "a word said twice in one breath",
    "repeated_phrase": "some words said twice in one breath",
    "restart": "the reader goes back some words and reads on",
    "reread": "the whole sentence is read again",
    "misread": "read wrongly; a pick-up at the end replaces it",
}

#: The text that was to be read.
SCRIPT = (
    "The old keeper lived in a stone house near the harbour.",
    "Every morning he walked down to the water and looked at the boats.",
    "The wind was cold, but the light on the hills was warm and bright.",
    "One evening in autumn, a strange letter came with the post.",
    "The letter was short, and it had no name at the bottom.",
    "Watch the northern window when the moon is full.",
    "Do not open the door before midnight.",
    "The keeper read the letter again, and then he laughed.",
    "But the next day a woman arrived in a silver car.",
    "She asked about the weather, the road and the lighthouse.",
    "He answered every question, but he did not trust her smile.",
)

NARRATION = (
    Take(text=SCRIPT[0], pause_s=0.9),
    Take(text=SCRIPT[1], stop=4, cut=(0, 3), kind="false_start", pause_s=0.5),
    Take(text=SCRIPT[1], pause_s=0.8),
    Take(
        text="The wind was cold, but the the light on the hills was warm and bright.",
        cut=(5, 5),
        kind="repeated_word",
        pause_s=0.9,
    ),
    Take(
        text="One evening in autumn, a strange letter a strange letter came with the post.",
        cut=(4, 6),
        kind="repeated_phrase",
        pause_s=0.7,
    ),
    Take(
        text="The letter was long, and it had no name at the bottom.",
        cut=(0, 11),
        kind="misread",
        pause_s=1.0,
    ),
    Take(text=SCRIPT[5], cut=(0, 8), kind="reread", pause_s=0.9),
    Take(text=SCRIPT[5], pause_s=0.6),
    Take(text=SCRIPT[6], pause_s=1.1),
    Take(text=SCRIPT[7], stop=5, cut=(0, 4), kind="false_start", pause_s=0.4),
    Take(text=SCRIPT[7], stop=8, cut=(0, 7), kind="false_start", pause_s=0.6),
    Take(text=SCRIPT[7], pause_s=1.0),
    Take(text=SCRIPT[8], pause_s=0.8),
    Take(text=SCRIPT[9], stop=7, cut=(3, 6), kind="restart", pause_s=0.4),
    Take(text="the weather, the road and the lighthouse.", pause_s=0.8),
    Take(text=SCRIPT[10], pause_s=1.2),
    Take(text=SCRIPT[4], pause_s=_LEAD_S),
)

PICKUP = (
    Take(text=SCRIPT[8], pause_s=0.9),
    Take(text=SCRIPT[10], stop=3, cut=(0, 2), kind="false_start", pause_s=0.6),
    Take(text=SCRIPT[10], pause_s=_LEAD_S),
)


def perform(engine: Espeak, takes: tuple[Take, ...], voice: Voice = VOICE) -> tuple[FloatArray, dict[str, Any]]:
    """Speak the takes. Returns samples at the engine's rate and the reference that goes with them."""
    rate = engine.sample_rate
    parts: list[FloatArray] = [np.zeros(int(_LEAD_S * rate), np.float32)]
    words: list[dict[str, Any]] = []
    cuts: list[dict[str, Any]] = []
    position = len(parts[0])
    for number, take in enumerate(takes):
        spoken = engine.speak(take.text, voice)
        ends = word_ends_at(spoken.samples, rate, spoken.starts_s)
        texts, first_s = take.text.split(), position / rate
        count = take.stop or len(texts)
        length = (
            len(spoken.samples)
            if count == len(texts)
            else int(min(ends[count - 1] + 0.02, spoken.starts_s[count]) * rate)
        )
        timed = [
            {
                "word": normalise(texts[i]),
                "start_ms": round(1000 * (first_s + spoken.starts_s[i])),
                "end_ms": round(1000 * (first_s + ends[i])),
                "take": number,
            }
            for i in range(count)
        ]
        if take.cut:
            first, last = take.cut
            cuts.append({"start_ms": timed[first]["start_ms"], "end_ms": timed[last]["end_ms"], "kind": take.kind})
        words += timed
        pause = np.zeros(int(take.pause_s * rate), np.float32)
        parts += [spoken.samples[:length], pause]
        position += length + len(pause)
    samples = np.concatenate(parts)
    tone = np.random.default_rng(1).standard_normal(len(samples)).astype(np.float32)
    samples = samples * (_PEAK / float(np.abs(samples).max())) + _ROOM_TONE * tone
    reference = {"duration_ms": round(1000 * len(samples) / rate), "words": words, "takes_to_delete": cuts}
    return samples.astype(np.float32), reference


def to_int16(samples: FloatArray) -> NDArray[np.int16]:
    """Full scale -1..1 to 16 bits."""
    return np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)


def write_flac(path: Path, samples: NDArray[np.int16], rate: int) -> None:
    """Write mono 16-bit FLAC."""
    import av

    whole = samples.reshape(1, -1)
    with av.open(str(path), "w", format="flac") as file:
        stream = file.add_stream("flac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)


def write_sample(folder: Path) -> None:
    """Write both recordings, their references and the script."""
    engine = Espeak()
    folder.mkdir(parents=True, exist_ok=True)
    for name, takes in (("narration", NARRATION), ("pickup", PICKUP)):
        for take in takes:
            if take.cut and take.kind not in KINDS:
                raise TrainingError(f"a cut of {take.text!r} has no known kind")
        samples, reference = perform(engine, takes)
        write_flac(folder / f"{name}.flac", to_int16(samples), engine.sample_rate)
        target = folder / ("reference.json" if name == "narration" else f"{name}.json")
        target.write_text(json.dumps(reference, indent=1) + "\n", encoding="utf-8")
    (folder / "script.txt").write_text("\n".join(SCRIPT) + "\n", encoding="utf-8")
