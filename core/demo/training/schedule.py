"""What is trained when: window lengths, padding, noise and rate over the run, as shares of its budget.

From scratch the encoder has to find the words first, which it does on short windows of clean speech; then windows of
up to 10 s; at last some of them padded to the 30 s that faster-whisper always sends. A warm start begins there.
"""

import math
import random
from dataclasses import dataclass

#: Mel frames of speech in one step of one process; more only makes steps slower.
_FRAMES_A_STEP = 6000
#: Longest window: 10 s, the ``chunk_length`` the model is shipped with.
LONGEST_FRAMES = 1000
#: faster-whisper pads every window to 30 s.
PADDED_FRAMES = 3000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Make-up of one batch."""

    count: int
    #: Longest window, in mel frames (10 ms).
    frames: int
    #: Fill windows up, cutting a sentence off at the end.
    fill: bool
    #: Pad with zeros to this many mel frames; None pads to the longest window only.
    padded_to: int | None
    #: 0-1, see ``WindowMaker.augmentation``.
    augmentation: float
    #: See ``Targets.corruption``.
    corruption: float


def plan_batch(done: float, source: random.Random, scale: float = 1.0) -> Plan:
    """Draw the next batch's make-up. ``done`` is the share of a from-scratch run, ``scale`` shrinks batches."""
    ramp = min(1.0, done / 0.3)
    if done < 0.21:
        frames, fill, padded = source.choice((150, 200, 300) if done < 0.07 else (300, 400, 500)), False, None
    else:
        drawn, fill, padded = source.random(), True, None
        if done > 0.57 and drawn < 0.08:
            frames, padded = LONGEST_FRAMES, PADDED_FRAMES
        elif drawn < 0.62:
            frames = LONGEST_FRAMES
        else:
            frames, fill = source.choice((120, 200, 400, 600)), False
            padded = PADDED_FRAMES // 2 if done > 0.57 and source.random() < 0.33 else None
    per_step = _FRAMES_A_STEP * scale * (0.8 if padded == PADDED_FRAMES else 1.0)
    return Plan(
        count=max(1, min(20, int(per_step / frames))),
        frames=frames,
        fill=fill,
        padded_to=padded,
        augmentation=0.5 * ramp,
        corruption=0.2 * ramp,
    )


#: Where a warm start enters the schedule of :func:`plan_batch`.
WARM_START = 0.6


def rate_at(done: float, step: int, peak: float, warm_up_steps: int) -> float:
    """Learning rate: a linear rise, then a cosine down to 2 % of ``peak``. ``done`` is the share of this run."""
    rise = min(1.0, (step + 1) / max(1, warm_up_steps))
    return peak * rise * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
