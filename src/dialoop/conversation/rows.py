"""From lines to rows: one value a JSONL line, an element of a JSON array, or a line of CSV or TSV, each with its place.

It knows the containers and nothing of what a row means.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from dialoop.conversation.faults import Fault, Refusal
from dialoop.conversation.json_text import parse_json
from dialoop.conversation.lines import DEFAULT_MAX_LINE_BYTES, Line, check_encoding
from dialoop.errors import Place


class Row(NamedTuple):
    """A value and the line where it begins."""

    line: int
    value: Any


SEPARATOR = re.compile('"?sep=[,;\t]"?')
"""What Excel wants before the header of a table, so that it takes the delimiter that is named."""


def jsonl_rows(lines: Iterator[Line | Fault], path: str) -> Iterator[Row | Fault]:
    """One JSON value a line; blank lines count as lines only."""
    for line in lines:
        if isinstance(line, Fault):
            yield line
        elif line.text.strip():
            yield _row(line.text, line.number, path)


_MARKS = re.compile(r'["\\{}\[\],]')
_NO_TEXT = re.compile("[\x00\udc80-\udcff]")


def array_rows(
    lines: Iterator[Line | Fault], path: str, *, max_bytes: int = DEFAULT_MAX_LINE_BYTES, encoding: str = "utf-8"
) -> Iterator[Row | Fault]:
    """The elements of one JSON array that may go over many lines, or objects one after another, each read alone.

    An element with bytes that are no text is left out, and the next one read, where the brackets and quotes of its line
    can be trusted: in UTF-8. After any other line that cannot be read nothing is.
    """
    reader = _Elements(path, max_bytes)
    for line in lines:
        if isinstance(line, Line):
            yield from reader.feed(line)
        elif line.level == "warning":
            yield line
        elif line.ends or line.seen is None or check_encoding(encoding) != "utf-8":
            yield line if line.ends else line.and_no_more()
            return
        else:
            yield line
            reader.told = True
            yield from reader.feed(Line(line.place.line or 1, line.seen))
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
        self.told = False  # a line that cannot be read has been told, and no element was left out for it yet

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
        if self.failed or (not self.parts and not piece.strip()):
            return
        if self.closed:
            self.failed = True
            place = Place(self.path, line)
            fault = Fault(place, "text follows after the end of the JSON array", "keep one array a file", kind="json")
            yield fault.and_no_more()
            return
        if not self.parts and not self.array and piece.lstrip().startswith(","):
            self.failed = True
            remedy = "take out the commas between records, or put [ before the first one and ] after the last"
            fault = Fault(Place(self.path, line), "a comma follows a record that is in no array", remedy, kind="json")
            yield fault.and_no_more()
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
            ).and_no_more()

    def _finish(self, text: str, start: int, end: int, line: int) -> Iterator[Row | Fault]:
        yield from self._keep(text[start:end], line)
        if self.failed:
            return
        element, self.parts, self.size = "".join(self.parts), [], 0
        if _NO_TEXT.search(element):
            if not self.told:
                reason, remedy = "the element holds bytes that are no text", "correct its characters"
                yield Fault(Place(self.path, self.began), reason, remedy, kind="encoding")
            self.told = False
        elif element.strip():
            row = _row(element.strip(), self.began, self.path)
            if isinstance(row, Fault) and line > self.began:
                row = replace(row, reason=f"{row.reason}; the element goes on to line {line}")
            yield row

    def end(self) -> Iterator[Row | Fault]:
        if self.depth > 0 or "".join(self.parts).strip():
            yield Fault(
                Place(self.path, self.began),
                "the JSON file ends in the middle of the value that begins here",
                "make or fetch the file again; the elements before are sound",
                kind="json",
                ends=True,
            )


def table_rows(
    lines: Iterator[Line | Fault], path: str, *, delimiter: str, max_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Iterator[Row | Fault]:
    """A dict a row, keys from the header line. RFC 4180 quoting; a quoted field may go over several lines.

    After a row that is none the next line is read, where it is sure to begin a row.
    """
    csv.field_size_limit(max_bytes)
    source = _TableLines(lines, path, delimiter)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        source.began = source.number + 1
        faults: list[Fault] = []
        cells: list[str] | None = []
        try:
            cells = next(reader, None)
        except csv.Error as error:
            faults = [] if source.cut else [source.no_row(error)]
            reader = csv.reader(source, delimiter=delimiter, strict=True)
        faults = source.taken() + faults
        refused = any(fault.level == "error" for fault in faults)
        if header is None and refused and not any(fault.ends for fault in faults):
            faults[-1] = faults[-1].and_no_more()
        yield from faults
        if cells is None or any(fault.ends for fault in faults):
            return
        if refused or not any(cells) or (header is None and SEPARATOR.fullmatch(delimiter.join(cells))):
            continue
        place = Place(path, source.began)
        if header is None:
            header = [cell.strip() or f"column {at}" for at, cell in enumerate(cells, start=1)]
            twice = [name for name, times in Counter(header).items() if times > 1]
            if twice:
                remedy = "give each column a name of its own"
                yield Fault(place, f"two columns are named {twice[0]!r}", remedy, kind="row").and_no_more()
                return
        elif len(cells) != len(header):
            yield Fault(
                place,
                f"the row has {len(cells)} cells, the header {len(header)}",
                f"give each row the {len(header)} cells of the header; quote cells that hold the delimiter",
                kind="row",
            )
        else:
            yield Row(source.began, {key: cell for key, cell in zip(header, cells, strict=True) if cell != ""})


class _TableLines:
    """Feeds the csv reader and keeps the faults of lines aside; tells what is no row, and where the next one begins."""

    def __init__(self, lines: Iterator[Line | Fault], path: str, delimiter: str) -> None:
        self.lines, self.path, self.delimiter = lines, path, delimiter
        self.faults: list[Fault] = []
        self.began, self.number = 1, 0
        self.text = ""
        self.cut = False  # a line that cannot be seen ended the reading
        self.ended = False

    def __iter__(self) -> _TableLines:
        return self

    def __next__(self) -> str:
        for line in self.lines if not self.cut else ():
            if isinstance(line, Line):
                self.number, self.text = line
                return self.text + "\n"
            self.faults.append(line)
            if line.level == "warning":
                continue
            if line.ends or line.seen is None:
                self.faults[-1] = line if line.ends else line.and_no_more()
                self.cut = True
                break
            self.number, self.text = line.place.line or self.number + 1, line.seen
            return self.text + "\n"
        self.ended = True
        raise StopIteration

    def taken(self) -> list[Fault]:
        """The faults met since the last call."""
        faults, self.faults = self.faults, []
        return faults

    def no_row(self, error: csv.Error) -> Fault:
        """What the csv reader refuses; the last fault where the next row's beginning is not sure."""
        over = self.number > self.began
        reason = f"lines {self.began} to {self.number} are no valid row: {error}" if over else f"no valid row: {error}"
        remedy = 'quote cells with " and double the quotes inside'
        fault = Fault(Place(self.path, self.began), reason, remedy, kind="row")
        return fault.and_no_more() if (over if self.ended else self._goes_on(over)) else fault

    def _goes_on(self, inside: bool) -> bool:
        """Whether a quoted cell may go on after the line at hand. `inside`: the line began within one.

        Quotation marks in even numbers stand for themselves, or for an empty cell.
        """
        single = [marks.start() for marks in re.finditer('"+', self.text) if len(marks.group()) % 2]
        if not single:
            return inside
        before = self.text[: single[-1]].rstrip(" ")
        return not before or before.endswith(self.delimiter)


def _row(text: str, line: int, path: str) -> Row | Fault:
    try:
        return Row(line, parse_json(text))
    except Refusal as refusal:
        return refusal.at(Place(path, line))
