"""Signed links: of one kind, for a while, with a key of our own (C11)."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import AccessDeniedError, LinkExpiredError, StorageError
from core.infra.links import LinkSigner


def test_a_link_says_what_was_signed(tmp_path: Path) -> None:
    signer = LinkSigner(tmp_path / "new" / "link.key")
    token = signer.sign("media", recording_id=7)
    assert signer.verify("media", token, 60) == {"recording_id": 7}
    assert LinkSigner(tmp_path / "new" / "link.key").verify("media", token, 60) == {"recording_id": 7}


def test_other_kinds_other_keys_and_old_ones_are_refused(tmp_path: Path) -> None:
    signer = LinkSigner(tmp_path / "link.key")
    token = signer.sign("media", recording_id=7)
    with pytest.raises(AccessDeniedError):
        signer.verify("upload", token, 60)
    with pytest.raises(AccessDeniedError):
        LinkSigner(tmp_path / "other.key").verify("media", token, 60)
    with pytest.raises(LinkExpiredError):
        signer.verify("media", token, -1)


@given(position=st.integers(0, 60), letter=st.characters(min_codepoint=33, max_codepoint=126))
def test_any_change_is_noticed(tmp_path_factory: pytest.TempPathFactory, position: int, letter: str) -> None:
    signer = LinkSigner(tmp_path_factory.getbasetemp() / "changes.key")
    token = signer.sign("media", recording_id=7)
    position %= len(token) - 1  # the last letter has bits that mean nothing
    if token[position] != letter:
        with pytest.raises(AccessDeniedError):
            signer.verify("media", token[:position] + letter + token[position + 1 :], 60)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_its_owner_can_read_the_key(tmp_path: Path) -> None:
    LinkSigner(tmp_path / "link.key").sign("media")
    assert stat.S_IMODE(os.stat(tmp_path / "link.key").st_mode) == 0o600


def test_many_who_begin_at_once_share_one_key(tmp_path: Path) -> None:
    tokens: list[str] = []
    ready = threading.Barrier(8)

    def begin() -> None:
        ready.wait()
        tokens.append(LinkSigner(tmp_path / "link.key").sign("media", recording_id=1))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    signer = LinkSigner(tmp_path / "link.key")
    assert [signer.verify("media", token, 60)["recording_id"] for token in tokens] == [1] * 8
    assert [path.name for path in tmp_path.iterdir()] == ["link.key"]


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        LinkSigner(tmp_path / "file" / "link.key").sign("media")
