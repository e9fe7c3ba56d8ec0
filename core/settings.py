"""All settings, validated once at start. Each is an environment variable with the prefix ``READBACK_``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pydantic_settings
from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingsError
from core.speech.config import ComputeType, Device

_MIB = 1024 * 1024
#: pydantic's kind of fault → what to say of it; its own words suit the others.
_PLAIN_WORDS = {
    "int_parsing": "it must be a whole number",
    "bool_parsing": "it must be true or false",
    "greater_than_equal": "it must be at least {ge}",
    "less_than_equal": "it must be at most {le}",
    "literal_error": "it must be one of {expected}",
}


class Settings(BaseSettings):
    """What can be set from outside. Every field has a working default; nothing secret has one."""

    model_config = SettingsConfigDict(env_prefix="READBACK_", frozen=True, extra="ignore")

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("readback", appauthor=False),
        description="Folder that holds everything the app stores: database, recordings, models, keys, logs.",
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy address of the database. Empty: an SQLite file in the data folder. "
        "PostgreSQL: postgresql+psycopg://user@host/name (needs the postgres extra).",
    )
    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=8501, ge=1, le=65535, description="Port the server listens on.")
    allowed_hosts: tuple[str, ...] = Field(
        default=("localhost", "127.0.0.1", "[::1]"),
        description="Host names the server answers to (JSON list). '*' turns the check off, for use behind a proxy "
        "that checks it.",
    )
    default_model: str = Field(default="demo", min_length=1, description="Model offered first for new transcriptions.")
    models_dir: Path | None = Field(
        default=None, description="Folder for downloaded models. Empty: 'models' in the data folder."
    )
    offline: bool = Field(default=False, description="Never contact the model hub; use only what is on this machine.")
    device: Device = Field(default="auto", description="Where models run unless a transcription says otherwise.")
    compute_type: ComputeType = Field(default="auto", description="Precision, unless a transcription says otherwise.")
    cpu_threads: int = Field(default=0, ge=0, le=256, description="Threads a model uses on the CPU. 0: one per core.")
    max_loaded_models: int = Field(default=2, ge=1, le=32, description="How many models may be in memory at once.")
    model_idle_seconds: int = Field(
        default=600, ge=0, le=86_400, description="A model nobody used for this long is unloaded. 0: at once."
    )
    workers: int = Field(
        default=1, ge=0, le=64, description="Jobs that run at the same time in this process. 0: none, for web only."
    )
    queue_limit: int = Field(default=1_000, ge=1, description="How many jobs may wait; more are refused.")
    job_max_attempts: int = Field(
        default=3, ge=1, le=20, description="How often a job is tried before it counts as failed."
    )
    job_lease_seconds: int = Field(
        default=60, ge=2, le=3_600, description="A job whose worker has been silent for this long goes to another one."
    )
    shutdown_seconds: int = Field(
        default=8, ge=1, le=600, description="How long a stopping server waits for a running window to finish."
    )
    max_upload_bytes: int = Field(
        default=8 * 1024 * _MIB, ge=_MIB, description="Largest file that may be brought in, in bytes."
    )
    max_duration_hours: int = Field(default=24, ge=1, le=240, description="Longest recording that may be brought in.")
    min_free_disk_bytes: int = Field(
        default=512 * _MIB, ge=0, description="Room to leave on the disk; imports that would go below it are refused."
    )
    decode_timeout_seconds: int = Field(
        default=3_600, ge=5, description="Longest time the reading of one file may take."
    )
    decode_memory_bytes: int = Field(
        default=1024 * _MIB, ge=256 * _MIB, description="Most memory the process that reads a file may use (Linux)."
    )
    link_seconds: int = Field(
        default=6 * 3_600, ge=30, le=7 * 86_400, description="How long a signed link to a recording stays valid."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe messages that are logged."
    )
    log_format: Literal["auto", "json", "pretty"] = Field(
        default="auto", description="Form of the log: JSON lines, or readable. Auto: readable on a terminal."
    )

    @field_validator("data_dir", "models_dir")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().resolve()

    @property
    def resolved_database_url(self) -> str:
        """The database's address, with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir / 'readback.db'}"

    @property
    def resolved_models_dir(self) -> Path:
        """The folder of downloaded models, with the default filled in."""
        return self.models_dir or self.data_dir / "models"


def load_settings() -> Settings:
    """Reads the settings from the environment.

    Raises:
        SettingsError: A value cannot be used; the message names the variable and says why.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = " ".join(
            f"READBACK_{str(item['loc'][0]).upper()} is {item['input']!r}: "
            f"{_PLAIN_WORDS.get(item['type'], item['msg']).format_map(item.get('ctx', {}))}."
            for item in error.errors()
        )
        raise SettingsError(f"The settings cannot be used. {problems}") from error
    except pydantic_settings.SettingsError as error:  # the only setting that is not one plain value
        raise SettingsError(
            "The settings cannot be used. READBACK_ALLOWED_HOSTS must be a JSON list, such as "
            '["localhost", "my-server"].'
        ) from error
