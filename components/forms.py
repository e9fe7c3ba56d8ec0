"""A form from any pydantic model: titles, help and limits come from its fields, and so do the errors.

A field's type decides its widget: text, long text, number, switch, choice, lines (a tuple of texts), or a group of
fields (a nested model). ``X | None`` is the same widget that may be left empty. What the user entered is validated by
the model itself on every rerun, and each error is shown at its field, so a page and the API can never disagree.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from components import state
from components.words import DEVICES

M = TypeVar("M", bound=BaseModel)
#: Draws one field instead of the standard widget: gets label, value, key and help, returns the entered value.
Widget = Callable[[str, Any, str, str | None], Any]

#: Up to this many choices stay visible side by side.
_VISIBLE_CHOICES = 4
#: A text that may be longer than this gets several lines.
_ONE_LINE_CHARS = 1_000
#: Numbers stand side by side where there is so much room for each.
_NUMBER_WIDTH_PX = 220


@dataclass(kw_only=True)
class Form(Generic[M]):
    """What the user has entered so far: draw the parts of a form with `draw`, then ask for the `result`.

    Args:
        model: The pydantic model.
        value: Where the widgets start.
        key: Unique on the page; belongs to what is edited.
        widgets: Special widgets, by field name.
    """

    model: type[M]
    value: M
    key: str
    widgets: Mapping[str, Widget] = field(default_factory=dict)
    _entered: dict[str, Any] = field(default_factory=dict)
    #: For each field, where its error goes, and what to add to it.
    _error_places: dict[tuple[str, ...], tuple[Any, str]] = field(default_factory=dict)

    def draw(self, *names: str, exclude: Collection[str] = ()) -> None:
        """Draws the named fields, or all that are not excluded, where the script is now."""
        wanted = {
            name: info
            for name, info in self.model.model_fields.items()
            if name in names or (not names and name not in exclude and name not in self._entered)
        }
        self._entered |= self._fields((), wanted, self.value)

    def result(self) -> M | None:
        """The validated model; None if something entered cannot be, which is then said at its field."""
        values = {name: getattr(self.value, name) for name in self.model.model_fields} | self._entered
        try:
            return self.model.model_validate(values)
        except ValidationError as error:
            for item in error.errors():
                place = tuple(str(part) for part in item["loc"])
                while place and place not in self._error_places:
                    place = place[:-1]
                where, allowed = self._error_places.get(place) or (st, "")
                where.error(f"{friendly(item)}{allowed}", icon=":material/error:")
            return None

    def _field(self, path: tuple[str, ...], info: FieldInfo, value: Any) -> Any:
        kind, optional = _unwrap(info.annotation)
        label = info.title or path[-1].replace("_", " ").capitalize()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self._group(path, kind, label, value)
        entered = (self.widgets.get(path[-1]) or _widget_for(kind, info, optional=optional))(
            label, value, state.key(self.key, *path), info.description
        )
        self._error_places[path] = st.container(), _range(info)
        return entered

    def _group(self, path: tuple[str, ...], kind: type[BaseModel], label: str, value: Any) -> dict[str, Any]:
        st.markdown(f"**{label}**")
        start = value if isinstance(value, kind) else kind()
        return self._fields(path, kind.model_fields, start)

    def _fields(self, path: tuple[str, ...], fields: Mapping[str, FieldInfo], start: BaseModel) -> dict[str, Any]:
        """Draws fields one below the other, numbers that follow each other side by side."""
        entered: dict[str, Any] = {}
        for numbers, group in groupby(fields, key=lambda name: _unwrap(fields[name].annotation)[0] in (int, float)):
            with st.grid(2, min_column_width=_NUMBER_WIDTH_PX) if numbers else nullcontext():
                for name in group:
                    with st.container() if numbers else nullcontext():
                        entered[name] = self._field((*path, name), fields[name], getattr(start, name))
        return entered


def _unwrap(annotation: Any) -> tuple[Any, bool]:
    """``X | None`` becomes ``(X, True)``."""
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        if len(members) == 1:
            return members[0], True
    return annotation, False


def _limit(info: FieldInfo, *names: str) -> Any:
    """The first limit of that name a field carries, or None."""
    found = (getattr(item, name, None) for item in info.metadata for name in names)
    return next((item for item in found if item is not None), None)


def _range(info: FieldInfo) -> str:
    """What a number may be, if it is limited on both sides; else its error says it all."""
    low, high = _limit(info, "ge"), _limit(info, "le")
    return "" if low is None or high is None else f" Allowed: {low:,} to {high:,}."


def _widget_for(kind: Any, info: FieldInfo, *, optional: bool) -> Widget:
    if get_origin(kind) is Literal:
        return _choice(get_args(kind))
    if get_origin(kind) is tuple:
        return _lines
    if kind is bool:
        return lambda label, value, key, text: st.toggle(label, value=bool(value), key=key, help=text)
    if kind in (int, float):
        return _number(kind, optional=optional)
    return _text(info, optional=optional)


def _choice(options: tuple[Any, ...]) -> Widget:
    def draw(label: str, value: Any, key: str, text: str | None) -> Any:
        if len(options) <= _VISIBLE_CHOICES:
            return st.segmented_control(
                label, options, default=value, required=True, format_func=_readable, key=key, help=text
            )
        return st.selectbox(label, options, index=options.index(value), format_func=_readable, key=key, help=text)

    return draw


def _readable(option: Any) -> str:
    if option in DEVICES:
        return DEVICES[option]
    return str(option).replace("_", " ").capitalize() if str(option).isalpha() else str(option)


def _lines(label: str, value: Any, key: str, text: str | None) -> tuple[str, ...]:
    entered = st.text_area(label, value="\n".join(value or ()), key=key, help=text, placeholder="One per line")
    return tuple(line.strip() for line in (entered or "").splitlines() if line.strip())


def _number(kind: type[int] | type[float], *, optional: bool) -> Widget:
    def as_kind(value: Any) -> Any:
        # Streamlit wants all numbers of one widget to be of one type.
        return None if value is None else kind(value)

    def draw(label: str, value: Any, key: str, text: str | None) -> Any:
        # The limits are the model's to check: a browser that checks them keeps what is wrong to itself.
        return st.number_input(
            label,
            value=as_kind(value),
            step=as_kind(1 if kind is int else 0.05),
            key=key,
            help=text,
            placeholder="Chosen for you" if optional else None,
        )

    return draw


def _text(info: FieldInfo, *, optional: bool) -> Widget:
    most = _limit(info, "max_length")

    def draw(label: str, value: Any, key: str, text: str | None) -> str | None:
        box = st.text_area if most and most > _ONE_LINE_CHARS else st.text_input
        entered = (box(label, value=value or "", key=key, help=text, max_chars=most) or "").strip()
        return None if optional and not entered else entered

    return draw


def friendly(item: Mapping[str, Any]) -> str:
    """A pydantic error in plain words.

    Args:
        item: One of `ValidationError.errors()`.
    """
    limits = item.get("ctx", {})
    phrases = {
        "greater_than_equal": "This must be {ge} or more.",
        "greater_than": "This must be more than {gt}.",
        "less_than_equal": "This must be {le} or less.",
        "less_than": "This must be less than {lt}.",
        "string_too_short": "This needs at least {min_length} characters.",
        "string_too_long": "This can have at most {max_length} characters.",
        "too_long": "This can have at most {max_length} entries.",
        "string_pattern_mismatch": "This is not written as it should be; see the field's help.",
        "missing": "This is needed.",
        "int_type": "This must be a whole number.",
        "int_parsing": "This must be a whole number.",
        "int_from_float": "This must be a whole number.",
        "float_type": "This must be a number.",
        "float_parsing": "This must be a number.",
        "value_error": "{error}",
    }
    return phrases.get(item["type"], "{fallback}").format(**{"fallback": f"{item['msg']}."} | dict(limits))
