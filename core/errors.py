"""Every error a user can meet, in one tree.

The message of each is fit to be shown: it says what happened and what to do about it. Anything that is not a
`ReadbackError` is a fault of ours and is shown as "something went wrong" with a log reference.

::

    ReadbackError
    ├── InvalidInputError               what was asked for does not make sense
    │   ├── ValidationFailedError       a field is out of range (carries the field's name)
    │   └── UnsupportedFormatError      an export format that does not exist
    ├── SettingsError                   READBACK_* has a value that cannot work
    ├── NotFoundError                   the project, recording, transcript, job or model is not there
    ├── ConflictError                   the request does not fit the present state
    │   ├── IllegalTransitionError      a job cannot change from this state to that one
    │   └── LeaseLostError              a worker wrote for a job that is no longer its own
    ├── QueueFullError                  too many jobs wait already
    ├── AccessDeniedError               a signed link is wrong
    │   └── LinkExpiredError            ... or too old
    ├── MediaError                      the file cannot be used
    │   ├── EmptyMediaError             no bytes in it
    │   ├── NotMediaError               not audio or video, whatever its name says
    │   ├── NoAudioStreamError          a video without sound, or a picture
    │   ├── AudioTrackError             the audio track asked for does not exist
    │   ├── CorruptMediaError           it starts well but cannot be decoded
    │   ├── TruncatedMediaError         it ends before its own header says it should
    │   ├── SilentMediaError            there is nothing to hear
    │   ├── MediaTooLargeError          over the limit in bytes
    │   ├── MediaTooLongError           over the limit in duration
    │   └── MediaTimeoutError           decoding took longer than it may (or needed too much memory)
    ├── StorageError                    the place where we keep things
    │   ├── DiskFullError               no room left
    │   ├── MediaMissingError           a stored file has gone
    │   └── DatabaseError               the database cannot be reached, or is not at the right version
    ├── ModelError                      speech models
    │   ├── UnknownModelError           no such name in the catalogue
    │   ├── ModelNotDownloadedError     known, but not on this machine and the hub cannot be reached
    │   ├── ModelDownloadError          the download failed
    │   ├── ModelFilesError             the folder is not a usable CTranslate2 model
    │   └── OutOfMemoryError            it does not fit, even with a smaller batch
    ├── MissingExtraError               a feature whose optional packages are not installed
    └── JobCancelledError               the user stopped the job; what was done is kept
"""

from __future__ import annotations


class ReadbackError(Exception):
    """Base of all errors whose message may be shown to the user.

    Args:
        message: One or two sentences in the user's words: what happened, what to do.
    """

    #: Short stable name for programs (API error codes, the `error_code` of a job).
    code = "error"
    #: HTTP status an edge answers with.
    http_status = 500
    #: Exit status of the command line.
    exit_code = 1
    #: Whether trying the same thing again later can help without the user changing anything.
    retryable = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInputError(ReadbackError):
    """What was asked for does not make sense."""

    code, http_status, exit_code = "invalid_input", 422, 2


class ValidationFailedError(InvalidInputError):
    """A field has a value that is not allowed.

    Args:
        field: Name of the field as the user knows it.
        message: What is wrong with it.
    """

    code = "validation_failed"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class UnsupportedFormatError(InvalidInputError):
    """An export format that does not exist."""

    code = "unsupported_format"


class SettingsError(ReadbackError):
    """A setting (READBACK_*) has a value that cannot work."""

    code, exit_code = "settings", 2


class NotFoundError(ReadbackError):
    """The project, recording, transcript, job or model asked for is not there (or no longer)."""

    code, http_status, exit_code = "not_found", 404, 4


class ConflictError(ReadbackError):
    """The request does not fit the present state of what it is about."""

    code, http_status = "conflict", 409


class IllegalTransitionError(ConflictError):
    """A job cannot go from its present state to the one asked for."""

    code = "illegal_transition"


class LeaseLostError(ConflictError):
    """A worker tried to write for a job that was taken from it; it must drop the job at once."""

    code = "lease_lost"


class QueueFullError(ReadbackError):
    """The queue has its limit of waiting jobs."""

    code, http_status, exit_code, retryable = "queue_full", 429, 5, True


class AccessDeniedError(ReadbackError):
    """A link whose signature is not ours."""

    code, http_status = "access_denied", 403


class LinkExpiredError(AccessDeniedError):
    """A signed link that is too old."""

    code = "link_expired"


class MediaError(ReadbackError):
    """The file cannot be used as a recording."""

    code, http_status, exit_code = "media", 422, 3


class EmptyMediaError(MediaError):
    """The file has no bytes."""

    code = "media_empty"


class NotMediaError(MediaError):
    """The content is not audio or video, whatever its name says."""

    code, http_status = "media_unknown_type", 415


class NoAudioStreamError(MediaError):
    """A video without sound, or a picture."""

    code = "media_no_audio"


class AudioTrackError(MediaError):
    """The audio track asked for is not in the file."""

    code = "media_audio_track"


class CorruptMediaError(MediaError):
    """The file starts well but cannot be decoded."""

    code = "media_corrupt"


class TruncatedMediaError(MediaError):
    """The file ends before its own header says it should."""

    code = "media_truncated"


class SilentMediaError(MediaError):
    """There is nothing to hear in it."""

    code = "media_silent"


class MediaTooLargeError(MediaError):
    """More bytes than allowed."""

    code, http_status = "media_too_large", 413


class MediaTooLongError(MediaError):
    """A longer duration than allowed."""

    code, http_status = "media_too_long", 413


class MediaTimeoutError(MediaError):
    """Reading the file used more time or memory than it may."""

    code = "media_limits"


class StorageError(ReadbackError):
    """The place where recordings and results are kept failed."""

    code, exit_code = "storage", 6


class DiskFullError(StorageError):
    """No room left on the disk of the data folder."""

    code, http_status = "disk_full", 507


class MediaMissingError(StorageError):
    """A file that was stored is no longer there."""

    code, http_status = "media_missing", 410


class DatabaseError(StorageError):
    """The database cannot be reached, or its tables are not at this program's version."""

    code, http_status, retryable = "database", 503, True


class ModelError(ReadbackError):
    """Something about a speech model."""

    code, exit_code = "model", 7


class UnknownModelError(ModelError):
    """No such name in the catalogue."""

    code, http_status = "model_unknown", 404


class ModelNotDownloadedError(ModelError):
    """The model is known but not on this machine, and it may not or cannot be fetched now."""

    code, http_status = "model_not_downloaded", 503


class ModelDownloadError(ModelError):
    """The download failed; what had come is kept and the next try resumes."""

    code, http_status, retryable = "model_download", 502, True


class ModelFilesError(ModelError):
    """The folder is not a usable CTranslate2 Whisper model."""

    code = "model_files"


class OutOfMemoryError(ModelError):
    """The model or the batch does not fit in memory, even after trying a smaller batch."""

    code = "out_of_memory"


class MissingExtraError(ReadbackError):
    """A feature whose optional packages are not installed.

    Args:
        feature: What the user wanted, e.g. ``"Speaker diarization"``.
        extra: Name of the extra that brings it, e.g. ``"diarization"``.
    """

    code, http_status, exit_code = "missing_extra", 501, 8

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f'{feature} needs optional packages. Install them in Readback\'s folder with: pip install -e ".[{extra}]"'
        )
        self.extra = extra


class JobCancelledError(ReadbackError):
    """The user stopped the job. Not a failure: what was done is kept."""

    code, http_status, exit_code = "cancelled", 409, 130
