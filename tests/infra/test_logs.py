"""One logging set-up for our own lines and the libraries', with request ids and without secrets (A20 B11 C11 D8 E6)."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from core.infra import logs
from core.infra.logs import LOG_FILE_NAME, adopt_loggers, configure_logging, find_log_lines, log_context, new_request_id
from core.infra.redaction import SecretRedactor, redact, redact_text, secrets_of
from tests.logging_state import restored_logging

SECRET = "hunter2-not-a-word"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    with restored_logging():
        yield


class Console:
    """What went to stderr so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._so_far = capsys, ""

    def getvalue(self) -> str:
        self._so_far += self._capsys.readouterr().err
        return self._so_far

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return Console(capsys)


def test_our_lines_and_a_librarys_have_the_same_form(console: Console) -> None:
    configure_logging(form="json")
    structlog.get_logger("core.x").info("window_done", window=3)
    logging.getLogger("alembic.runtime").info("Running upgrade %s", "0001")
    ours, theirs = console.lines()
    assert ours["event"] == "window_done"
    assert ours["window"] == 3
    assert theirs["event"] == "Running upgrade 0001"
    for line, name in ((ours, "core.x"), (theirs, "alembic.runtime")):
        assert line["level"] == "info"
        assert line["logger"] == name
        assert str(line["timestamp"]).endswith("Z")


def test_a_request_id_is_on_every_line_inside_and_on_none_after(console: Console) -> None:
    configure_logging(form="json")
    reference = new_request_id()
    with log_context(request_id=reference, job_id=7):
        structlog.get_logger("core.x").info("one")
        logging.getLogger("faster_whisper").warning("two")
    structlog.get_logger("core.x").info("three")
    one, two, three = console.lines()
    assert one["request_id"] == two["request_id"] == reference
    assert one["job_id"] == 7
    assert "request_id" not in three
    assert len(reference) == 12
    assert new_request_id() != reference


def test_threads_do_not_see_each_others_ids(console: Console) -> None:
    configure_logging(form="json")
    with log_context(request_id="mine"):
        thread = threading.Thread(target=lambda: structlog.get_logger("x").info("elsewhere"))
        thread.start()
        thread.join()
    assert "request_id" not in console.lines()[0]


def test_secrets_leave_messages_fields_and_tracebacks(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    configure_logging(form="json")
    log = structlog.get_logger("core.x")
    log.info("fetch", api_key="abcdef", headers={"Authorization": "Bearer abcdefgh"}, note=f"with {SECRET}")
    logging.getLogger("sqlalchemy").warning("cannot reach postgresql+psycopg://me:pass%2Fword@db/readback")
    try:
        raise RuntimeError(f"GET /x?token={SECRET} refused {SECRET}")
    except RuntimeError:
        log.exception("failed")
    out = console.getvalue()
    for secret in (SECRET, "abcdef", "pass%2Fword"):
        assert secret not in out
    assert "RuntimeError" in out
    assert "db/readback" in out


def test_pretty_output_is_redacted_too(console: Console) -> None:
    configure_logging(form="pretty")
    try:
        raise RuntimeError("Authorization: Bearer abcdefghij")
    except RuntimeError:
        structlog.get_logger("core.x").exception("failed", password=SECRET)
    out = console.getvalue()
    assert "failed" in out
    assert "Traceback" in out
    assert SECRET not in out
    assert "abcdefghij" not in out


def test_commands_log_to_the_file_only(console: Console, tmp_path: Path) -> None:
    configure_logging(folder=tmp_path / "logs", console=False)
    structlog.get_logger("core.x").error("broken")
    assert console.getvalue() == ""
    assert json.loads((tmp_path / "logs" / LOG_FILE_NAME).read_text())["event"] == "broken"


def test_a_log_reference_can_be_looked_up_also_after_rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_FILE_BYTES", 2_000)
    configure_logging(folder=tmp_path, console=False)
    reference = new_request_id()
    for number in range(30):
        with log_context(request_id=reference if number % 3 == 0 else new_request_id()):
            structlog.get_logger("core.x").info("step", number=number)
    assert (tmp_path / f"{LOG_FILE_NAME}.1").exists()
    found = find_log_lines(tmp_path, reference)
    assert [line["number"] for line in found] == list(range(0, 30, 3))
    assert find_log_lines(tmp_path, reference, limit=2)[-1]["number"] == 27
    assert find_log_lines(tmp_path, "") == ()


def test_a_file_rotated_by_another_process_is_followed(tmp_path: Path) -> None:
    configure_logging(folder=tmp_path, console=False)
    log = structlog.get_logger("core.x")
    log.info("first")
    (tmp_path / LOG_FILE_NAME).rename(tmp_path / f"{LOG_FILE_NAME}.1")
    log.info("second")
    assert json.loads((tmp_path / LOG_FILE_NAME).read_text())["event"] == "second"


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_start(console: Console, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    configure_logging(form="json", folder=tmp_path / "logs")
    assert "no log file" in console.getvalue()


def test_calling_it_twice_does_not_double_lines(console: Console) -> None:
    configure_logging(form="json")
    configure_logging(form="json", level="WARNING")
    structlog.get_logger("core.x").info("quiet")
    structlog.get_logger("core.x").warning("loud")
    assert [line["event"] for line in console.lines()] == ["loud"]


def test_libraries_with_a_console_of_their_own_join_in(console: Console) -> None:
    early = logging.getLogger("rb_test_streamlit_like_early")
    early.addHandler(logging.StreamHandler(sys.stderr))
    early.propagate = False
    configure_logging(form="json")
    late = logging.getLogger("rb_test_streamlit_like_late")
    late.addHandler(logging.StreamHandler(sys.stderr))
    late.propagate = False
    early.warning("one")
    late.warning("two")
    assert [line["event"] for line in console.lines()] == ["one", "two"]
    early.addHandler(logging.StreamHandler(sys.stderr))
    adopt_loggers()
    early.warning("three")
    assert [line["event"] for line in console.lines()] == ["one", "two", "three"]


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://user:{SECRET}@host/db",
        f"Authorization: Bearer {SECRET}",
        f"GET /media/{SECRET}{SECRET}/peaks",
        f"https://x/y?token={SECRET}&a=1",
        f"https://x/y?a=1&sig={SECRET}",
        f'{{"access_token": "{SECRET}"}}',
        f"password={SECRET}",
        f"hf_{SECRET}",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert SECRET not in redact_text(text)
    assert "***" in redact_text(text)


@pytest.mark.parametrize(
    "text",
    ["window 3 of 7", "/media/upload", "https://host:8501/recording?id=4", "C:\\x"],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact_text(text) == text


def test_fields_are_masked_by_name_but_not_numbers_or_file_keys() -> None:
    event = {"hf_token": SECRET, "media_key": "ab/cd", "tokens": 224, "nested": [{"client_secret": SECRET.encode()}]}
    assert SecretRedactor({})(None, "info", event) == {
        "hf_token": "***", "media_key": "ab/cd", "tokens": 224, "nested": [{"client_secret": "***"}],
    }  # fmt: skip


def test_secrets_come_from_the_environment_by_name() -> None:
    environment = {"HF_TOKEN": SECRET, "OPENAI_API_KEY": "longer" + SECRET, "SHORT_TOKEN": "abc", "PATH": "/bin"}
    assert secrets_of(environment) == ("longer" + SECRET, SECRET)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_redaction_takes_anything_and_repeating_it_changes_nothing(value: object) -> None:
    once = redact(value)
    assert redact(once) == once


def test_a_log_folder_that_goes_away_stops_nothing(tmp_path: Path, console: Console) -> None:
    configure_logging(folder=tmp_path / "logs", console=False)
    shutil.rmtree(tmp_path / "logs")
    for event in ("still here", "and still"):
        structlog.get_logger("core.x").info(event)
    assert console.getvalue() == ""
    (tmp_path / "logs").mkdir()
    structlog.get_logger("core.x").info("back again")
    assert json.loads((tmp_path / "logs" / LOG_FILE_NAME).read_text())["event"] == "back again"
