"""From records to the lines of a file in any form that can hold them; a record that a form cannot hold is refused.

Nothing is lost in silence: each record is read back from what was written, and compared. `drop` names what may be lost.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from dialoop.conversation.example import EXAMPLE_META, Example
from dialoop.conversation.faults import Fault, Refusal
from dialoop.conversation.forms import conll
from dialoop.conversation.forms.page import Page
from dialoop.conversation.forms.registry import LineForm, Record, RowForm, form_named
from dialoop.conversation.json_text import canonical_json, dump_line, parse_json, parse_tool_arguments
from dialoop.conversation.lines import Line
from dialoop.conversation.record import Conversation
from dialoop.conversation.rows import Row, table_rows
from dialoop.conversation.spans import Scheme
from dialoop.errors import Place, SettingsError

DROPS = ("annotations", "extra", "name", "rejected", "tools", "weight")
"""What may be left out of records on request. `tools`: definitions of tools that the conversation does not call."""

_COLUMNS = {
    "labels": ["text", "label", *EXAMPLE_META],
    "scores": ["text", "score", *EXAMPLE_META],
    "spans": ["text", "spans", *EXAMPLE_META],
    "pairs": ["context", "response", "system", "id", "lang", "source", "split", "customer", "outcome"],
    "alpaca": ["instruction", "input", "output", "system", "id", "lang", "source", "split", "customer", "outcome"],
}


def container_for(path: str | Path, form: str) -> str:
    """How a file of this name is written: jsonl, json, csv, tsv or lines. Raises SettingsError."""
    if isinstance(form_named(form), LineForm):
        return "lines"
    suffixes = [suffix for suffix in Path(path).suffixes if suffix != ".gz"]
    container = {".jsonl": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv"}.get(suffixes[-1] if suffixes else "")
    if container is None:
        raise SettingsError(
            f"the name {Path(path).name!r} does not say how to write it",
            remedy="end it with .jsonl, .json, .csv or .tsv",
        )
    if container in ("csv", "tsv") and form not in _COLUMNS:
        raise SettingsError(f"a table cannot hold the form {form}", remedy="end the name with .jsonl or .json")
    return container


def written(
    records: Iterable[Record],
    form: str,
    container: str,
    *,
    drop: Iterable[str] = (),
    left_out: list[Fault] | None = None,
    scheme: Scheme | None = None,
) -> Iterator[str]:
    """The lines of a file in this form. A record that the form cannot hold raises DataError with its place or id.

    Where a list `left_out` is given it is left out instead, and told there. `scheme`: of the tags of CoNLL columns.
    """
    target, dropped = _with_scheme(form_named(form), scheme), _checked_drop(drop)
    if container in ("csv", "tsv"):
        yield _cells(_COLUMNS[form], container)
    waiting: str | None = None  # in a JSON array, each element but the last is followed by a comma
    if container == "json":
        yield "["
    for number, record in enumerate(records, start=1):
        try:
            lines = _lines(record, target, container, dropped)
        except Refusal as refusal:
            fault = refusal.at(_place_of(record, number), record.id)
            if left_out is None:
                raise fault.to_error() from None
            left_out.append(fault)
            continue
        if container == "json":
            if waiting is not None:
                yield waiting + ","
            waiting = lines[0]
        else:
            yield from lines
    if container == "json":
        if waiting is not None:
            yield waiting
        yield "]"


def _with_scheme(target: RowForm | LineForm, scheme: Scheme | None) -> RowForm | LineForm:
    if scheme is None:
        return target
    if not isinstance(target, LineForm) or target.name != "conll":
        raise SettingsError(f"the form {target.name} has no tags to write in {scheme}", remedy="leave --tags out")
    return replace(target, write=lambda example: conll.write(example, scheme))


def _checked_drop(drop: Iterable[str]) -> set[str]:
    names = set(drop)
    for name in sorted(names - set(DROPS)):
        raise SettingsError(f"{name!r} cannot be dropped", remedy=f"what can be dropped: {', '.join(DROPS)}")
    return names


def _lines(record: Record, target: RowForm | LineForm, container: str, dropped: set[str]) -> list[str]:
    kind = "conversations" if isinstance(record, Conversation) else "examples"
    if target.holds != kind:
        raise Refusal(f"the form {target.name} holds {target.holds}, and this is one of {kind}", "use another form")
    lean = without(record, dropped)
    lines = _written(lean, target, container)
    _check_same(lean, _read_back(lines, target, container))
    return lines


def _place_of(record: Record, number: int) -> Place:
    place = record.place if isinstance(record, Example) else None
    return place or Place(f"record {number} ({record.id})" if record.id else f"record {number}")


def without(record: Record, dropped: set[str]) -> Record:
    """The record less what may be lost."""
    if isinstance(record, Example):
        return Example(**{**vars(record), "extra": {}}) if "extra" in dropped else record
    fields = [name for name in ("name", "rejected", "weight") if name in dropped]
    messages = [message.model_copy(update=dict.fromkeys(fields)) if fields else message for message in record.messages]
    update: dict[str, Any] = {"messages": messages}
    if "annotations" in dropped:
        update["annotations"] = None
    if "tools" in dropped and not any(message.tool_calls for message in messages):
        update["tools"] = []
    return record.model_copy(update=update)


def _written(record: Record, target: RowForm | LineForm, container: str) -> list[str]:
    if isinstance(target, LineForm):
        return target.write(record)
    row = target.write(record)
    if container not in ("csv", "tsv"):
        return [dump_line(row)]
    columns = _COLUMNS[target.name]
    if "labels" in row:
        row["label"] = row.pop("labels")
    unheld = [key for key, value in row.items() if key not in columns and value not in (None, [], {})]
    if unheld:
        raise Refusal(f"a table of this form has no column for {', '.join(unheld)}", "use .jsonl, or --drop extra")
    cells = [_cell(row.get(column)) for column in columns]
    return [_cells(cells, container)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dump_line(value)


def _cells(cells: list[str], container: str) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter="," if container == "csv" else "\t", lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n")


def _read_back(lines: list[str], target: RowForm | LineForm, container: str) -> Record:
    page = Page("written")
    text = [part for line in lines for part in line.split("\n")]
    source: Iterator[Line | Fault] = (Line(at, part.removesuffix("\r")) for at, part in enumerate(text, start=1))
    if isinstance(target, LineForm):
        items = list(target.read(source, page))
    elif container in ("csv", "tsv"):
        delimiter = "," if container == "csv" else "\t"
        header: list[Line | Fault] = [Line(0, _cells(_COLUMNS[target.name], container))]
        rows = table_rows(iter([*header, *source]), "written", delimiter=delimiter)
        items = [target.read(row.value, page) if isinstance(row, Row) else row for row in rows]
    else:
        items = [target.read(parse_json(lines[0]), page)]
    if len(items) != 1 or isinstance(items[0], Fault):
        reason = items[0].reason if items and isinstance(items[0], Fault) else f"it would be {len(items)} records"
        raise Refusal(f"read back, it would not be the same: {reason}", "use the form openai")
    return items[0]


def _check_same(record: Record, back: Record) -> None:
    one, other = _comparable(record), _comparable(back)
    if one != other:
        fields = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
        raise Refusal(f"read back, it would differ in {', '.join(sorted(fields))}", "use .jsonl, or the form openai")


def _comparable(record: Record) -> dict[str, Any]:
    """The record as plain data; call ids by their order, arguments by their value, weight 1 as none."""
    if isinstance(record, Example):
        plain = {**vars(record), "place": None}
        plain["spans"] = [span.model_dump() for span in record.spans or ()]
        return plain
    plain = record.to_json()
    ids: dict[str, int] = {}
    for message in plain["messages"]:
        if message.get("weight") == 1:
            del message["weight"]
        for call in message.get("tool_calls") or []:
            ids[call["id"]] = len(ids)
            call["id"] = ids[call["id"]]
            call["function"]["arguments"] = canonical_json(parse_tool_arguments(call["function"]["arguments"]))
        if "tool_call_id" in message:
            message["tool_call_id"] = ids.get(message["tool_call_id"])
    return plain


__all__ = ["DROPS", "container_for", "written"]
