"""What commands say when they cannot start: one line that names the setting, and its exit code (B10, E5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SettingsError
from core.settings import load_settings
from tests.console import readback


@pytest.fixture
def plain_file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("not a folder")
    return path


@pytest.mark.parametrize(
    "arguments",
    [["serve", "--port", "18599"], ["transcribe", "x.wav"], ["demo"], ["models", "list"], ["jobs", "list"],
     ["worker"], ["db", "check"], ["db", "upgrade"]],
    ids=lambda arguments: arguments[0] + (arguments[-1] if arguments[0] == "db" else ""),
)  # fmt: skip
def test_a_data_folder_that_cannot_be_used_is_one_line(plain_file: Path, arguments: list[str]) -> None:
    done = readback(plain_file, *arguments)
    assert done.returncode == 6
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"readback: The data folder {plain_file} cannot be used:")
    assert "READBACK_DATA_DIR" in line


def test_a_data_folder_nobody_can_write_to(tmp_path: Path) -> None:
    folder = Path("/proc")  # even root cannot
    if not folder.is_dir():
        pytest.skip("needs a folder that not even root can write to")
    done = readback(folder / "readback", "jobs", "list")
    assert (done.returncode, len(done.stderr.splitlines())) == (6, 1)
    assert readback(folder, "jobs", "list").returncode == 6


@pytest.mark.parametrize("arguments", [["serve", "--port", "18599"], ["transcribe", "x.wav"]])
def test_a_default_model_that_does_not_exist_is_named_with_its_variable(tmp_path: Path, arguments: list[str]) -> None:
    done = readback(tmp_path / "data", *arguments, env={"READBACK_DEFAULT_MODEL": "smal"})
    assert done.returncode == 2
    assert 'READBACK_DEFAULT_MODEL cannot be used: There is no model "smal". Did you mean small' in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" not in done.stdout


def test_the_default_model_does_not_matter_to_who_names_another(tmp_path: Path) -> None:
    env = {"READBACK_DEFAULT_MODEL": "smal"}
    done = readback(tmp_path / "data", "transcribe", "none.wav", "--model", "demo", env=env)
    assert done.returncode == 4, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "hello", "READBACK_PORT is 'hello': it must be a whole number."),
        ("PORT", "0", "READBACK_PORT is '0': it must be at least 1."),
        ("OFFLINE", "maybe", "READBACK_OFFLINE is 'maybe': it must be true or false."),
        ("LOG_FORMAT", "xml", "READBACK_LOG_FORMAT is 'xml': it must be one of 'auto', 'json' or 'pretty'."),
        (
            "ALLOWED_HOSTS",
            "my-server",
            'READBACK_ALLOWED_HOSTS must be a JSON list, such as ["localhost", "my-server"].',
        ),
    ],
)
def test_settings_are_refused_in_plain_words(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    monkeypatch.setenv(f"READBACK_{name}", value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert refused.value.message == f"The settings cannot be used. {says}"


def test_a_fresh_folder_has_no_database(tmp_path: Path) -> None:
    done = readback(tmp_path / "data", "db", "check")
    assert done.returncode == 6
    assert "There is no database yet." in done.stderr
    assert "readback db upgrade" in done.stderr
