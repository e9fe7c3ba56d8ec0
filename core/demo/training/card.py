"""The model card: everything in it that is a figure comes from the evaluation's JSON."""

from typing import Any

_MODES = ("accurate", "fast")

_CARD = """\
# Readback's embedded model

A very small Whisper that ships with the app, so that the sample project, the tests and a first look work at once, with
no download and no network. **It knows {known_words} English words and nothing else.** Whatever is said, it answers with
those words. It was trained on synthetic voices only and has never heard a person. For real recordings choose a real
model on the Models page: `small` to try, `large-v3-turbo` for speed, `large-v3` for accuracy.

| | |
|---|---|
| Format | CTranslate2, int8; loads in faster-whisper like any other Whisper folder |
| Size | {size_mb} MB in all, {parameters} parameters (width 192, 3 heads, 4 encoder and 3 decoder layers) |
| Language | English (English-only prompt format; timestamps and word timestamps work) |
| Windows | trained on up to 10 s of speech (`chunk_length` 10) |
| Loading | {load_s} s |
| Vocabulary | every word of `training/data/sentences.txt`: {known_words} words |

## How well it does

Measured with faster-whisper on the CPU, beam size 5, temperature 0, one thread on two cores of a shared x86 server, on
recordings of about a minute cut into windows as the app cuts them. *Accurate* and *fast* are the app's two modes. Each
row is {readings} readings of {held_out_sentences} held-out sentences (the last row: as many readings drawn from the
{written_sentences} written training sentences), every reading in a voice, rate and pitch of its own.

| Set | Mode | Words | Word error rate | Repeated words kept | Word start, median / 95 % | Real-time factor |
|---|---|---|---|---|---|---|
{rows}

A repeated word counts as kept when it is written, and right. Word starts are compared with the synthesiser's own
times, on correctly recognised words; Whisper's alignment lets a word after a pause, and the first one of a window,
begin in the pause, mostly up to 150 ms early: that is what the 95 % column shows. The real-time factor is decoding time
over duration on a busy machine; it varies from run to run.

**New sentences** are made of known words, but were never trained on: no training sentence of this repository's recipe
shares {overlap_words} words in a row with any of them. **New voices** are eSpeak NG speaker variants that were never
trained on under any accent ({held_out_voices}); they come from the same synthesiser, so this says nothing about human
voices. The sample narration consists of *trained* sentences, read with retakes.

## What it cannot do

* Words outside its vocabulary, other languages, real voices, music, crosstalk, strong noise or room echo.
* Whisper's language detection and translation: there is one language and one task.
* Words that sound alike: `their`/`there` and `tide`/`tied` are told apart by context only.
* Long windows: it was trained on 10 s at most and is set to that length.

## Where it comes from

Made from nothing but this repository's text and free speech synthesisers; no other recogniser's weights.
Text: {written_sentences} sentences written for this, and new ones over the same words (grammar, bigram chains, spliced
pieces, word lists). Sound: eSpeak NG, {accents} English accents and {voices} speaker variants
at random rate and pitch.
These weights were:

{lineage}

Make it again, or train it on, with `python -m core.demo.training`; see `core/demo/training/README.md`. Licence: as the
rest of the repository.
"""


def _row(description: str, mode: str, figures: dict[str, Any]) -> str:
    kept = f"{figures['repeated_words_kept']} of {figures['repeated_words']}" if figures["repeated_words"] else "-"
    return (
        f"| {description} | {mode} | {figures['words']} | {figures['wer_percent']} % | {kept} "
        f"| {figures['start_error_median_ms']} / {figures['start_error_p95_ms']} ms | {figures['real_time_factor']} |"
    )


def model_card(figures: dict[str, Any], lineage: str) -> str:
    """The card for `figures` (see `evaluate`); `lineage` tells how these weights were trained."""
    from core.demo.training.voices import ACCENTS, HELD_OUT_VARIANTS, VARIANTS

    rows = [
        _row(results["description"], mode, results[mode]) for results in figures["sets"].values() for mode in _MODES
    ]
    return _CARD.format(
        **{name: value for name, value in figures.items() if name != "sets"},
        parameters="4.8 million",
        rows="\n".join(rows),
        held_out_voices=", ".join(HELD_OUT_VARIANTS),
        accents=len(set(ACCENTS)),
        voices=len(set(VARIANTS)),
        lineage=lineage.strip(),
    )
