"""Signed links: an address that works for a while, for one thing, without a login.

The player and the uploader of a page talk to our routes without the page's session, so their addresses carry what they
may do. The key is made at first use and never leaves the data folder.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from core.errors import AccessDeniedError, LinkExpiredError, StorageError

_KEY_BYTES = 32


class LinkSigner:
    """Signs and checks.

    Args:
        key_path: File with the key, readable by its owner only. All processes of a data folder share it.
    """

    def __init__(self, key_path: Path) -> None:
        self._path = key_path
        self._key: bytes | None = None
        self._loading = threading.Lock()

    def sign(self, kind: str, **claims: int | str) -> str:
        """A token that says what may be done, safe in an address.

        Args:
            kind: What it is for, e.g. ``"media"``; a token of one kind is worth nothing for another.
            claims: What it is about, e.g. ``recording_id=7``.
        """
        return str(self._serializer(kind).dumps(claims))

    def verify(self, kind: str, token: str, max_age_seconds: float) -> dict[str, Any]:
        """The claims of a token.

        Raises:
            LinkExpiredError: It is older than that.
            AccessDeniedError: It is not ours, or of another kind.
        """
        try:
            claims = self._serializer(kind).loads(token, max_age=max_age_seconds)  # type: ignore[arg-type]  # any number will do
        except SignatureExpired as error:
            raise LinkExpiredError("This link is too old. Reload the page to get a new one.") from error
        except BadSignature as error:
            raise AccessDeniedError("This link is not valid. Reload the page to get a new one.") from error
        if not isinstance(claims, dict):
            raise AccessDeniedError("This link is not valid. Reload the page to get a new one.")
        return claims

    def _serializer(self, kind: str) -> URLSafeTimedSerializer:
        with self._loading:
            if self._key is None:
                try:
                    self._key = _read_or_make(self._path)
                except OSError as error:
                    raise StorageError(f"The key for signed links cannot be kept: {error.strerror}.") from error
            return URLSafeTimedSerializer(self._key, salt=f"readback.{kind}")


def _read_or_make(path: Path) -> bytes:
    """The key in the file. Whoever comes first makes it: a hard link to a finished file takes the name, or does not."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_hex(_KEY_BYTES).encode())
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process was first; its key counts
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    return path.read_bytes().strip()
