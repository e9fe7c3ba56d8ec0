"""Vocabulary and prompt are cut to what a model can take."""

from hypothesis import given, settings
from hypothesis import strategies as st

from core.infra.whisper.vocabulary import fit_context


def encode(text: str) -> list[int]:
    """A token per letter."""
    return [ord(letter) for letter in text]


def test_what_fits_is_left_alone() -> None:
    context = fit_context(encode, hotwords=("Ahab", " Ishmael "), prompt="Call me.", max_tokens=100)
    assert context.hotwords == "Ahab, Ishmael"
    assert context.prompt == " Call me."
    assert context.warnings == ()


def test_nothing_gives_nothing() -> None:
    context = fit_context(encode, hotwords=("", "  "), prompt=" ", max_tokens=100)
    assert (context.hotwords, context.prompt, context.warnings) == (None, None, ())


def test_the_first_terms_and_the_last_words_stay() -> None:
    context = fit_context(encode, hotwords=("aaaa", "bbbb", "cccc"), prompt="0123456789", max_tokens=20)
    assert context.hotwords == "aaaa"
    assert context.prompt == " 0123456789"
    context = fit_context(encode, hotwords=("aaaa",), prompt="one two three four five", max_tokens=20)
    assert context.prompt == " four five"
    assert "prompt" in context.warnings[0]


@settings(deadline=None)
@given(st.lists(st.text("ab", max_size=30), max_size=30), st.text("cd ", max_size=300), st.integers(2, 200))
def test_it_always_fits_and_says_what_it_cut(terms: list[str], prompt: str, room: int) -> None:
    context = fit_context(encode, hotwords=terms, prompt=prompt, max_tokens=room)
    used = len(encode(f" {context.hotwords}")) if context.hotwords else 0
    assert used + len(encode(context.prompt or "")) <= room
    kept = context.hotwords.split(", ") if context.hotwords else []
    wanted = [term for term in terms if term]
    assert kept == wanted[: len(kept)]
    assert prompt.split()[len(prompt.split()) - len((context.prompt or "").split()) :] == (context.prompt or "").split()
    cut = kept != wanted or (context.prompt or "").strip() != prompt.strip()
    assert bool(context.warnings) == cut
