"""Configs, runs and what they produced."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.infra.tables.base import Base, now


class Config(Base):
    """A set of settings, stored once however often it is used."""

    __tablename__ = "configs"
    __table_args__ = (UniqueConstraint("kind", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What the settings are for, e.g. ``"transcription"``.
    kind: Mapped[str] = mapped_column(String(40))
    #: `TranscriptionConfig.fingerprint()`.
    fingerprint: Mapped[str] = mapped_column(String(64))
    params: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Run(Base):
    """One config applied to one recording."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_recording_id_config_id", "recording_id", "config_id"),
        Index("ix_runs_config_id", "config_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"))
    config_id: Mapped[int] = mapped_column(ForeignKey("configs.id", ondelete="RESTRICT"))
    #: Engine, model revision, device, compute type: what is needed to get the same result again.
    versions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: What the user should know, e.g. a vocabulary that was cut: ``[{"message": ...}]``.
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    #: Code of the language, given or detected; empty until known.
    language: Mapped[str] = mapped_column(String(8), default="")
    language_probability: Mapped[float | None]
    #: Audio done so far, and wall time spent on it over all attempts: their ratio is the real-time factor.
    audio_ms: Mapped[int] = mapped_column(default=0)
    wall_ms: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class TranscriptRow(Base):
    """A version of a recording's transcript: the recognizer's, or a later edited one."""

    __tablename__ = "transcripts"
    __table_args__ = (
        Index("ix_transcripts_recording_id_created_at", "recording_id", "created_at"),
        Index("ix_transcripts_run_id", "run_id"),
        Index("ix_transcripts_parent_id", "parent_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    #: The version this one was made from.
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("transcripts.id", ondelete="SET NULL"))
    #: ``"engine"``, or who edited it.
    author: Mapped[str] = mapped_column(String(200), default="engine")
    language: Mapped[str] = mapped_column(String(8), default="")
    #: False while segments still arrive, or if the run was stopped before its end.
    complete: Mapped[bool] = mapped_column(default=False)
    #: The recording is transcribed up to here.
    done_ms: Mapped[int] = mapped_column(default=0)
    word_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)


class SegmentRow(Base):
    """One segment; its words are packed in one blob (see `core.speech.packing`)."""

    __tablename__ = "segments"
    __table_args__ = (
        UniqueConstraint("transcript_id", "position"),
        Index("ix_segments_transcript_id_start_ms", "transcript_id", "start_ms"),
        CheckConstraint("end_ms >= start_ms", name="times"),
    )

    # SQLite only numbers rows by itself for a plain INTEGER key; it holds 64 bits there anyway.
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    transcript_id: Mapped[int] = mapped_column(ForeignKey("transcripts.id", ondelete="CASCADE"))
    #: Place within the transcript, from 0.
    position: Mapped[int]
    start_ms: Mapped[int]
    end_ms: Mapped[int]
    text: Mapped[str]
    words: Mapped[bytes] = mapped_column(LargeBinary)
    avg_logprob: Mapped[float] = mapped_column(default=0.0)
    no_speech_probability: Mapped[float] = mapped_column(default=0.0)
    compression_ratio: Mapped[float] = mapped_column(default=0.0)
