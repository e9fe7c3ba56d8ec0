"""Choices made in the app that outlive it."""

from __future__ import annotations

import structlog
from pydantic import ValidationError
from sqlalchemy.orm import Session

from core.infra.db import Database
from core.infra.tables import Preference
from core.infra.tables.base import now
from core.speech.config import TranscriptionConfig

_log = structlog.get_logger(__name__)
_TRANSCRIPTION = "transcription_defaults"


class PreferenceService:
    """See the module.

    Args:
        database: Where the choices are kept.
        default_model: The model offered first until the user chooses one.
    """

    def __init__(self, database: Database, *, default_model: str) -> None:
        self._database = database
        self._default_model = default_model

    def transcription_defaults(self) -> TranscriptionConfig:
        """The settings offered first for new transcriptions."""
        with self._database.read() as session:
            row = session.get(Preference, _TRANSCRIPTION)
        try:
            if row is not None:
                return TranscriptionConfig.model_validate(row.value)
        except ValidationError:
            # Written by another version of the program; the built-in defaults work in every one.
            _log.warning("preference_not_understood", preference=_TRANSCRIPTION)
        return TranscriptionConfig(model=self._default_model)

    def set_transcription_defaults(self, config: TranscriptionConfig) -> None:
        """Stores the settings to offer first from now on."""
        self._set(_TRANSCRIPTION, config.model_dump(mode="json"))

    def reset_transcription_defaults(self) -> None:
        """Goes back to the built-in settings."""

        def remove(session: Session) -> None:
            row = session.get(Preference, _TRANSCRIPTION)
            if row is not None:
                session.delete(row)

        self._database.run_write(remove)

    def _set(self, key: str, value: dict[str, object]) -> None:
        def write(session: Session) -> None:
            row = session.get(Preference, key)
            if row is None:
                session.add(Preference(key=key, value=value))
            else:
                row.value, row.updated_at = value, now()

        self._database.run_write(write)
