"""The same transcription for a whole project."""

from __future__ import annotations

from collections.abc import Iterator

from core.services.library import LibraryService
from core.services.records import RecordingRecord
from core.services.transcription import TranscriptionService
from core.speech.config import TranscriptionConfig

_PAGE = 200


def transcribe_all(
    library: LibraryService, transcription: TranscriptionService, project_id: int, config: TranscriptionConfig, *,
    request_id: str = "",
) -> int:  # fmt: skip
    """Asks for a transcription of every recording of a project that has no complete one and none under way, in their
    order.

    Returns:
        How many were asked for.

    Raises:
        NotFoundError: There is no such project.
        UnknownModelError, ValidationFailedError: The config cannot be used.
        QueueFullError: Too many jobs wait; those asked for before stay in the queue.
    """
    transcription.validate(config)
    library.get_project(project_id)
    asked = 0
    for recording in _recordings(library, project_id):
        if recording.job_state in ("queued", "running", "completed"):
            continue
        transcription.submit(recording.id, config, request_id=request_id)
        asked += 1
    return asked


def _recordings(library: LibraryService, project_id: int) -> Iterator[RecordingRecord]:
    offset = 0
    while True:
        page = library.list_recordings(project_id=project_id, limit=_PAGE, offset=offset)
        yield from page.items
        offset += len(page.items)
        if not page.items or offset >= page.total:
            return
