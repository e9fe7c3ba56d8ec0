"""A form from any pydantic model: a widget for every kind of field, and each error at its field."""

import pytest
from pydantic import BaseModel, Field, ValidationError
from streamlit.testing.v1 import AppTest

from components.forms import friendly
from core.speech.config import TranscriptionConfig

TIMEOUT_S = 60

SCRIPT = """
from typing import Literal
import streamlit as st
from pydantic import BaseModel, Field
from components.forms import Form

class Inner(BaseModel):
    pad: int = Field(default=150, ge=0, le=1000, title="Padding")

class Model(BaseModel):
    name: str = Field(default="demo", min_length=2, title="Name", description="What it is called.")
    story: str = Field(default="", max_length=4000, title="Story")
    code: str | None = Field(default=None, pattern="^[a-z]{2}$", title="Code")
    many: int = Field(default=5, ge=1, le=20, title="Many")
    share: float = Field(default=0.5, ge=0.0, le=1.0, title="Share")
    batch: int | None = Field(default=None, ge=1, title="Batch")
    on: bool = Field(default=True, title="On")
    few: Literal["a", "b"] = Field(default="a", title="Few")
    lots: Literal["a", "b", "c", "d", "e"] = Field(default="c", title="Lots")
    words: tuple[str, ...] = Field(default=("x",), max_length=3, title="Words")
    inner: Inner = Inner()

form = Form(model=Model, value=Model(), key="f")
form.draw()
value = form.result()
st.code("None" if value is None else value.model_dump_json())
"""


@pytest.fixture
def app() -> AppTest:
    opened = AppTest.from_string(SCRIPT, default_timeout=TIMEOUT_S).run()
    assert not opened.exception
    return opened


def entered(app: AppTest) -> str:
    return str(app.code[0].value)


def test_every_kind_of_field_has_its_widget(app: AppTest) -> None:
    assert [(item.label, item.help) for item in app.text_input] == [("Name", "What it is called."), ("Code", "")]
    assert [item.label for item in app.text_area] == ["Story", "Words"]
    numbers = {item.label: item.value for item in app.number_input}
    assert numbers == {"Many": 5, "Share": 0.5, "Batch": None, "Padding": 150}
    assert [item.label for item in app.toggle] == ["On"]
    assert [item.label for item in app.get("segmented_control")] == ["Few"]
    assert [item.label for item in app.selectbox] == ["Lots"]


def test_what_is_entered_comes_out_validated(app: AppTest) -> None:
    app.text_input(key="f-name").set_value("  small ")
    app.text_area(key="f-words").set_value("harbour\n\n  wall \n")
    app.number_input(key="f-many").set_value(7)
    app.number_input(key="f-inner-pad").set_value(10)
    app.toggle(key="f-on").set_value(False)
    app.selectbox(key="f-lots").select("e")
    app.run()
    out = entered(app)
    for part in ('"name":"small"', '"words":["harbour","wall"]', '"many":7', '"pad":10', '"on":false', '"lots":"e"'):
        assert part in out
    assert '"code":null' in out


def test_errors_stand_at_their_fields(app: AppTest) -> None:
    app.text_input(key="f-name").set_value("x")
    app.text_input(key="f-code").set_value("English")
    app.text_area(key="f-words").set_value("1\n2\n3\n4")
    app.run()
    assert entered(app) == "None"
    assert [item.value for item in app.error] == [
        "This needs at least 2 characters.",
        "This is not written as it should be; see the field's help.",
        "This can have at most 3 entries.",
    ]
    app.text_input(key="f-name").set_value("xy")
    app.text_input(key="f-code").set_value("en")
    app.text_area(key="f-words").set_value("")
    app.run()
    assert not app.error
    assert '"code":"en"' in entered(app)


def test_a_number_out_of_range_is_told_the_range(app: AppTest) -> None:
    app.number_input(key="f-many").set_value(21)
    app.number_input(key="f-inner-pad").set_value(-1)
    app.run()
    assert [item.value for item in app.error] == [
        "This must be 20 or less. Allowed: 1 to 20.",
        "This must be 0 or more. Allowed: 0 to 1,000.",
    ]
    assert entered(app) == "None"


def test_the_transcription_config_can_be_drawn_whole() -> None:
    app = AppTest.from_string(
        """
import streamlit as st
from components.forms import Form
from core.speech.config import TranscriptionConfig
form = Form(model=TranscriptionConfig, value=TranscriptionConfig(), key="c")
form.draw()
st.code("same" if form.result() == TranscriptionConfig() else "different")
""",
        default_timeout=TIMEOUT_S,
    ).run()
    assert not app.exception
    assert entered(app) == "same"
    drawn = {
        item.label
        for kind in ("text_input", "text_area", "number_input", "toggle", "selectbox")
        for item in app.get(kind)
    }
    drawn |= {item.label for item in app.get("segmented_control")}
    vad = type(TranscriptionConfig().vad).model_fields
    titles = {info.title for name, info in TranscriptionConfig.model_fields.items() if name != "vad"}
    assert drawn == titles | {info.title for info in vad.values()}
    assert "**Voice activity**" in [item.value for item in app.markdown]
    devices = next(item for item in app.get("segmented_control") if item.label == "Device")
    assert devices.format_func("cuda") == "GPU (CUDA)"


class Limits(BaseModel):
    number: int = Field(default=1, gt=0, lt=10)
    text: str = Field(default="abc", max_length=3)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"number": 0}, "This must be more than 0."),
        ({"number": 10}, "This must be less than 10."),
        ({"number": "many"}, "This must be a whole number."),
        ({"number": None}, "This must be a whole number."),
        ({"text": "long"}, "This can have at most 3 characters."),
        ({"text": 3}, "Input should be a valid string."),
    ],
)
def test_errors_are_said_in_plain_words(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Limits.model_validate(values)
    (item,) = caught.value.errors()
    assert friendly(item) == said
