"""Reading: a file's form is recognised, and its records come one at a time, faults among them, in bounded memory.

`scan` refuses nothing and tells everything; `read_conversations` and `read_examples` stop at the first error.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dialoop.conversation.example import Example
from dialoop.conversation.faults import Fault, Refusal
from dialoop.conversation.forms.page import Page
from dialoop.conversation.forms.registry import LineForm, Record, form_named
from dialoop.conversation.lines import DEFAULT_MAX_LINE_BYTES, Line, read_lines
from dialoop.conversation.recognition import Recognised, recognise, take_head
from dialoop.conversation.record import Conversation
from dialoop.conversation.rows import Row, array_rows, jsonl_rows, table_rows
from dialoop.conversation.rules import check_conversation, check_example
from dialoop.errors import DataError, Place


def scan(
    path: str | Path, *, form: str | None = None, encoding: str = "utf-8", max_line_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Iterator[Conversation | Example | Fault]:
    """Each record of a file after its warnings; a refused record gives its faults only.

    `form` forces the form (`FORMS` names them), `encoding` is stated where it is not UTF-8. Raises SettingsError for an
    unknown form or encoding; all else that can be wrong comes as a Fault.
    """
    found = _what_is(path, form, encoding, max_line_bytes)
    if isinstance(found, Fault):
        yield found
    else:
        for _, item in scan_placed(path, found, encoding=encoding, max_line_bytes=max_line_bytes):
            yield item


def what_is(
    path: str | Path, *, form: str | None = None, encoding: str = "utf-8", max_line_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Recognised:
    """The form and container of a file. Raises DataError where neither is recognised, SettingsError like `scan`."""
    found = _what_is(path, form, encoding, max_line_bytes)
    if isinstance(found, Fault):
        raise found.to_error()
    return found


def scan_placed(
    path: str | Path, found: Recognised, *, encoding: str = "utf-8", max_line_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Iterator[tuple[Place, Conversation | Example | Fault]]:
    """Like `scan`, for a file that has been recognised, each item with its place."""
    page = Page(str(path))
    lines = read_lines(path, encoding=encoding, max_line_bytes=max_line_bytes)
    empty = True
    for item in _records(lines, found, page, max_line_bytes, encoding):
        empty = empty and isinstance(item, Fault) and item.level == "warning"
        if isinstance(item, Fault):
            yield item.place, item
            continue
        faults = page.take_warnings() + [fault.in_record(page.nth) for fault in _check(item, page.place)]
        for fault in faults:
            yield fault.place, fault
        if not any(fault.level == "error" for fault in faults):
            yield page.place, item
    if empty:
        place = Place(str(path))
        yield place, Fault(place, "the file holds no records", "give a file with records", kind="empty")


def read_conversations(
    path: str | Path, *, form: str | None = None, encoding: str = "utf-8", max_line_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Iterator[Conversation]:
    """The conversations of a file. Raises DataError at the first error, and where the file holds labelled texts."""
    for item in _sound(scan(path, form=form, encoding=encoding, max_line_bytes=max_line_bytes)):
        if not isinstance(item, Conversation):
            raise DataError("the file holds labelled texts, not conversations", where=item.place, remedy=_OTHER)
        yield item


def read_examples(
    path: str | Path, *, form: str | None = None, encoding: str = "utf-8", max_line_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Iterator[Example]:
    """The labelled texts of a file. Raises DataError at the first error, and where the file holds conversations."""
    for item in _sound(scan(path, form=form, encoding=encoding, max_line_bytes=max_line_bytes)):
        if not isinstance(item, Example):
            raise DataError("the file holds conversations, not labelled texts", where=str(path), remedy=_OTHER)
        yield item


_OTHER = "give a file of the other kind; docs/data-forms.md shows each form"


def _sound(items: Iterator[Conversation | Example | Fault]) -> Iterator[Record]:
    for item in items:
        if not isinstance(item, Fault):
            yield item
        elif item.level == "error":
            raise item.to_error()


def _check(record: Record, place: Place) -> list[Fault]:
    return check_conversation(record, place) if isinstance(record, Conversation) else check_example(record, place)


def _what_is(path: str | Path, form: str | None, encoding: str, max_line_bytes: int) -> Recognised | Fault:
    if form is not None:
        form_named(form)
    head = take_head(read_lines(path, encoding=encoding, max_line_bytes=max_line_bytes))
    try:
        return recognise(head, form)
    except Refusal as refusal:
        first = next((line.number for line in head if isinstance(line, Line)), None)
        return refusal.at(Place(str(path), first))


def _records(
    lines: Iterator[Line | Fault], found: Recognised, page: Page, max_bytes: int, encoding: str
) -> Iterator[Record | Fault]:
    form = found.form
    if isinstance(form, LineForm):
        yield from form.read(lines, page)
        return
    page.line = 0
    for row in _rows(lines, found, page.path, max_bytes, encoding):
        if isinstance(row, Fault) and (row.level == "warning" or found.container != "json"):
            yield row  # elsewhere a line begins one record at most
            continue
        line = row.place.line if isinstance(row, Fault) else row.line
        page.line, page.nth = line or 0, page.nth + 1 if line == page.line else 1
        if isinstance(row, Fault):
            yield row.in_record(page.nth)
            continue
        try:
            yield form.read(row.value, page)
        except Refusal as refusal:
            yield refusal.at(page.place, _id_of(row.value)).in_record(page.nth)


def _rows(
    lines: Iterator[Line | Fault], found: Recognised, path: str, max_bytes: int, encoding: str
) -> Iterator[Row | Fault]:
    if found.container == "jsonl":
        return jsonl_rows(lines, path)
    if found.container == "json":
        return array_rows(lines, path, max_bytes=max_bytes, encoding=encoding)
    return table_rows(lines, path, delimiter=found.delimiter, max_bytes=max_bytes)


def _id_of(value: Any) -> str | None:
    identity = value.get("id") if isinstance(value, dict) else None
    return identity if isinstance(identity, str) and identity else None
