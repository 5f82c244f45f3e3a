"""Finds out by a file's first lines what it is: the container (JSONL, JSON, a table, lines) and its records' form.

The name of the file is not looked at. It reads a head of at most 50 lines and 1 MB, of a JSON file whose records go
over many lines 1 MB, and nothing of the rest.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dialoop.conversation.faults import Fault, Refusal
from dialoop.conversation.forms.registry import FORMS, LineForm, RowForm, form_named
from dialoop.conversation.json_text import parse_json, shorten
from dialoop.conversation.lines import Line
from dialoop.conversation.rows import SEPARATOR, Row, array_rows

HEAD_LINES = 50
_JSON_LINES = 50_000
_HEAD_CHARACTERS = 1_000_000
_DELIMITERS = {"csv": ",", "tsv": "\t", "ssv": ";"}


@dataclass(frozen=True)
class Recognised:
    """What a file is. `container` is jsonl, json, csv, tsv, ssv (semicolons) or lines.

    Not `certain`: none of the first lines can be read, and reading tells why.
    """

    form: RowForm | LineForm
    container: str
    certain: bool = True

    @property
    def name(self) -> str | None:
        """The form's name; none where no line could be read."""
        return self.form.name if self.certain else None

    def __str__(self) -> str:
        if not self.certain:
            return "nothing that can be read"
        return f"{self.form.title}; {_TITLES[self.container]}"

    @property
    def delimiter(self) -> str:
        """What parts the cells of a table."""
        return _DELIMITERS[self.container]


_TITLES = {
    "jsonl": "JSON lines",
    "json": "one JSON file",
    "csv": "table with commas",
    "tsv": "table with tabs",
    "ssv": "table with semicolons",
    "lines": "text lines",
}


def take_head(lines: Iterator[Line | Fault]) -> list[Line | Fault]:
    """The first lines, for `recognise`; they are to be read again with the rest."""
    head: list[Line | Fault] = []
    size, most, begun = 0, HEAD_LINES, False
    for line in lines:
        head.append(line)
        if isinstance(line, Line):
            size += len(line.text)
            if not begun and line.text.strip():  # a record over many lines may be longer than any number of them
                begun = True
                most = _JSON_LINES if _is_json(line.text) and _json_container([line.text]) == "json" else HEAD_LINES
        if len(head) >= most or size > _HEAD_CHARACTERS:
            break
    return head


def recognise(head: list[Line | Fault], form: str | None = None) -> Recognised:
    """What a file with this head is; `form` forces the form but not the container.

    Raises Refusal where it is none of the known forms.
    """
    forced = form_named(form) if form else None
    texts = [line.text for line in head if isinstance(line, Line) and line.text.strip()]
    if isinstance(forced, LineForm):
        return Recognised(forced, "lines")
    if not texts:
        return Recognised(forced or FORMS["openai"], "jsonl", certain=False)  # only faults, which the reading tells
    if _is_json(texts[0]):
        container = _json_container(texts)
        rows = _json_values(texts) if container == "jsonl" else _values(array_rows(iter(head), ""))
        return Recognised(forced or _row_form(rows), container)
    return _text(texts, forced)


def _is_json(text: str) -> bool:
    return text.lstrip().startswith(("{", "["))


def _text(texts: list[str], forced: RowForm | None) -> Recognised:
    if len(texts) > 1 and SEPARATOR.fullmatch(texts[0]):
        texts = texts[1:]
    for container, delimiter in _DELIMITERS.items():
        try:
            header = [cell.strip() for cell in next(csv.reader([texts[0]], delimiter=delimiter))]
        except csv.Error:
            continue
        fitting = _fitting([dict.fromkeys(header, "")])
        if len(header) > 1 and (forced or fitting):
            return Recognised(forced or fitting[0], container)
    if forced:
        raise Refusal(f"the form {forced.name} needs JSON lines, JSON, or a table with a header line", _remedy())
    for form in FORMS.values():
        if isinstance(form, LineForm) and form.fits(texts[:HEAD_LINES]):
            return Recognised(form, "lines")
    raise Refusal(
        "the form of this file is not recognised: neither JSON, nor a known table, columns or transcript; "
        f"it begins with {shorten(texts[0])}",
        _remedy(),
    )


def _json_container(texts: list[str]) -> str:
    """An array, or an object that goes on after the first line, is one JSON file; all else is a record a line."""
    first = texts[0].strip()
    return "json" if first.startswith("[") or first[-1] in "{[,:" else "jsonl"


def _json_values(texts: list[str]) -> list[Any]:
    values = []
    for text in texts:
        try:
            values.append(parse_json(text))
        except Refusal:
            continue
    return values


def _values(rows: Iterator[Row | Fault]) -> list[Any]:
    return [row.value for row in rows if isinstance(row, Row)]


def _row_form(values: list[Any]) -> RowForm:
    if not values:
        return FORMS["openai"]  # type: ignore[return-value]  # nothing but faults, which the reading tells
    fitting = _fitting(values)
    if fitting:
        return fitting[0]
    first = next((value for value in values if isinstance(value, dict)), None)
    found = f"keys {', '.join(map(repr, list(first)[:10]))}" if first else "no JSON objects"
    raise Refusal(f"the form of this file is not recognised; its records have {found}", _remedy())


def _fitting(values: list[Any]) -> list[RowForm]:
    """The forms that fit any of the rows, the one that fits most first."""
    votes = Counter(
        name for value in values for name, form in FORMS.items() if isinstance(form, RowForm) and form.fits(value)
    )
    return [form for name, _ in votes.most_common() if isinstance(form := FORMS[name], RowForm)]


def _remedy() -> str:
    return f"docs/data-forms.md shows the forms; dialoop convert --form reads one by force ({', '.join(FORMS)})"
