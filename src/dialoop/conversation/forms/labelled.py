"""Labelled utterances as rows: text with a label, several labels, a score, or spans.

{"text", "label"}, {"text", "labels": [...]}, {"text", "score"} or
{"text", "spans": [{"label", "start", "end"}]}; `intent` counts as label, `entities` as spans, [start, end, label] as a
span. In CSV, lists are JSON in a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from dialoop.conversation.example import EXAMPLE_META, Example
from dialoop.conversation.faults import Refusal
from dialoop.conversation.forms.page import Page, meta_of, text_of
from dialoop.conversation.json_text import parse_json, shorten
from dialoop.conversation.record import SlotSpan

_NAMES = {"labels": ("label", "labels", "intent"), "scores": ("score",), "spans": ("spans", "entities")}


def fits(form: str) -> Callable[[Any], bool]:
    """A test of whether a row has this form: its own fields and those of no other."""

    def test(value: Any) -> bool:
        if not isinstance(value, dict) or "text" not in value:
            return False
        found = {name for name, keys in _NAMES.items() if any(key in value for key in keys)}
        return found == {form}

    return test


def read(form: str) -> Callable[[Any, Page], Example]:
    """A reader of rows of this form; it raises Refusal."""
    take = {"labels": _labels, "scores": _score, "spans": _spans}[form]

    def reader(value: Any, page: Page) -> Example:
        if not isinstance(value, dict):
            raise Refusal("the record is no JSON object", _REMEDIES[form])
        text = text_of(value, "text", _REMEDIES[form])
        key = next((key for key in _NAMES[form] if value.get(key) is not None), None)
        if key is None:
            raise Refusal(f"{_NAMES[form][0]!r} is missing", _REMEDIES[form], "field")
        meta = meta_of(value, EXAMPLE_META, page)
        extra = {name: item for name, item in value.items() if name not in (*EXAMPLE_META, "text", key)}
        return Example(text=text, **take(value[key]), **meta, extra=extra, place=page.place)  # type: ignore[arg-type]

    return reader


def write(example: Example) -> dict[str, Any]:
    """The row of an example, of whichever kind."""
    row: dict[str, Any] = {key: getattr(example, key) for key in ("id", "text") if getattr(example, key) is not None}
    if example.spans is not None:
        row["spans"] = [span.model_dump() for span in example.spans]
    elif example.labels is not None:
        row["labels"] = list(example.labels)
    elif example.score is not None:
        row["score"] = example.score
    else:
        row["label"] = example.label
    row |= {key: getattr(example, key) for key in EXAMPLE_META[1:] if getattr(example, key) is not None}
    return row | example.extra


_REMEDIES = {
    "labels": 'write {"text": "...", "label": "..."} or {"text": "...", "labels": ["...", "..."]}',
    "scores": 'write {"text": "...", "score": 0.5}',
    "spans": 'write {"text": "...", "spans": [{"label": "...", "start": 0, "end": 4}]}',
}


def _labels(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = parse_json(value)
    if isinstance(value, list):
        if not all(isinstance(label, str) for label in value):
            raise Refusal(f"'labels' holds what is no text: {shorten(str(value))}", _REMEDIES["labels"], "label")
        return {"labels": tuple(value)}
    if isinstance(value, bool | float) or not isinstance(value, str | int):
        raise Refusal(f"the label is no text: {shorten(str(value))}", _REMEDIES["labels"], "label")
    return {"label": str(value)}


def _score(value: Any) -> dict[str, Any]:
    try:
        if isinstance(value, bool) or "_" in str(value):  # which Python alone takes for a part of a number
            raise ValueError
        return {"score": float(value)}
    except (TypeError, ValueError, OverflowError):
        raise Refusal(f"the score is no number: {shorten(str(value))}", _REMEDIES["scores"], "score") from None


def _spans(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = parse_json(value)
    if not isinstance(value, list):
        raise Refusal(f"'spans' is no list: {shorten(str(value))}", _REMEDIES["spans"], "span")
    spans = []
    for index, item in enumerate(value):
        if isinstance(item, list) and len(item) == 3:
            item = {"label": item[2], "start": item[0], "end": item[1]}
        try:
            spans.append(SlotSpan.model_validate(item))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            reason = f"spans[{index}]{'.' if field else ''}{field}: {first['msg']}; found {shorten(str(item))}"
            raise Refusal(reason, _REMEDIES["spans"], "span") from None
    return {"spans": tuple(spans)}
