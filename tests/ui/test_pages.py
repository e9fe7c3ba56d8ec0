"""The pages over the real services, without a browser: what they say, and what their buttons do."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from streamlit.testing.v1 import AppTest

from core.bootstrap import Workbench
from core.demo import KNOWN_WORDS
from core.services.records import ProjectRecord, RecordingRecord
from core.speech.config import TranscriptionConfig
from tests.media import hum, write
from tests.ui.conftest import TIMEOUT_S, texts

OpenApp = Callable[..., AppTest]


@pytest.fixture
def sample(workbench: Workbench) -> ProjectRecord:
    return workbench.sample.ensure()


@pytest.fixture
def pickup(workbench: Workbench, sample: ProjectRecord) -> RecordingRecord:
    """The shorter of the sample's recordings."""
    page = workbench.library.list_recordings(project_id=sample.id, search="pickup")
    return page.items[0]


@pytest.fixture
def own(workbench: Workbench, tmp_path: Path) -> RecordingRecord:
    project = workbench.library.create_project("My *own* book")
    path = write(tmp_path / "1. chapter_one.wav", hum(seconds=1), codec="pcm_s16le", rate=16_000, layout="mono")
    return workbench.importing.import_file(project.id, path).recording


def clean(app: AppTest) -> AppTest:
    """Nothing failed: no exception, no boundary, no error."""
    assert not app.exception
    assert [item.value for item in app.error] == []
    return app


def test_a_newcomer_is_told_where_to_start(open_app: OpenApp, sample: ProjectRecord) -> None:
    app = clean(open_app())
    assert [item.value for item in app.title] == ["Library"]
    assert "press **Transcribe**" in app.info[0].value
    app.button(key=f"open-project-{sample.id}").click().run()
    assert app.query_params["project"] == str(sample.id)
    said = texts(clean(app))
    assert "2 recordings" in said
    assert said.count("Not transcribed") == 2


def test_nothing_at_all_says_what_to_do(open_app: OpenApp) -> None:
    assert "Make the first." in texts(clean(open_app()))


def test_transcribing_the_sample(open_app: OpenApp, workbench: Workbench, pickup: RecordingRecord) -> None:
    """A4: from the button to the text, with the settings that made it."""
    app = clean(open_app("recording.py", recording=pickup.id))
    assert not app.warning
    app.button(key=f"start-{pickup.id}").click().run()
    clean(app)
    assert not [item for item in app.button if item.key == f"start-{pickup.id}"]
    job_id = workbench.library.get_recording(pickup.id).job_id
    assert job_id is not None
    assert app.progress[0].text == "Waiting for its turn"
    assert workbench.system.job(job_id).request_id
    assert workbench.run_job(job_id).state == "completed"
    said = texts(clean(app.run()))
    assert "words · English" in said
    assert [item.value for item in app.link_button] == ["SRT", "VTT", "TXT", "JSON"]
    assert "demo" in app.table[0].value.to_string()
    assert not app.button(key=f"start-{pickup.id}").disabled


def test_the_same_again_is_not_computed_twice(open_app: OpenApp, workbench: Workbench, pickup: RecordingRecord) -> None:
    config = workbench.transcription.default_config(pickup.id)
    job = workbench.transcription.submit(pickup.id, config).job
    assert job is not None
    workbench.run_job(job.id)
    app = clean(open_app("recording.py", recording=pickup.id))
    app.button(key=f"start-{pickup.id}").click().run()
    clean(app)
    assert "exactly these settings before" in app.toast[0].value
    assert workbench.library.get_recording(pickup.id).job_id == job.id


def test_stopping_and_continuing(open_app: OpenApp, workbench: Workbench, pickup: RecordingRecord) -> None:
    job = workbench.transcription.submit(pickup.id, workbench.transcription.default_config(pickup.id)).job
    assert job is not None
    app = clean(open_app("recording.py", recording=pickup.id))
    app.button(key=f"stop-{job.id}").click().run()
    assert workbench.system.job(job.id).state == "cancelled"
    assert any("is kept" in item.value for item in clean(app).info)
    app.button(key=f"again-{job.id}").click().run()
    assert workbench.system.job(job.id).state == "queued"
    clean(app)


def test_a_failed_one_says_why_and_what_helps(open_app: OpenApp, workbench: Workbench, pickup: RecordingRecord) -> None:
    """C13."""
    job = workbench.transcription.submit(pickup.id, TranscriptionConfig(model="tiny")).job
    assert job is not None
    assert workbench.run_job(job.id).state == "failed"
    app = open_app("recording.py", recording=pickup.id)
    assert not app.exception
    assert [item.value for item in app.error] == [workbench.system.job(job.id).error_message]
    assert "choose a model below that is on this machine" in texts(app)
    system = open_app("system.py")
    system.get("segmented_control")[1].set_value("Failed").run()
    assert workbench.system.job(job.id).error_message.split()[0] in texts(system)
    system.button(key=f"queue-again-{job.id}").click().run()
    assert workbench.system.job(job.id).state == "queued"


def test_a_text_stays_in_sight_when_a_later_try_fails(
    open_app: OpenApp, workbench: Workbench, sample: ProjectRecord, pickup: RecordingRecord
) -> None:
    first = workbench.transcription.submit(pickup.id, workbench.transcription.default_config(pickup.id)).job
    assert first is not None
    workbench.run_job(first.id)
    second = workbench.transcription.submit(pickup.id, TranscriptionConfig(model="tiny")).job
    assert second is not None
    assert workbench.run_job(second.id).state == "failed"
    library = clean(open_app(project=sample.id))
    assert "Transcribed" in texts(library)
    assert "Last try failed" in texts(library)
    assert library.button(key=f"transcribe-{pickup.id}").label == "Transcribe"


def test_the_demo_model_is_not_offered_silently_for_own_recordings(open_app: OpenApp, own: RecordingRecord) -> None:
    app = clean(open_app("recording.py", recording=own.id))
    assert "**small**" in app.warning[0].value
    app.selectbox(key=f"config-{own.id}-model").select("small").run()
    assert not clean(app).warning


def test_what_the_user_wrote_is_never_markup(open_app: OpenApp, own: RecordingRecord) -> None:
    app = clean(open_app("recording.py", recording=own.id))
    assert app.title[0].value == r"1\. chapter\_one\.wav"
    assert app.page_link[0].value == r"My \*own\* book"


def test_a_setting_that_cannot_be_is_said_at_its_field(open_app: OpenApp, own: RecordingRecord) -> None:
    app = open_app("recording.py", recording=own.id)
    app.text_area(key=f"config-{own.id}-hotwords").set_value("\n".join(str(n) for n in range(501))).run()
    assert [item.value for item in app.error] == ["This can have at most 500 entries."]
    assert app.button(key=f"start-{own.id}").disabled


def test_a_whole_project(open_app: OpenApp, workbench: Workbench, sample: ProjectRecord) -> None:
    app = clean(open_app(project=sample.id))
    app.button(key=f"start-all-{sample.id}").click().run()
    assert "2 recordings will be transcribed" in clean(app).toast[0].value
    assert workbench.system.overview().counts["queued"] == 2


def test_recordings_are_paged_by_the_database(
    open_app: OpenApp, workbench: Workbench, own: RecordingRecord, tmp_path: Path
) -> None:
    """B16."""
    for number in range(21):
        path = write(
            tmp_path / f"part {number:02}.wav", hum(seconds=0.3, hertz=200 + 10 * number), codec="pcm_s16le",
            rate=16_000, layout="mono",
        )  # fmt: skip
        workbench.importing.import_file(own.project_id, path)
    app = clean(open_app(project=own.project_id))
    assert "22 recordings" in texts(app)
    assert len(app.page_link) == 20
    (pages,) = app.get("pagination")
    assert pages.proto.num_pages == 2
    app.text_input(key="search").set_value("part 2").run()
    assert [item.value for item in clean(app).page_link] == [r"**part 20\.wav**"]


def test_moving_a_recording(open_app: OpenApp, workbench: Workbench, sample: ProjectRecord) -> None:
    """A3."""
    before = [item.id for item in workbench.library.list_recordings(project_id=sample.id).items]
    app = clean(open_app(project=sample.id))
    app.get("menu_button")[-1].set_value("Move up").run()
    clean(app)
    assert [item.id for item in workbench.library.list_recordings(project_id=sample.id).items] == before[::-1]


def test_settings_keep_what_was_chosen(open_app: OpenApp, workbench: Workbench) -> None:
    app = clean(open_app("settings.py"))
    shown = app.table[0].value.to_string()
    assert "READBACK_DATA_DIR" in shown
    assert "`8589934592` (8 GiB)" in shown
    app.number_input(key="defaults-0-beam_size").set_value(3).run()
    app.button(key="save-defaults").click().run()
    assert workbench.preferences.transcription_defaults().beam_size == 3
    app.button(key="reset-defaults").click().run()
    assert workbench.preferences.transcription_defaults().beam_size == 5
    assert clean(app).number_input(key="defaults-1-beam_size").value == 5


def test_settings_show_no_password(open_app: OpenApp, workbench: Workbench) -> None:
    """C11."""
    from components.settings_table import _shown

    url = URL.create("postgresql+psycopg", username="me", password="hidden", host="localhost", database="readback")
    address = url.render_as_string(hide_password=False)
    settings = workbench.settings.model_copy(update={"database_url": address})
    assert "hidden" in settings.resolved_database_url
    assert "hidden" not in _shown(settings, "database_url")


def test_models_say_what_the_demo_knows_and_what_is_here(open_app: OpenApp) -> None:
    said = texts(clean(open_app("models.py")))
    assert f"knows only the {KNOWN_WORDS} words" in said
    places = [said.index(f"`{name}`") for name in ("demo", "small", "large-v3-turbo", "tiny")]
    assert places == sorted(places)
    assert "about 100 languages" not in said


def test_a_download_that_cannot_be_says_so(open_app: OpenApp) -> None:
    app = clean(open_app("models.py"))
    app.button(key="pull-tiny").click().run()
    deadline = time.monotonic() + TIMEOUT_S
    while not app.error:  # the download is a thread's; the page polls
        assert time.monotonic() < deadline
        app.run()
    assert not app.exception
    assert "READBACK_OFFLINE" in app.error[0].value


def test_the_system_page_with_nothing_to_do(open_app: OpenApp) -> None:
    app = open_app("system.py")
    assert not app.exception
    assert "Nothing waits, nothing runs." in texts(app)
    assert "readback worker" in app.warning[0].value


@pytest.mark.parametrize("page", ["recording.py", None])
def test_what_is_gone_is_said_and_the_page_lives(open_app: OpenApp, page: str | None) -> None:
    params = {"recording": 999} if page else {"project": 999}
    app = open_app(page, **params)
    assert not app.exception
    assert "does not exist" in app.error[0].value
    assert "To the library" in [item.label for item in app.page_link]
    assert "Try again" not in [item.label for item in app.button]


def test_a_microphone_recording_comes_in(open_app: OpenApp, workbench: Workbench, tmp_path: Path) -> None:
    project = workbench.library.create_project("Notes to self")
    spoken = write(tmp_path / "spoken.wav", hum(seconds=1), codec="pcm_s16le", rate=16_000, layout="mono")
    app = clean(open_app(project=project.id))
    app.audio_input[0].upload("recording.wav", spoken.read_bytes()).run()
    app.text_input(key=f"take-name-{project.id}").set_value("First idea").run()
    app.button(key=f"add-{project.id}").click().run()
    clean(app)
    (recording,) = workbench.library.list_recordings(project_id=project.id).items
    assert recording.name == "First idea.wav"
    assert not app.get_by_key(f"microphone-{project.id}-1").value
