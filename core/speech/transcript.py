"""What a recognizer heard: words with times, grouped into segments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One recognized word."""

    #: As written, without surrounding spaces; punctuation stays attached ("harbour.").
    text: str
    #: Onset, in milliseconds from the start of the recording.
    start_ms: int
    #: Offset, in milliseconds from the start of the recording; never before `start_ms`.
    end_ms: int
    #: The recognizer's own probability for the word, 0 to 1.
    probability: float
    #: Whether a space stands before the word (false inside scripts that do not use spaces).
    space_before: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A stretch of speech the recognizer wrote in one go, usually a sentence or a part of one."""

    #: Onset, in milliseconds from the start of the recording.
    start_ms: int
    #: Offset, in milliseconds from the start of the recording.
    end_ms: int
    #: The text, trimmed.
    text: str
    #: Its words in order; empty if word times were not asked for.
    words: tuple[Word, ...] = ()
    #: Mean log probability of the segment's tokens (<= 0).
    avg_logprob: float = 0.0
    #: Probability that there is no speech here, 0 to 1.
    no_speech_probability: float = 0.0
    #: Length of the text over its zlib-compressed length; high values mean repetition.
    compression_ratio: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    """All segments of a recording, in order of time."""

    #: ISO 639-1 code of the language spoken, e.g. ``"en"``; empty while unknown.
    language: str
    #: Length of the recording in milliseconds.
    duration_ms: int
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The whole text, segments joined by spaces."""
        return " ".join(segment.text for segment in self.segments)
