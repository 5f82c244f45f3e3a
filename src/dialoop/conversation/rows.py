"""From lines to rows: one value a JSONL line, an element of a JSON array, or a line of CSV or TSV, each with its place.

It knows the containers and nothing of what a row means.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from dialoop.conversation.faults import Fault, Refusal
from dialoop.conversation.json_text import parse_json
from dialoop.conversation.lines import DEFAULT_MAX_LINE_BYTES, Line
from dialoop.errors import Place


class Row(NamedTuple):
    """A value and the line where it begins."""

    line: int
    value: Any


def jsonl_rows(lines: Iterator[Line | Fault], path: str) -> Iterator[Row | Fault]:
    """One JSON value a line; blank lines count as lines only."""
    for line in lines:
        if isinstance(line, Fault):
            yield line
        elif line.text.strip():
            yield _row(line.text, line.number, path)


_MARKS = re.compile(r'["\\{}\[\],]')


def array_rows(
    lines: Iterator[Line | Fault], path: str, *, max_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Iterator[Row | Fault]:
    """The elements of one JSON array that may go over many lines, or objects one after another, each read alone."""
    reader = _Elements(path, max_bytes)
    for line in lines:
        if isinstance(line, Fault):
            yield line
            if line.level == "error":
                return
        else:
            yield from reader.feed(line)
            if reader.failed:
                return
    yield from reader.end()


class _Elements:
    """Finds where each element of the outer array ends, without parsing: depth of brackets, and strings."""

    def __init__(self, path: str, max_bytes: int) -> None:
        self.path, self.max_bytes = path, max_bytes
        self.depth = 0
        self.in_string = False
        self.array: bool | None = None
        self.parts: list[str] = []
        self.size = 0
        self.began = 1
        self.failed = False
        self.closed = False

    def feed(self, line: Line) -> Iterator[Row | Fault]:
        text, start, skip = line.text, 0, -1
        if self.array is None and text.strip():
            self.array = text.lstrip().startswith("[")
        for mark in _MARKS.finditer(text):
            at, char = mark.start(), mark.group()
            if self.in_string:
                if at == skip:
                    continue
                if char == "\\":
                    skip = at + 1
                elif char == '"':
                    self.in_string = False
            elif char == '"':
                self.in_string = True
            elif char in "{[":
                self.depth += 1
                if self.array and self.depth == 1:
                    start = at + 1
            elif char in "}]":
                self.depth -= 1
                if self.depth == 0 or self.depth < 0:
                    yield from self._finish(text, start, at if self.array else at + 1, line.number)
                    self.closed = bool(self.array)
                    start = at + 1
            elif char == "," and self.array and self.depth == 1:
                yield from self._finish(text, start, at, line.number)
                start = at + 1
        yield from self._keep(text[start:], line.number)

    def _keep(self, piece: str, line: int) -> Iterator[Fault]:
        if not self.parts and not piece.strip():
            return
        if self.closed:
            self.failed = True
            place = Place(self.path, line)
            yield Fault(place, "text follows after the end of the JSON array", "keep one array a file", kind="json")
            return
        if not self.parts:
            self.began = line
        self.parts.append(piece + "\n")
        self.size += len(piece)
        if self.size > self.max_bytes:
            self.failed = True
            yield Fault(
                Place(self.path, self.began),
                f"one element of the JSON file is longer than the limit of {self.max_bytes / 1e6:,.1f} MB",
                "raise the limit with --max-line-mb, or correct the brackets and quotes from here on",
                kind="long_line",
            )

    def _finish(self, text: str, start: int, end: int, line: int) -> Iterator[Row | Fault]:
        yield from self._keep(text[start:end], line)
        if self.failed:
            return
        element, self.parts, self.size = "".join(self.parts), [], 0
        if element.strip():
            yield _row(element.strip(), self.began, self.path)

    def end(self) -> Iterator[Row | Fault]:
        if self.depth > 0 or "".join(self.parts).strip():
            yield Fault(
                Place(self.path, self.began),
                "the JSON file ends in the middle of the value that begins here",
                "make or fetch the file again; the elements before are sound",
                kind="json",
            )


def table_rows(
    lines: Iterator[Line | Fault], path: str, *, delimiter: str, max_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Iterator[Row | Fault]:
    """A dict a row, keys from the header line. RFC 4180 quoting; a quoted field may go over several lines."""
    csv.field_size_limit(max_bytes)
    source = _TableLines(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        began = source.number + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            place = Place(path, max(began, 1))
            yield Fault(place, f"no valid row: {error}", 'quote cells with " and double the quotes inside', kind="row")
            return
        yield from source.taken()
        if cells is None:
            return
        if not any(cells):
            continue
        if header is None:
            header = [cell.strip() for cell in cells]
            continue
        if len(cells) != len(header):
            yield Fault(
                Place(path, began),
                f"the row has {len(cells)} cells, the header {len(header)}",
                f"give each row the {len(header)} cells of the header; quote cells that hold the delimiter",
                kind="row",
            )
            continue
        yield Row(began, {key: cell for key, cell in zip(header, cells, strict=True) if cell != ""})


class _TableLines:
    """Feeds the csv reader and keeps the faults of lines aside."""

    def __init__(self, lines: Iterator[Line | Fault]) -> None:
        self.lines = lines
        self.faults: list[Fault] = []
        self.number = 0

    def __iter__(self) -> _TableLines:
        return self

    def __next__(self) -> str:
        for line in self.lines:
            if isinstance(line, Line):
                self.number = line.number
                return line.text + "\n"
            self.faults.append(line)
        raise StopIteration

    def taken(self) -> list[Fault]:
        """The faults met since the last call."""
        faults, self.faults = self.faults, []
        return faults


def _row(text: str, line: int, path: str) -> Row | Fault:
    try:
        return Row(line, parse_json(text))
    except Refusal as refusal:
        return refusal.at(Place(path, line))
