"""Takes secrets out of what is logged (B11, C11). Pure, so that it can be tested by itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

MASK = "***"

_SECRET_NAME = re.compile(r"token|secret|password|passwd|key|authorization|credential|cookie", re.IGNORECASE)
#: Names that look like secrets and are not: where files are kept, and the events' own fields.
_HARMLESS_NAMES = frozenset({"media_key", "peaks_key", "keyword", "keywords", "hotkey"})
#: Variables of the environment whose values are secrets. Not `key`: too many harmless variables have it in their names.
_SECRET_VARIABLE = re.compile(r"(token|secret|password|api_?key|_key)$", re.IGNORECASE)
#: Shorter values would mask ordinary words.
_SHORTEST_SECRET = 6

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # user:password@ in addresses, e.g. of the database
    (re.compile(r"(?P<keep>[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@", re.IGNORECASE), rf"\g<keep>:{MASK}@"),
    (re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE), rf"\g<keep>{MASK}"),
    (re.compile(r"\b(?:hf|sk|pk|ghp|gho|xox[abp])[_-][A-Za-z0-9_-]{8,}"), MASK),
    # our own signed links
    (re.compile(r"(?P<keep>/media/)[\w.~%-]{20,}"), rf"\g<keep>{MASK}"),
    # name=value and "name": "value"
    (
        re.compile(
            r"(?P<keep>\b[\w-]*(?:token|secret|password|passwd|api[_-]?key|signature)[\"']?\s*[=:]\s*[\"']?)"
            r"(?!\*\*\*)[^\s\"'&,;)}\]]+",
            re.IGNORECASE,
        ),
        rf"\g<keep>{MASK}",
    ),
    # ?key=... in addresses
    (re.compile(r"(?P<keep>[?&](?:key|sig|auth|code)=)[^\s&\"'#]+", re.IGNORECASE), rf"\g<keep>{MASK}"),
)


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values of the environment that must never be seen, longest first (one may contain another)."""
    values = {
        value for name, value in environment.items() if len(value) >= _SHORTEST_SECRET and _SECRET_VARIABLE.search(name)
    }
    return tuple(sorted(values, key=len, reverse=True))


def redact_text(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without known secrets and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any, secrets: tuple[str, ...] = (), *, name: str = "") -> Any:
    """The value without secrets, looking into mappings and lists. Numbers and None cannot be secrets.

    Args:
        value: Anything that is about to be logged.
        secrets: Exact values to mask wherever they are.
        name: Name of the field that holds it; a name such as ``api_key`` masks any text or bytes.
    """
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, Mapping):
        return {key: redact(item, secrets, name=str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, secrets, name=name) for item in value]
    if name not in _HARMLESS_NAMES and _SECRET_NAME.search(name):
        return MASK
    return redact_text(value if isinstance(value, str) else str(value), secrets)


class SecretRedactor:
    """A structlog processor; last before the renderer, so that tracebacks are text already."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._secrets = secrets_of(os.environ if environment is None else environment)

    def __call__(self, logger: object, method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 — structlog's signature
        """Masks every field."""
        return {key: redact(value, self._secrets, name=str(key)) for key, value in event.items()}
