"""Models from the hub, through the real client: progress, resume, verification, and what is said when it fails."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import (
    DiskFullError,
    JobCancelledError,
    ModelDownloadError,
    ModelFilesError,
    ModelNotDownloadedError,
    NotFoundError,
    UnknownModelError,
)
from core.infra.whisper.catalogue import embedded_spec, folder_spec, hub_spec
from core.infra.whisper.download import ModelStore
from core.infra.whisper.files import REVISION_FILE, fingerprint
from core.infra.whisper.hub import Hub
from tests.infra.whisper.hub_server import FakeHub, demo_files, running_hub

REPO = "someone/tiny-model"
SPEC = hub_spec(REPO, REPO)
FILES = demo_files()
WEIGHTS = len(FILES["model.bin"])


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with running_hub() as hub:
        hub.repositories[REPO] = dict(FILES)
        yield hub


@pytest.fixture
def store(hub: FakeHub, tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", hub=Hub(hub.url))


def wait_until_asked(hub: FakeHub, name: str) -> None:
    deadline = threading.Event()
    for _ in range(2_000):
        if hub.downloads(name):
            return
        deadline.wait(0.01)
    raise AssertionError(f"nobody asked for {name}")


def test_a_model_is_downloaded_checked_and_found(hub: FakeHub, store: ModelStore) -> None:
    assert store.state(SPEC) == "not downloaded"
    seen: list[tuple[int, int]] = []
    folder = store.pull(SPEC, lambda done, total: seen.append((done, total)))

    assert store.state(SPEC) == "ready"
    assert store.path(SPEC) == folder
    assert (folder / "model.bin").read_bytes() == FILES["model.bin"]
    assert not (folder / "README.md").exists()
    assert fingerprint(folder) == hub.revision
    total = sum(len(content) for name, content in FILES.items() if (folder / name).exists())
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert not list((folder.parent / ".partial").glob("someone--*/*"))


def test_a_ready_model_is_not_asked_for_again(hub: FakeHub, store: ModelStore) -> None:
    store.pull(SPEC)
    hub.requests.clear()
    store.pull(SPEC)
    store.ensure(SPEC)
    assert hub.requests == []


def test_a_cut_connection_is_resumed_within_the_download(hub: FakeHub, store: ModelStore) -> None:
    hub.cuts["model.bin"] = [WEIGHTS // 2]
    store.pull(SPEC)
    assert store.state(SPEC) == "ready"
    first, second = hub.downloads("model.bin")
    assert first == ""
    assert second.startswith("bytes=")


def test_a_broken_off_download_is_never_ready_and_goes_on_later(hub: FakeHub, store: ModelStore) -> None:
    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise JobCancelledError("stopped")

    with pytest.raises(JobCancelledError):
        store.pull(SPEC, stop)
    assert store.state(SPEC) == "not downloaded"
    with pytest.raises(ModelNotDownloadedError, match="models pull"):
        store.path(SPEC)

    store.pull(SPEC)
    assert store.state(SPEC) == "ready"
    first, second = hub.downloads("model.bin")
    assert (first, second.startswith("bytes=")) == ("", True)
    assert len(hub.downloads("config.json")) == 1


def test_a_new_revision_in_between_starts_anew_what_changed(hub: FakeHub, store: ModelStore) -> None:
    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise JobCancelledError("stopped")

    with pytest.raises(JobCancelledError):
        store.pull(SPEC, stop)
    hub.revision = "b" * 40
    hub.repositories[REPO]["model.bin"] = FILES["model.bin"][:-1] + b"\0"
    folder = store.pull(SPEC)
    assert (folder / "model.bin").read_bytes() == hub.repositories[REPO]["model.bin"]
    assert hub.downloads("model.bin") == ["", ""]
    assert fingerprint(folder) == hub.revision
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("name", ["model.bin", "config.json"])
def test_corrupt_bytes_are_thrown_away(hub: FakeHub, store: ModelStore, name: str) -> None:
    hub.corrupt = name
    with pytest.raises(ModelDownloadError, match=f"{name} of {REPO} arrived damaged"):
        store.pull(SPEC)
    assert store.state(SPEC) == "not downloaded"
    hub.corrupt = ""
    store.pull(SPEC)
    assert store.state(SPEC) == "ready"


def test_a_repository_that_does_not_exist(hub: FakeHub, store: ModelStore) -> None:
    with pytest.raises(UnknownModelError, match="no model no/body"):
        store.pull(hub_spec("no/body", "no/body"))


def test_a_gated_repository_says_what_to_do(hub: FakeHub, store: ModelStore) -> None:
    hub.refuse = (401, "GatedRepo")
    with pytest.raises(ModelDownloadError, match="accept its terms"):
        store.pull(SPEC)


def test_a_private_repository_says_what_to_do(hub: FakeHub, store: ModelStore) -> None:
    hub.refuse = (401, "")
    with pytest.raises(ModelDownloadError, match="HF_TOKEN"):
        store.pull(SPEC)


def test_an_error_of_the_hub(hub: FakeHub, store: ModelStore) -> None:
    hub.refuse = (500, "")
    with pytest.raises(ModelDownloadError, match="error 500") as caught:
        store.pull(SPEC)
    assert caught.value.retryable


def test_a_repository_without_weights_is_refused(hub: FakeHub, store: ModelStore) -> None:
    del hub.repositories[REPO]["model.bin"]
    with pytest.raises(ModelDownloadError, match=r"no model\.bin"):
        store.pull(SPEC)


def test_a_repository_of_another_kind_is_refused_and_leaves_nothing(
    hub: FakeHub, store: ModelStore, tmp_path: Path
) -> None:
    hub.repositories[REPO]["model.bin"] = b"not a model" * 20_000
    with pytest.raises(ModelFilesError):
        store.pull(SPEC)
    assert store.state(SPEC) == "not downloaded"
    assert not [path for path in (tmp_path / "models" / ".partial").iterdir() if path.is_dir()]


def test_no_connection_says_what_to_do(tmp_path: Path, hub: FakeHub) -> None:
    store = ModelStore(tmp_path / "models", hub=Hub("http://127.0.0.1:9"))
    with pytest.raises(ModelNotDownloadedError) as refused:
        store.pull(replace(SPEC, name="small"))
    message = refused.value.message
    assert message.startswith("The model small is not on this machine, and the model hub cannot be reached.")
    assert "`readback models pull small`, copy someone--tiny-model" in message
    assert "`readback models add my-small FOLDER` (in the app: Models → Add a model of your own)" in message
    assert "demo" not in message  # it is of no use for real speech


def test_the_advice_names_what_another_machine_knows(tmp_path: Path) -> None:
    """A name the user gave to a hub id means nothing elsewhere."""
    store = ModelStore(tmp_path / "models", offline=True)
    with pytest.raises(ModelNotDownloadedError, match=f"The model mine .*models pull {REPO}`.*add my-mine "):
        store.pull(replace(SPEC, name="mine", kind="added"))


def test_offline_never_asks(tmp_path: Path, hub: FakeHub) -> None:
    store = ModelStore(tmp_path / "models", hub=Hub(hub.url), offline=True)
    with pytest.raises(ModelNotDownloadedError, match="READBACK_OFFLINE"):
        store.ensure(SPEC)
    assert hub.requests == []


def test_no_room_is_noticed_before_anything_is_fetched(tmp_path: Path, hub: FakeHub) -> None:
    store = ModelStore(tmp_path / "models", hub=Hub(hub.url), min_free_bytes=1 << 60)
    with pytest.raises(DiskFullError):
        store.pull(SPEC)
    assert hub.downloads("model.bin") == []


def test_threads_that_want_the_same_model_fetch_it_once(hub: FakeHub, store: ModelStore) -> None:
    hub.gate.clear()
    threads = [threading.Thread(target=store.pull, args=(SPEC,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    hub.gate.set()
    for thread in threads:
        thread.join(30)
    assert store.state(SPEC) == "ready"
    assert len(hub.downloads("model.bin")) == 1


def test_processes_share_one_download_and_a_killed_one_is_resumed(hub: FakeHub, tmp_path: Path) -> None:
    """HF_ENDPOINT names the hub; kill -9 in the middle leaves what had come."""
    script = (
        "import sys; from pathlib import Path; from core.infra.whisper.download import ModelStore;"
        "from core.infra.whisper.catalogue import hub_spec;"
        f"print(ModelStore(Path(sys.argv[1])).pull(hub_spec('{REPO}', '{REPO}')))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "models")]
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_secret", "HF_HUB_DISABLE_TELEMETRY": "1"}
    hub.cuts["model.bin"] = [WEIGHTS // 2]
    first = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until_asked(hub, "model.bin")
    hub.gate.clear()  # the rest never comes
    part_size = WEIGHTS // 2
    partial = tmp_path / "models" / ".partial" / "someone--tiny-model"
    pause = threading.Event()
    while sum(path.stat().st_size for path in partial.glob("*.part")) < part_size // 2:
        assert first.poll() is None
        pause.wait(0.01)
    first.kill()
    first.communicate()
    hub.gate.set()
    hub.requests.clear()

    others = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in others]
    assert [process.returncode for process in others] == [0, 0], outputs
    assert len(hub.downloads("model.bin")) == 1
    assert hub.downloads("model.bin")[0].startswith("bytes=")
    assert {token for _, _, token in hub.requests} == {"Bearer hf_secret"}
    assert "hf_secret" not in str(outputs)


def test_a_model_that_lost_a_file_is_broken_and_can_be_fetched_again(hub: FakeHub, store: ModelStore) -> None:
    folder = store.pull(SPEC)
    (folder / "model.bin").write_bytes(FILES["model.bin"][:-10])
    assert store.state(SPEC) == "broken"
    with pytest.raises(ModelFilesError, match="Download the model again"):
        store.path(SPEC)
    store.pull(SPEC)
    assert store.state(SPEC) == "ready"


def test_a_note_that_cannot_be_read_is_a_broken_model(store: ModelStore) -> None:
    folder = store.pull(SPEC)
    (folder / REVISION_FILE).write_text(json.dumps({}))
    assert store.state(SPEC) == "broken"


def test_a_folder_copied_into_place_by_hand_is_taken(store: ModelStore, tmp_path: Path) -> None:
    folder = store.folder(SPEC)
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    assert store.state(SPEC) == "ready"
    assert store.ensure(SPEC) == folder


def test_remove_deletes_only_what_was_downloaded(store: ModelStore, tmp_path: Path) -> None:
    folder = store.pull(SPEC)
    store.remove(SPEC)
    assert not folder.exists()
    with pytest.raises(NotFoundError):
        store.remove(SPEC)
    own = folder_spec("mine", tmp_path)
    with pytest.raises(NotFoundError):
        store.remove(own)
    assert tmp_path.is_dir()


def test_the_embedded_model_needs_no_hub(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models", offline=True)
    assert store.pull(embedded_spec()) == store.path(embedded_spec())
    assert store.state(embedded_spec()) == "ready"
    assert not (tmp_path / "models").exists()
