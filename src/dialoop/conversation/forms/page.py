"""What a form is told of the file it reads, and the one way in which it may say something without refusing a record."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from dialoop.conversation.faults import Fault, Refusal
from dialoop.conversation.json_text import shorten
from dialoop.errors import Place


@dataclass
class Page:
    """The file and the line that is being read; warnings are collected until they are taken.

    `nth`: which of the records that begin on this line is being read.
    """

    path: str
    line: int = 1
    nth: int = 1
    warnings: list[Fault] = field(default_factory=list)
    said: set[str] = field(default_factory=set)

    @property
    def place(self) -> Place:
        """The line that is being read."""
        return Place(self.path, self.line)

    @property
    def made_id(self) -> str:
        """A record's id where it has none: from the file's name and the line, and which of the line's records it is."""
        stem = PurePath(self.path).name.split(".")[0] or "record"
        return f"{stem}-{self.line}" if self.nth == 1 else f"{stem}-{self.line}.{self.nth}"

    def say_once(self, kind: str, reason: str, remedy: str) -> None:
        """A warning at this line, once a file for each reason."""
        if reason not in self.said:
            self.said.add(reason)
            more = " (said once for this file)"
            self.warnings.append(Fault(self.place, reason + more, remedy, "warning", kind=kind))

    def take_warnings(self) -> list[Fault]:
        """The warnings since the last call."""
        warnings, self.warnings = self.warnings, []
        return warnings


def is_made(identity: str, place: Place) -> bool:
    """Whether an id was made from a file's name and line, and names nothing: files of one name give it twice."""
    made = Page(place.path, place.line or 1).made_id
    return identity == made or re.fullmatch(rf"{re.escape(made)}\.\d+", identity) is not None


def text_of(row: dict[str, Any], key: str, remedy: str) -> str:
    """The text under a key. Raises Refusal where it is absent, blank or no text."""
    value = row.get(key)
    if not isinstance(value, str):
        found = "is missing" if value is None else f"is no text: {shorten(str(value))}"
        raise Refusal(f"{key!r} {found}", remedy, "field")
    if not value.strip():
        raise Refusal(f"{key!r} is blank", remedy, "field")
    return value


def meta_of(row: dict[str, Any], keys: tuple[str, ...], page: Page) -> dict[str, str]:
    """The named fields that say where a record comes from, as text. Whole numbers are written out."""
    meta: dict[str, str] = {}
    for key in keys:
        value = row.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Refusal(f"{key!r} is no text: {shorten(str(value))}", "write it as text", "field")
        meta[key] = str(value)
    return meta
