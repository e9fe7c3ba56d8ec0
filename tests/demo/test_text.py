"""Training text: only known words, nothing of what is held out, the same for the same seed."""

from itertools import pairwise

import pytest

from core.demo import KNOWN_WORDS
from core.demo.training.text import MIXTURE, OVERLAP_WORDS, Corpus, Overlap, normalise, read_lines, words_of


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(seed=3)


@pytest.fixture(scope="module")
def drawn(corpus: Corpus) -> list[tuple[str, str]]:
    return [corpus.draw() for _ in range(3000)]


def test_the_vocabulary_is_as_large_as_the_app_says(corpus: Corpus) -> None:
    assert len(corpus.vocabulary) == KNOWN_WORDS


def test_held_out_sentences_use_known_words_only(corpus: Corpus) -> None:
    assert {word for line in corpus.held_out for word in words_of(line)} <= set(corpus.vocabulary)


def test_lexicon_and_grammar_use_known_words_only(corpus: Corpus) -> None:
    vocabulary, grammar = set(corpus.vocabulary), corpus.grammar
    literals = {
        part for choices in grammar.values() for parts in choices for part in parts if part.isalpha() and part.islower()
    }
    assert {word for words in corpus.lexicon.values() for word in words} <= vocabulary
    assert literals <= vocabulary
    classes = {part[1:-1] for choices in grammar.values() for parts in choices for part in parts if part[0] == "<"}
    assert classes <= set(corpus.lexicon)


def test_no_sentence_shares_a_run_of_words_with_a_held_out_one(drawn: list[tuple[str, str]], corpus: Corpus) -> None:
    def runs(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[i : i + OVERLAP_WORDS]) for i in range(len(words) - OVERLAP_WORDS + 1)}

    held_out = set().union(*(runs(words_of(line)) for line in corpus.held_out))
    assert held_out.isdisjoint(set().union(*(runs(words_of(text)) for text, _ in drawn)))
    assert {tuple(words_of(line)) for line in corpus.held_out}.isdisjoint({tuple(words_of(text)) for text, _ in drawn})


def test_written_sentences_do_not_touch_the_held_out_ones(corpus: Corpus) -> None:
    assert corpus.sentences == read_lines("sentences.txt")


def test_sentences_are_varied_and_spoken_by_known_words(drawn: list[tuple[str, str]], corpus: Corpus) -> None:
    vocabulary = set(corpus.vocabulary)
    assert {word for text, _ in drawn for word in words_of(text)} <= vocabulary
    made = [text for text, kind in drawn if kind != "script"]
    assert len(set(made)) > 0.95 * len(made)
    assert {kind for _, kind in drawn} == set(MIXTURE)
    assert all(text == text.strip() and "  " not in text and text.isascii() for text, _ in drawn)


def test_every_word_is_heard(drawn: list[tuple[str, str]], corpus: Corpus) -> None:
    heard = [word for text, _ in drawn for word in words_of(text)]
    assert min(heard.count(word) for word in corpus.vocabulary) >= 5


def test_some_sentences_repeat_words_in_one_breath(drawn: list[tuple[str, str]]) -> None:
    made = [words_of(text) for text, kind in drawn if kind == "grammar"]
    doubled = [words for words in made if any(a == b for a, b in pairwise(words))]
    assert 0.02 < len(doubled) / len(made) < 0.4


def test_the_same_seed_gives_the_same_sentences() -> None:
    first, second, other = (Corpus(seed) for seed in (5, 5, 6))
    texts = [[corpus.draw() for _ in range(20)] for corpus in (first, second, other)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_the_mixture_is_complete() -> None:
    assert sum(MIXTURE.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("words", "forbidden"),
    [
        ("a b c d e f", True),
        ("x a b c d e f y", True),
        ("b c d e f g", True),
        ("a b c d e x f g", False),
        ("short one", True),
        ("a short one here", True),
        ("short two", False),
    ],
)
def test_overlap(words: str, forbidden: bool) -> None:
    assert Overlap(["a b c d e f g", "Short one."], length=6).forbids(words.split()) is forbidden


@pytest.mark.parametrize(("written", "word"), [("Captain,", "captain"), ("end.", "end"), ("don't", "don't"), ("-", "")])
def test_normalise(written: str, word: str) -> None:
    assert normalise(written) == word
