"""Validation of what people name things, in one place for pages, routes and the command line."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from core.errors import ValidationFailedError
from core.infra.tables import ProjectKind

M = TypeVar("M", bound=BaseModel)
LONGEST_RECORDING_NAME = 300


def _clean(value: Any) -> Any:
    """Trimmed, one kind of space, without what cannot be seen; in the form Unicode calls composed."""
    if not isinstance(value, str):
        return value
    composed = unicodedata.normalize("NFC", value)
    visible = "".join(char for char in composed if char.isspace() or unicodedata.category(char) not in ("Cc", "Cs"))
    return " ".join(visible.split())


class ProjectFields(BaseModel):
    """What may be said of a project."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, BeforeValidator(_clean)] = Field(
        min_length=3, max_length=200, title="Title", description="3 to 200 characters."
    )
    kind: ProjectKind = Field(
        default=ProjectKind.NARRATION, title="Kind",
        description="What is recorded; decides the settings that are offered first.",
    )  # fmt: skip


class RecordingFields(BaseModel):
    """What may be said of a recording."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, BeforeValidator(_clean)] = Field(
        min_length=1, max_length=LONGEST_RECORDING_NAME, title="Name", description="1 to 300 characters."
    )


def validated(model: type[M], **values: Any) -> M:
    """The values as a model.

    Raises:
        ValidationFailedError: The first field that is not right, by its title, and why.
    """
    try:
        return model(**values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0]) if problem["loc"] else ""
        field = model.model_fields.get(name)
        raise ValidationFailedError((field.title if field else None) or name, _words(problem)) from error


def _words(problem: Any) -> str:
    limits = problem.get("ctx", {})
    match problem["type"]:
        case "string_too_short":
            return f"needs at least {limits['min_length']} character{'s' if limits['min_length'] != 1 else ''}."
        case "string_too_long":
            return f"can have at most {limits['max_length']} characters."
        case "enum":
            return f"must be one of: {limits['expected']}."
        case _:
            return str(problem["msg"])


def folded(name: str) -> str:
    """A name in the form search compares: case does not count, nor do ligatures or full-width letters."""
    return unicodedata.normalize("NFKC", name).casefold()[:600]


def name_from_file(file_name: str) -> str:
    """A recording's name from its file's: without folders and what cannot be shown; never empty."""
    last = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    return (_clean(last)[:LONGEST_RECORDING_NAME].strip()) or "Recording"
