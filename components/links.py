"""Signed short-lived addresses of our own routes, the same from rerun to rerun as long as they are good for a while."""

from __future__ import annotations

from components import resources, state


def _token(name: str, subject: int, **claims: int) -> str:
    workbench = resources.workbench()
    # Half the life of a link: the browser always has at least as much again to use it.
    kept = state.cached_link(name, subject, max_age_seconds=workbench.settings.link_seconds / 2)
    if kept is None:
        kept = workbench.links.sign(name, **claims)
        state.cached_link(name, subject, kept)
    return kept


def upload_url(project_id: int) -> str:
    """Where the uploader sends files for a project."""
    return f"/files/upload?token={_token('upload', project_id, project_id=project_id)}"


def media_url(recording_id: int) -> str:
    """Where the player gets the sound of a recording."""
    return f"/files/{_token('media', recording_id, recording_id=recording_id)}"


def export_url(transcript_id: int, fmt: str) -> str:
    """Where a transcript is taken away in a format."""
    return f"/files/{_token('export', transcript_id, transcript_id=transcript_id)}/export.{fmt}"
