"""Training windows: several takes of speech as a narrator leaves them, pauses, restarts, noise.

Everything is put together in the log-mel domain from pooled sentences, so one sentence appears in ever new company.
Every take is a segment of its own and written verbatim: false starts and repeats are what the model must keep.
"""

import random
from dataclasses import dataclass, field

import numpy as np

from core.demo.training.clips import Clip, Noise, Word, clip_of, silence
from core.demo.training.features import LOG_FLOOR, MELS, FloatArray, normalise_log_mel
from core.demo.training.pool import Pool


@dataclass(kw_only=True)
class Window:
    """Model input and what is said in it; word times count mel frames (10 ms) from the window's start."""

    features: FloatArray
    takes: list[list[Word]]
    #: Words heard of a sentence that the window's end cuts off, with the frame it starts at; None when none is cut.
    cut_off: tuple[int, list[Word]] | None = None


@dataclass
class _Tape:
    """Pieces laid end to end."""

    pieces: list[FloatArray] = field(default_factory=list)
    takes: list[list[Word]] = field(default_factory=list)
    position: int = 0

    def pause(self, frames: float) -> None:
        count = int(frames)
        if count > 0:
            self.pieces.append(silence(count))
            self.position += count

    def speech(self, clip: Clip) -> list[Word]:
        words = [word.moved(self.position) for word in clip.words]
        self.pieces.append(clip.log_mel)
        self.position += len(clip)
        return words


class WindowMaker:
    """Draws training windows from a pool."""

    def __init__(self, pool: Pool, seed: int, augmentation: float = 0.5) -> None:
        self._pool = pool
        self._random = random.Random(seed)
        self._gauss = np.random.default_rng(seed)
        self._noise = Noise(seed)
        #: 0 is clean speech, 1 the heaviest noise, colour and warping; may be ramped from outside.
        self.augmentation = augmentation

    def draw(self, frames: int, fill: bool) -> Window:
        """A window of at most ``frames`` mel frames; ``fill`` keeps adding takes until it is nearly full."""
        if self._random.random() < 0.02:
            log_mel = silence(max(50, int(self._random.uniform(0.3, 1) * frames)))
            return Window(features=self._degrade(log_mel, voiced=False), takes=[])
        tape, cut_off = self._record(frames, fill)
        return Window(
            features=self._degrade(np.concatenate(tape.pieces), voiced=True), takes=tape.takes, cut_off=cut_off
        )

    def _record(self, frames: int, fill: bool) -> tuple[_Tape, tuple[int, list[Word]] | None]:
        source, tape, tries = self._random, _Tape(), 0
        tape.pause(source.choice((0, 0, source.uniform(0, 30), source.uniform(0, 120))))
        bend, one_voice, voice = self._bend(), source.random() < 0.6, ""
        while True:
            index = source.choice(self._pool.by_voice[voice]) if voice else source.randrange(len(self._pool))
            if one_voice:
                voice = self._pool.entry(index).voice
            clip = bend(clip_of(self._pool, index))
            takes = self._takes(clip, first=tape.position == 0)
            needed = sum(len(take) + int(gap) for take, gap in takes)
            if tape.position + needed > frames:
                if tape.takes:
                    room = frames - tape.position
                    if fill and source.random() < 0.6 and room > 30:
                        return tape, self._cut(tape, clip, room)
                    break
                tries += 1
                if tries < 25:
                    continue
                takes = [(clip.part(0, 1), 0.0)]  # nothing fits a very short window: one word of it
                tape = _Tape()
                if len(takes[0][0]) > frames:
                    continue
            for take, gap in takes:
                tape.takes.append(tape.speech(take))
                tape.pause(gap)
            pause = 0.0 if source.random() < 0.1 else source.choice((source.uniform(10, 40), source.uniform(30, 120)))
            if tape.position + int(pause) >= frames or source.random() < (0.06 if fill else 0.25):
                break
            tape.pause(pause)
        tape.pause(min(frames - tape.position, source.uniform(0, 100)))
        return tape, None

    def _bend(self):  # type: ignore[no-untyped-def]  # a closure over two numbers; its type says nothing more
        stretch = self._random.uniform(0.88, 1.15) if self._random.random() < 0.5 else 1.0
        width = 0.03 + 0.07 * self.augmentation
        warp = 1 + self._random.uniform(-width, width) if self._random.random() < 0.6 else 1.0

        def bend(clip: Clip) -> Clip:
            clip = clip.stretched(stretch) if stretch != 1 else clip
            return clip.warped(warp) if warp != 1 else clip

        return bend

    def _takes(self, clip: Clip, first: bool) -> list[tuple[Clip, float]]:
        """One sentence as a narrator may say it: clips with the pause after each, in frames."""
        source, count, kind = self._random, len(clip.words), self._random.random()
        if first and count > 3 and source.random() < 0.15:  # the window begins inside a sentence, often inside a word
            before = source.uniform(0.1, 0.6) if source.random() < 0.5 else 0.0
            return [(clip.part(source.randrange(1, count - 1), count, before), 0.0)]
        if kind < 0.14 and count > 2:  # false start, then the sentence
            return [(clip.part(0, source.randint(1, count - 1)), source.uniform(15, 90)), (clip, 0.0)]
        if kind < 0.20 and count > 3:  # goes back some words and reads on
            stop = source.randint(2, count - 1)
            back = source.randint(0, stop - 1)
            return [(clip.part(0, stop), source.uniform(8, 50)), (clip.part(back, count), 0.0)]
        if kind < 0.26:  # read twice
            return [(clip, source.uniform(15, 110)), (clip, 0.0)]
        return [(clip, 0.0)]

    def _cut(self, tape: _Tape, clip: Clip, room: int) -> tuple[int, list[Word]]:
        start = tape.position
        words = [word.moved(start) for word in clip.words if word.end <= room - 1]
        tape.speech(Clip(clip.log_mel[:room], ()))
        return start, words

    def _degrade(self, log_mel: FloatArray, voiced: bool) -> FloatArray:
        """Channel colour, noise, Whisper's clamp, level and missing bands."""
        source, amount = self._random, self.augmentation
        if source.random() < 0.5:
            bends = self._gauss.normal(0, 0.05 + 0.15 * amount, 5)
            log_mel = log_mel + np.interp(np.arange(MELS), (0, 20, 40, 60, MELS - 1), bends).astype(np.float32)
        noise = self._noise.power(len(log_mel))
        if (not voiced or source.random() < 0.25 + 0.4 * amount) and len(noise) == len(log_mel):
            power = np.power(10.0, log_mel)
            level = float(power.mean()) if voiced else 1.0
            ratio_db = source.uniform(25 - 20 * amount, 45)
            scaled = noise * (level / float(noise.mean()) * 10 ** (-ratio_db / 10))
            log_mel = np.log10(power + scaled + 1e-10).astype(np.float32)
        features = normalise_log_mel(np.maximum(log_mel, LOG_FLOOR)) + np.float32(source.uniform(-0.35, 0.2))
        if source.random() < 0.4 * amount:
            for _ in range(2):
                band = source.randrange(MELS)
                features[:, band : band + source.randint(1, 8)] = features.mean()
        return features.astype(np.float32)
