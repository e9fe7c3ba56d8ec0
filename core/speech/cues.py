"""Subtitle cues: segments cut to what fits on a screen, with the times of their words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from core.speech.transcript import Segment, Word

#: What broadcasters' subtitle guides agree on: two lines of 42 characters.
MAX_LINES = 2
MAX_LINE_CHARACTERS = 42
#: A pause this long inside a segment ends the cue: the text would otherwise stand before it is spoken.
_PAUSE_MS = 1_000
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "۔", "।")
_CLOSING = "\"'”’»)]」』"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cue:
    """One subtitle: what is shown from `start_ms` until `end_ms` (always later)."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def cues(segments: Iterable[Segment]) -> Iterator[Cue]:
    """Cuts segments into cues of at most two lines of 42 characters.

    Cues break at pauses, where the lines are full, and, once half full, at ends of sentences. They never overlap: one
    that would is shortened, or the next one begins later. No text is lost or added, except that white space becomes
    single spaces and control characters go. Holds one segment in memory at a time.
    """
    waiting: Cue | None = None
    for segment in segments:
        for cue in _cut(segment):
            if waiting is None:
                waiting = cue
                continue
            if cue.start_ms > waiting.start_ms:
                waiting = replace(waiting, end_ms=min(waiting.end_ms, cue.start_ms))
            yield waiting
            start_ms = max(cue.start_ms, waiting.end_ms)
            waiting = replace(cue, start_ms=start_ms, end_ms=max(cue.end_ms, start_ms + 1))
    if waiting is not None:
        yield waiting


def clean(text: str) -> str:
    """Text on one line: white space as single spaces, without control characters."""
    visible = "".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cs"))
    return " ".join(visible.split())


def _cut(segment: Segment) -> Iterator[Cue]:
    pending: list[Word] = []
    lines: list[str] = []
    for word in _pieces(segment):
        grown = _add(lines, word)
        if pending and (len(grown) > MAX_LINES or _breaks_between(pending[-1], word, lines)):
            yield _cue(pending, lines)
            pending, grown = [], _add([], word)
        pending.append(word)
        lines = grown
    if pending:
        yield _cue(pending, lines)


def _pieces(segment: Segment) -> Iterator[Word]:
    """The words, cleaned, none longer than a line."""
    for word in segment.words or _guessed_words(segment):
        text = clean(word.text)
        if not text:
            continue
        parts = list(_chop(text))
        whole_ms, done = word.end_ms - word.start_ms, 0
        for number, part in enumerate(parts):
            start_ms = word.start_ms + whole_ms * done // len(text)
            done += len(part)
            end_ms = word.start_ms + whole_ms * done // len(text)
            yield replace(
                word, text=part, start_ms=start_ms, end_ms=end_ms, space_before=word.space_before and number == 0
            )


def _guessed_words(segment: Segment) -> Iterator[Word]:
    """For segments without word times: time shared out by letters."""
    texts = clean(segment.text).split(" ")
    letters = sum(map(len, texts)) or 1
    whole_ms, done = segment.end_ms - segment.start_ms, 0
    for text in texts:
        start_ms = segment.start_ms + whole_ms * done // letters
        done += len(text)
        yield Word(text=text, start_ms=start_ms, end_ms=segment.start_ms + whole_ms * done // letters, probability=0.0)


def _chop(text: str) -> Iterator[str]:
    while len(text) > MAX_LINE_CHARACTERS:
        at = MAX_LINE_CHARACTERS
        # A letter and its accents stay together, unless there is nothing but accents.
        while at > 1 and unicodedata.category(text[at]).startswith("M"):
            at -= 1
        at = at if at > 1 else MAX_LINE_CHARACTERS
        yield text[:at].rstrip()
        text = text[at:].lstrip()
    yield text


def _add(lines: list[str], word: Word) -> list[str]:
    """The lines with one more word, filled greedily."""
    if not lines:
        return [word.text]
    longer = lines[-1] + (" " if word.space_before else "") + word.text
    return [*lines[:-1], longer] if len(longer) <= MAX_LINE_CHARACTERS else [*lines, word.text]


def _breaks_between(word: Word, following: Word, lines: list[str]) -> bool:
    # Only a cue that is half full ends with its sentence: "Yes." and "Mr." alone would just flash up.
    sentence_ends = len(lines) > 1 and word.text.rstrip(_CLOSING).endswith(_SENTENCE_ENDS)
    # Without a space the two belong together ("3.", "14"), except in scripts that have no spaces and their own stops.
    apart = following.space_before or not word.text[-1].isascii()
    return (sentence_ends and apart) or following.start_ms - word.end_ms >= _PAUSE_MS


def _cue(words: list[Word], lines: list[str]) -> Cue:
    start_ms = words[0].start_ms
    return Cue(
        start_ms=start_ms,
        end_ms=max(words[-1].end_ms, start_ms + 1),
        lines=_balanced(words) if len(lines) > 1 else tuple(lines),
    )


def _balanced(words: list[Word]) -> tuple[str, ...]:
    """Two lines as equally long as the words allow; the greedy filling has shown that some break fits."""
    best: tuple[int, tuple[str, ...]] | None = None
    for at in range(1, len(words)):
        pair = (_line(words[:at]), _line(words[at:]))
        longest = max(map(len, pair))
        # A later break at equal length: a longer first line reads better.
        if longest <= MAX_LINE_CHARACTERS and (best is None or longest <= best[0]):
            best = (longest, pair)
    assert best is not None
    return best[1]


def _line(words: list[Word]) -> str:
    return words[0].text + "".join((" " if word.space_before else "") + word.text for word in words[1:])
