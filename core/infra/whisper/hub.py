"""The model hub: what a repository holds, and fetching one file of it so that an interrupted fetch goes on later.

`huggingface_hub.snapshot_download` throws away the half of a file that had come when the process ended; with models of
gigabytes that is too much to lose. So the files are fetched one by one with the same client's `http_get`, which starts
where the part on disk ends, and are checked against the hub's hashes here.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any

from core.errors import DiskFullError, ModelDownloadError, ModelNotDownloadedError, UnknownModelError
from core.infra.whisper.files import WANTED_FILES

#: Called with the bytes that have come of the file so far.
OnBytes = Callable[[int], None]
_CHUNK = 1 << 20
#: How long one answer of the hub about a repository may take.
_INFO_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HubFile:
    """A file of a repository."""

    name: str
    size: int
    #: ``"sha256"`` for large files, ``"git"`` (SHA-1 over git's blob header and the content) for small ones.
    hash_kind: str
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HubRepository:
    """A model repository at one revision."""

    repo_id: str
    revision: str
    files: tuple[HubFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files that are fetched."""
        return sum(file.size for file in self.files)


class Hub:
    """The hub as far as models need it.

    Args:
        endpoint: Its address; None for the usual one (or what HF_ENDPOINT says).
    """

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint

    def repository(self, repo_id: str) -> HubRepository:
        """What is in a repository now.

        Raises:
            UnknownModelError: There is no such repository.
            ModelNotDownloadedError: The hub cannot be reached.
            ModelDownloadError: The hub refuses, or answers with an error.
        """
        from huggingface_hub import HfApi

        with _hub_errors(repo_id, reaching=True):
            info = HfApi(endpoint=self._endpoint).model_info(
                repo_id, files_metadata=True, timeout=_INFO_SECONDS, token=_token()
            )
        siblings = [item for item in info.siblings or () if any(fnmatch(item.rfilename, w) for w in WANTED_FILES)]
        files = tuple(
            HubFile(
                name=item.rfilename,
                size=item.size or 0,
                hash_kind="sha256" if item.lfs else "git",
                hash=item.lfs.sha256 if item.lfs else item.blob_id or "",
            )
            for item in siblings
        )
        if not any(file.name == "model.bin" for file in files):
            raise ModelDownloadError(
                f"{repo_id} is not a CTranslate2 model: it has no model.bin. Look for a conversion of it on the hub "
                '(often called "faster-whisper-...").'
            )
        return HubRepository(repo_id=repo_id, revision=info.sha or "main", files=files)

    def fetch(self, repository: HubRepository, file: HubFile, folder: Path, on_bytes: OnBytes) -> None:
        """Fetches a file into a folder; does nothing if it is there and right. What has come of it when the fetch is
        broken off stays as a ``.part`` file and is used the next time.

        Raises:
            ModelDownloadError: The connection or the hub failed, or the content is not what the hub says it is.
            DiskFullError: No room.
        """
        target = folder / file.name
        if target.is_file() and target.stat().st_size == file.size and _hash(target, file) == file.hash:
            on_bytes(file.size)
            return
        part = folder / f"{file.name}.{file.hash[:12]}.part"
        if part.is_file() and part.stat().st_size > file.size:
            part.unlink()
        self._get(repository, file, part, on_bytes)
        if _hash(part, file) != file.hash:
            part.unlink()
            raise ModelDownloadError(
                f"{file.name} of {repository.repo_id} arrived damaged and was thrown away. Try again."
            )
        os.replace(part, target)

    def _get(self, repository: HubRepository, file: HubFile, part: Path, on_bytes: OnBytes) -> None:
        from huggingface_hub import hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented, not listed
        from huggingface_hub.utils.tqdm import silent_tqdm

        url = hf_hub_url(repository.repo_id, file.name, revision=repository.revision, endpoint=self._endpoint)
        with part.open("ab") as handle, _hub_errors(repository.repo_id, reaching=False):
            http_get(
                url,
                _Counted(handle, on_bytes),  # type: ignore[arg-type]  # it has what http_get uses of a file
                resume_size=handle.tell(),
                headers=build_hf_headers(token=_token()),
                expected_size=file.size,
                displayed_filename=file.name,
                tqdm_class=silent_tqdm,
            )


class _Counted:
    """A file that says how far it has grown."""

    def __init__(self, handle: IO[bytes], on_bytes: OnBytes) -> None:
        self._handle, self._on_bytes = handle, on_bytes

    def write(self, data: bytes) -> int:
        written = self._handle.write(data)
        self._on_bytes(self._handle.tell())
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)


def _token() -> str | bool:
    """The user's token, from the environment only; False keeps the client from looking for one elsewhere."""
    return os.environ.get("HF_TOKEN", "").strip() or False


def _hash(path: Path, file: HubFile) -> str:
    digest = hashlib.sha256() if file.hash_kind == "sha256" else hashlib.sha1(usedforsecurity=False)
    if file.hash_kind == "git":
        digest.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _hub_errors(repo_id: str, *, reaching: bool) -> Iterator[None]:
    """Turns the client's errors into ours. Their text can hold addresses with signatures, so it is not passed on."""
    from huggingface_hub.errors import (  # type: ignore[attr-defined]  # the client's base error, re-exported there
        GatedRepoError,
        HfHubHTTPError,
        HTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise ModelDownloadError(
            f"{repo_id} asks you to accept its terms first: do so on its page on the hub, then set HF_TOKEN to a token "
            "of your account."
        ) from error
    except RepositoryNotFoundError as error:
        raise UnknownModelError(
            f"The hub has no model {repo_id}, or it is private: check the name, or set HF_TOKEN to a token that may "
            "read it."
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise ModelDownloadError(
                f"The hub refuses access to {repo_id}: check the name, or set HF_TOKEN to a token that may read it."
            ) from error
        raise ModelDownloadError(f"The hub answered with error {status} for {repo_id}. Try again later.") from error
    except (HTTPError, OfflineModeIsEnabled, ConnectionError, TimeoutError) as error:
        if reaching:
            raise ModelNotDownloadedError(f"{repo_id} cannot be looked up: the model hub cannot be reached.") from error
        raise ModelDownloadError(
            f"The connection broke while {repo_id} was downloaded. What has come is kept; try again to go on."
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError("The disk is full. Make room and try again; what has come is kept.") from error
        raise ModelDownloadError(
            f"The download of {repo_id} ended too early. What has come is kept; try again to go on."
        ) from error
