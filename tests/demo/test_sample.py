"""The sample's script, its recordings and what is said to be in them belong together."""

import json
from pathlib import Path

import pytest

from core.demo import NARRATION_FILE, NARRATION_REFERENCE_FILE, PICKUP_FILE, PICKUP_REFERENCE_FILE, SCRIPT_FILE
from core.demo.training.sample import KINDS, NARRATION, PICKUP, SCRIPT
from core.demo.training.text import Corpus, words_of

BOTH = [(NARRATION_FILE, NARRATION_REFERENCE_FILE, NARRATION), (PICKUP_FILE, PICKUP_REFERENCE_FILE, PICKUP)]


@pytest.mark.parametrize(("recording", "reference", "takes"), BOTH, ids=["narration", "pickup"])
def test_reference_fits_the_recording(recording: Path, reference: Path, takes: tuple[object, ...]) -> None:
    import av

    content = json.loads(reference.read_text(encoding="utf-8"))
    with av.open(str(recording)) as file:
        assert file.duration is not None
        assert abs(file.duration / 1000 - content["duration_ms"]) < 5
        assert file.streams.audio[0].channels == 1
    times = [(word["start_ms"], word["end_ms"]) for word in content["words"]]
    assert times == sorted(times)
    assert all(0 < start < end < content["duration_ms"] for start, end in times)
    assert {word["take"] for word in content["words"]} == set(range(len(takes)))


@pytest.mark.parametrize(("_recording", "reference", "_takes"), BOTH, ids=["narration", "pickup"])
def test_cuts_begin_and_end_with_words(_recording: Path, reference: Path, _takes: tuple[object, ...]) -> None:
    content = json.loads(reference.read_text(encoding="utf-8"))
    starts = {word["start_ms"] for word in content["words"]}
    ends = {word["end_ms"] for word in content["words"]}
    for cut in content["takes_to_delete"]:
        assert cut["kind"] in KINDS
        assert cut["start_ms"] in starts
        assert cut["end_ms"] in ends


def test_what_is_left_after_the_cuts_is_the_script() -> None:
    content = json.loads(NARRATION_REFERENCE_FILE.read_text(encoding="utf-8"))
    cuts = [(cut["start_ms"], cut["end_ms"]) for cut in content["takes_to_delete"]]
    left = [
        word["word"] for word in content["words"] if not any(start <= word["start_ms"] < end for start, end in cuts)
    ]
    late = words_of(SCRIPT[4])  # the pick-up at the end belongs where it was misread
    in_order = [word for number, line in enumerate(SCRIPT) if number != 4 for word in words_of(line)]
    assert left == in_order + late


def test_every_kind_of_retake_is_there() -> None:
    content = json.loads(NARRATION_REFERENCE_FILE.read_text(encoding="utf-8"))
    assert {cut["kind"] for cut in content["takes_to_delete"]} == set(KINDS)


def test_the_script_is_the_one_that_was_read_in_known_words() -> None:
    assert SCRIPT_FILE.read_text(encoding="utf-8").splitlines() == list(SCRIPT)
    known = set(Corpus().vocabulary)
    assert {word for take in (*NARRATION, *PICKUP) for word in words_of(take.text)} <= known
