"""Reading: a file's form is recognised, and its records come one at a time, faults among them, in bounded memory.

`scan` refuses nothing and tells everything; `read_conversations` and `read_examples` stop at the first error.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dialoop.conversation.example import Example
from dialoop.conversation.faults import Fault, Refusal
from dialoop.conversation.forms import openai
from dialoop.conversation.forms.page import Page
from dialoop.conversation.lines import DEFAULT_MAX_LINE_BYTES, read_lines
from dialoop.conversation.record import Conversation
from dialoop.conversation.rows import jsonl_rows
from dialoop.conversation.rules import check_conversation


def scan(
    path: str | Path, *, form: str | None = None, encoding: str = "utf-8", max_line_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Iterator[Conversation | Example | Fault]:
    """Each record of a file after its warnings; a refused record gives its faults only."""
    page = Page(str(path))
    lines = read_lines(path, encoding=encoding, max_line_bytes=max_line_bytes)
    for row in jsonl_rows(lines, page.path):
        if isinstance(row, Fault):
            yield row
            continue
        page.line = row.line
        try:
            conversation = openai.read(row.value, page)
        except Refusal as refusal:
            yield refusal.at(page.place)
            continue
        faults = page.take_warnings() + check_conversation(conversation, page.place)
        yield from faults
        if not any(fault.level == "error" for fault in faults):
            yield conversation


def read_conversations(path: str | Path, *, form: str | None = None, encoding: str = "utf-8") -> Iterator[Conversation]:
    """The conversations of a file. Raises DataError at the first error."""
    for item in scan(path, form=form, encoding=encoding):
        if isinstance(item, Fault) and item.level == "error":
            raise item.to_error()
        if isinstance(item, Conversation):
            yield item
