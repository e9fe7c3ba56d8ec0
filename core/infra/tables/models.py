"""Speech models the user added, and choices made in the app."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from core.infra.tables.base import Base, now


class LocalModel(Base):
    """A model the user added to the catalogue under a name of their own."""

    __tablename__ = "models"
    __table_args__ = (CheckConstraint("source IN ('folder', 'hub')", name="source"),)

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    #: ``"folder"`` or ``"hub"``.
    source: Mapped[str] = mapped_column(String(10))
    #: The folder's path, or the hub id (``owner/name``).
    location: Mapped[str] = mapped_column(String(1000))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Preference(Base):
    """A choice made on the Settings page."""

    __tablename__ = "preferences"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
