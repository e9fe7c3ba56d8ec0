"""Files that go out: only with a link, whole or in part (A15, issue of signed links; RFC 9110)."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from core.bootstrap import Workbench
from core.infra.tables import TranscriptRow
from core.services.records import RecordingRecord
from core.speech.peaks import read_header


@pytest.fixture
def url(workbench: Workbench, recording: RecordingRecord) -> str:
    return "/files/" + workbench.links.sign("media", recording_id=recording.id)


@pytest.fixture
def content(workbench: Workbench, recording: RecordingRecord) -> bytes:
    return workbench.media.path(recording.media_key).read_bytes()


def test_the_whole_file(client: TestClient, url: str, content: bytes, recording: RecordingRecord) -> None:
    answer = client.get(url)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{recording.sha256}"'
    assert answer.headers["content-disposition"].startswith('inline; filename="Kapitel _.wav"')
    assert "filename*=UTF-8''Kapitel%20%C3%A4.wav" in answer.headers["content-disposition"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get(url + "?download=1").headers["content-disposition"].startswith("attachment")


def test_head_says_what_get_would(client: TestClient, url: str, content: bytes) -> None:
    answer = client.head(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(content))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-", 0, None),
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=1000-99999999", 1000, None),
        ("bytes=-10", -10, None),
        ("bytes=-99999999", 0, None),
    ],
)
def test_a_part(client: TestClient, url: str, content: bytes, asked: str, start: int, end: int | None) -> None:
    answer = client.get(url, headers={"range": asked})
    expected = content[start:end]
    first = start % len(content)
    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(content)}"
    assert answer.headers["content-length"] == str(len(expected))


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_part_that_is_not_there(client: TestClient, url: str, content: bytes, asked: str) -> None:
    answer = client.get(url, headers={"range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(content)}"


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "bytes", "bytes=--1"])
def test_ranges_that_make_no_sense_are_ignored(client: TestClient, url: str, content: bytes, asked: str) -> None:
    answer = client.get(url, headers={"range": asked})
    assert (answer.status_code, answer.content) == (200, content)


def test_conditions(client: TestClient, url: str, content: bytes, recording: RecordingRecord) -> None:
    etag = f'"{recording.sha256}"'
    assert client.get(url, headers={"range": "bytes=0-9", "if-range": etag}).status_code == 206
    assert client.get(url, headers={"range": "bytes=0-9", "if-range": '"other"'}).content == content
    assert client.get(url, headers={"if-none-match": f'"x", W/{etag}'}).status_code == 304
    assert client.get(url, headers={"if-none-match": '"x"'}).status_code == 200


def test_peaks_by_range(client: TestClient, url: str) -> None:
    """A15."""
    head = client.get(url + "/peaks", headers={"range": "bytes=0-279"})
    assert head.status_code == 206
    level = read_header(head.content).levels[0]
    part = client.get(url + "/peaks", headers={"range": f"bytes={level.offset}-{level.offset + 19}"})
    assert len(part.content) == 20


def test_links_are_needed(client: TestClient, workbench: Workbench, recording: RecordingRecord, url: str) -> None:
    other_kind = workbench.links.sign("upload", recording_id=recording.id)
    for token in ("x", url[7:-1], url[8:], other_kind, "upload"):
        answer = client.get(f"/files/{token}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "access_denied")
    assert client.post(url).status_code == 405


def test_what_has_gone_is_told(client: TestClient, workbench: Workbench, recording: RecordingRecord, url: str) -> None:
    workbench.media.delete(recording.media_key)
    assert client.get(url).json()["error"]["code"] == "media_missing"
    assert client.get(url).status_code == 410
    workbench.library.delete_recording(recording.id)
    assert client.get(url).status_code == 404


def test_a_transcript_to_take_away(client: TestClient, workbench: Workbench, recording: RecordingRecord) -> None:
    with workbench.database.write() as session:
        session.add(row := TranscriptRow(recording_id=recording.id, complete=True, language="en"))
        session.flush()
        transcript_id = row.id
    base = "/files/" + workbench.links.sign("export", transcript_id=transcript_id)
    answer = client.get(f"{base}/export.vtt")
    assert answer.status_code == 200
    assert answer.text.startswith("WEBVTT")
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert client.get(f"{base}/export.json").json()["language"] == "en"
    assert client.get(f"{base}/export.doc").json()["error"]["code"] == "unsupported_format"
    media_token = workbench.links.sign("media", transcript_id=transcript_id)
    assert client.get(f"/files/{media_token}/export.vtt").status_code == 403
