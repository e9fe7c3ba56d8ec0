"""`make prepare`: installs what is missing where it may, says what to install where it may not."""

import subprocess

import pytest

from tests import prepare


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been run."""
    ran: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    return ran


def part(name: str, *answers: bool) -> prepare.Part:
    left = list(answers)
    return prepare.Part(name=name, found=lambda: left.pop(0), debian=name, elsewhere=f"macOS: brew install {name}")


def test_nothing_missing_runs_nothing(monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]) -> None:
    monkeypatch.setattr(prepare, "PARTS", (part("chromium", True),))
    assert prepare.main() == 0
    assert commands == []


def test_missing_part_is_installed_as_root(monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]) -> None:
    monkeypatch.setattr(prepare, "PARTS", (part("chromium", False, True), part("postgresql", True, True)))
    monkeypatch.setattr(prepare, "root_prefix", list)
    assert prepare.main() == 0
    update, install = [" ".join(command) for command in commands]
    assert update.endswith("apt-get -qq update")
    assert install.endswith("apt-get -qq install --yes --no-install-recommends chromium")
    assert "DEBIAN_FRONTEND=noninteractive" in install


def test_without_root_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare, "PARTS", (part("chromium", False, False),))
    monkeypatch.setattr(prepare, "root_prefix", lambda: None)
    assert prepare.main() == 1
    assert commands == []
    assert "Debian: apt-get install chromium. macOS: brew install chromium" in capsys.readouterr().err


def test_failed_installation_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(command: list[str], **options: object) -> None:
        raise subprocess.CalledProcessError(100, command)

    monkeypatch.setattr(prepare, "PARTS", (part("chromium", False, False),))
    monkeypatch.setattr(prepare, "root_prefix", list)
    monkeypatch.setattr(subprocess, "run", fail)
    assert prepare.main() == 1
    assert "apt-get failed (exit 100)" in capsys.readouterr().err


def test_real_machine_has_the_parts() -> None:
    assert prepare.missing_parts() == []
