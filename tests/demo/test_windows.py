"""Training windows and targets: what is written is what is in the sound, where it is in the sound."""

from itertools import pairwise

import numpy as np
import pytest

from core.demo import MODEL_DIR
from core.demo.training.clips import clip_of
from core.demo.training.pool import Pool
from core.demo.training.targets import IGNORED, Labels, Targets
from core.demo.training.text import Corpus
from core.demo.training.tokenizer import WordTokens
from core.demo.training.windows import Window, WindowMaker


@pytest.fixture(scope="module")
def tokens() -> WordTokens:
    return WordTokens(MODEL_DIR / "tokenizer.json")


@pytest.fixture
def targets(tokens: WordTokens) -> Targets:
    vocabulary = Corpus().vocabulary
    words = {word: i + 1 for i, word in enumerate(vocabulary)}
    return Targets(tokens, Labels(words, {word: [1, 2] for word in vocabulary}, 2), lambda: "The old lamp.", seed=1)


def windows(pool: Pool, count: int, frames: int = 600, *, fill: bool = True) -> list[Window]:
    maker = WindowMaker(pool, seed=4)
    return [maker.draw(frames, fill) for _ in range(count)]


def test_a_clip_carries_its_words(pool: Pool) -> None:
    clip = clip_of(pool, 0)
    assert [word.written for word in clip.words] == pool.entry(0).text.split()
    assert clip.words[1].start == pytest.approx(34)
    part = clip.part(2, 5)
    assert [word.written for word in part.words] == ["keeper", "lived", "in"]
    assert part.words[0].start == pytest.approx(0, abs=0.5)
    assert part.words[-1].end <= len(part)
    slow = clip.stretched(1.5)
    assert len(slow) == pytest.approx(1.5 * len(clip), abs=1)
    assert slow.words[3].start == pytest.approx(1.5 * clip.words[3].start)
    assert clip.warped(0.95).log_mel.shape == clip.log_mel.shape


def test_a_part_may_begin_inside_the_word_before(pool: Pool) -> None:
    clip = clip_of(pool, 0)
    part = clip.part(3, 6, before=0.5)
    assert part.words[0].start == pytest.approx(15, abs=1)
    assert len(part.words) == 3


@pytest.mark.parametrize("fill", [True, False])
def test_windows_keep_to_their_length_and_order(pool: Pool, fill: bool) -> None:
    for window in windows(pool, 60, fill=fill):
        assert window.features.shape[1] == 80
        assert len(window.features) <= 600
        assert np.isfinite(window.features).all()
        words = [word for take in window.takes for word in take]
        starts = [word.start for word in words]
        assert starts == sorted(starts)
        assert all(word.end <= len(window.features) + 1 for word in words)


def test_windows_hold_retakes_and_cut_sentences(pool: Pool) -> None:
    drawn = windows(pool, 150)
    texts = [[" ".join(word.written for word in take) for take in window.takes] for window in drawn]
    again = sum(any(b.startswith(a.rstrip(".")) for a, b in pairwise(t)) for t in texts)
    assert again > 10
    assert sum(window.cut_off is not None for window in drawn) > 10
    assert any(not window.takes for window in drawn)


def test_the_same_seed_gives_the_same_windows(pool: Pool) -> None:
    for one, other in zip(windows(pool, 5), windows(pool, 5), strict=True):
        np.testing.assert_array_equal(one.features, other.features)


def test_targets_write_every_word_and_point_at_it(pool: Pool, targets: Targets, tokens: WordTokens) -> None:
    targets.corruption = 0.0
    for window in windows(pool, 40):
        example = targets.example(window)
        assert len(example.inputs) == len(example.labels) == len(example.spans)
        scored = [label for label in example.labels if label != IGNORED]
        assert scored[-1] in (tokens.end, tokens.no_speech)
        written = [ids for take in window.takes for word in take for ids in tokens.encode(word.written)[0]]
        heard = [label for label in scored if label < tokens.end]
        if window.cut_off is None:
            assert [label for label in heard if label in set(written)] == written
        first = next(i for i, label in enumerate(example.labels) if label != IGNORED)
        offered = example.inputs[first + 1 :]
        assert offered == example.labels[first : len(example.labels) - 1]  # each input is the label before it
        assert all(0 <= span.start < span.end for span in example.spans if span is not None)


def test_corrupted_input_does_not_change_what_is_asked(pool: Pool, targets: Targets, tokens: WordTokens) -> None:
    targets.corruption = 1.0
    changed = 0
    for window in windows(pool, 30):
        example = targets.example(window)
        labels = [label for label in example.labels if label != IGNORED]
        changed += example.inputs[-len(labels) + 1 :] != labels[:-1]
        assert all(token < tokens.size for token in example.inputs)
    assert changed > 5


def test_a_batch_is_padded_with_zeros(pool: Pool, targets: Targets) -> None:
    drawn = windows(pool, 4, frames=400, fill=False)
    batch = targets.batch(drawn, padded_to=3000)
    assert batch.features.shape == (4, 80, 3000)
    assert batch.word_frames.shape == (4, 1500)
    assert not batch.features[0, :, len(drawn[0].features) :].any()
    assert batch.inputs.shape == batch.labels.shape
    assert (batch.spans[:, 3] <= 1500).all()
    assert (batch.spans[:, 2] < batch.spans[:, 3]).all()
