"""E2: one source of truth for model names."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import UnknownModelError
from core.infra.whisper.catalogue import EMBEDDED_FOLDER, Catalogue, embedded_spec, is_hub_id
from core.infra.whisper.families import ALIASES, FAMILY


def test_the_family_is_the_one_faster_whisper_knows() -> None:
    from faster_whisper.utils import _MODELS

    ours = {spec.name: spec.repo_id for spec in FAMILY}
    ours |= {alias: ours[name] for alias, name in ALIASES.items()}
    assert ours == _MODELS


def test_every_model_says_what_a_user_must_know() -> None:
    for spec in Catalogue().list():
        assert spec.title
        assert spec.description.endswith(".")
        assert spec.size_bytes
        assert spec.memory_bytes
        assert spec.languages in ("en", "multilingual")
        assert (spec.repo_id is None) != (spec.folder is None)
        if spec.name.endswith(".en") or spec.name.startswith("distil"):
            assert spec.english_only


def test_the_embedded_model_comes_first_and_says_what_it_cannot() -> None:
    spec = Catalogue().list()[0]
    assert spec == embedded_spec()
    assert spec.folder == str(EMBEDDED_FOLDER)
    assert "vocabulary of the sample" in spec.warning
    assert spec.english_only


@pytest.mark.parametrize("name", [*(spec.name for spec in FAMILY), *ALIASES, "demo", " small "])
def test_every_name_resolves_to_itself(name: str) -> None:
    assert Catalogue().resolve(name).name == name.strip()


def test_an_alias_is_the_same_model() -> None:
    catalogue = Catalogue()
    assert catalogue.resolve("turbo").repo_id == catalogue.resolve("large-v3-turbo").repo_id


def test_a_hub_id_resolves_without_asking_the_hub() -> None:
    spec = Catalogue().resolve("someone/some-model.ct2")
    assert (spec.kind, spec.repo_id, spec.languages) == ("hub", "someone/some-model.ct2", "unknown")


def test_a_folder_resolves_and_its_languages_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = Catalogue().resolve(str(EMBEDDED_FOLDER))
    assert (spec.kind, spec.languages, spec.folder) == ("folder", "en", str(EMBEDDED_FOLDER))
    monkeypatch.chdir(EMBEDDED_FOLDER.parent)
    assert Catalogue().resolve("./model").folder == str(EMBEDDED_FOLDER)
    os.mkdir(tmp_path / "small")
    monkeypatch.chdir(tmp_path)
    assert Catalogue().resolve("small").kind == "family"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("lage-v3", "large-v3"), ("smal", "small"), ("Turbo", "turbo"), ("demmo", "demo"), ("mine-2", "mine")],
)
def test_an_unknown_name_suggests_close_ones(name: str, hint: str) -> None:
    catalogue = Catalogue(lambda: {"mine": ("hub", "someone/mine")})
    with pytest.raises(UnknownModelError, match=f"Did you mean .*{hint}"):
        catalogue.resolve(name)


@pytest.mark.parametrize("name", ["", "zzzzzz", "a/b/c", "/no/such/folder", "../nothing", "white space/x"])
def test_nonsense_is_refused(name: str) -> None:
    with pytest.raises(UnknownModelError):
        Catalogue().resolve(name)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_resolves_or_is_refused(name: str) -> None:
    try:
        spec = Catalogue().resolve(name)
    except UnknownModelError:
        return
    assert spec.name == name.strip()
    assert spec.folder or is_hub_id(spec.repo_id or "")


def test_names_the_user_added_are_asked_for_anew() -> None:
    added: dict[str, tuple[str, str]] = {}
    catalogue = Catalogue(lambda: added)
    with pytest.raises(UnknownModelError):
        catalogue.resolve("mine")
    added["mine"] = ("folder", str(EMBEDDED_FOLDER))
    added["theirs"] = ("hub", "someone/theirs")
    assert catalogue.resolve("mine").folder == str(EMBEDDED_FOLDER)
    assert catalogue.resolve("theirs").repo_id == "someone/theirs"
    assert [spec.kind for spec in catalogue.list()[:4]] == ["embedded", "added", "added", "family"]


def test_built_in_names_are_known() -> None:
    catalogue = Catalogue(lambda: {"mine": ("hub", "a/b")})
    assert all(catalogue.is_built_in(name) for name in ("demo", "small", "turbo", "large"))
    assert not catalogue.is_built_in("mine")
