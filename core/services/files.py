"""Which stored files belong to which recordings: the rules that keep rows and files in step.

A file is there before the row that refers to it, and goes after the last one went. Moving in with the row's
transaction, and removing after a look at the rows, exclude each other by `lock_files`; otherwise a file might be
removed while a recording that needs it is being stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.infra.db import Database
from core.infra.tables import Recording
from core.ports import MediaStore

#: Any number, the same in every process: the name of the lock on PostgreSQL.
_LOCK = 7_245_021
_BATCH = 500


def media_key(sha256: str) -> str:
    """Where the original with this content is stored."""
    return f"originals/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def peaks_key(sha256: str, track: int) -> str:
    """Where the peaks of one of its tracks are stored (format version 1)."""
    return f"peaks/{sha256[:2]}/{sha256[2:4]}/{sha256}-{track}-v1"


def lock_files(session: Session) -> None:
    """Until the transaction ends, nobody else moves files in or removes them. SQLite has one writer at any time."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _LOCK})


def remove_unreferenced(database: Database, media: MediaStore, keys: Iterable[str]) -> None:
    """Removes the files of these keys, except those that a recording refers to."""
    for batch in _batches(sorted(set(keys))):

        def remove(session: Session, batch: Sequence[str] = batch) -> None:
            lock_files(session)
            hashes = {key.rsplit("/", 1)[1][:64] for key in batch}
            rows = session.execute(
                select(Recording.media_key, Recording.peaks_key).where(Recording.sha256.in_(hashes))
            )  # the index is on the hash, which both keys begin with
            needed = {key for row in rows for key in row}
            for key in batch:
                if key not in needed:
                    media.delete(key)

        database.run_write(remove)


def _batches(keys: Sequence[str]) -> Iterable[Sequence[str]]:
    return (keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH))
