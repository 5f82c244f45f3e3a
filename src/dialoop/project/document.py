"""Reads a YAML file into plain values, and remembers on which line each of them stands.

Only YAML's plain types are made; nothing in a file can name a Python object. It does not know what the values mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dialoop.errors import Place, SettingsError

LARGEST = 1_000_000
"""Bytes; a project file is a page of text, and a file far above that is another file by mistake."""

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A YAML mapping: its values, and the line (from 1) of each by its key path, e.g. ("tune", "epochs")."""

    path: Path
    values: dict[str, Any]
    lines: dict[Key, int] = field(default_factory=dict)

    def place(self, key: Key) -> Place:
        """Where `key` stands, or the nearest thing around it that has a line."""
        while key and key not in self.lines:
            key = key[:-1]
        return Place(str(self.path), self.lines.get(key))


def read_document(path: Path) -> Document:
    """Read the YAML mapping in `path`. Raises SettingsError with the line for whatever is no such thing."""
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[Key, int] = {}
        if root is not None:
            _note_lines(root, (), path, lines)
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line + 1
        what = f"this is no YAML: {error.problem or error.context}"
        remedy = "a setting is `name: value`, one a line, a section's settings indented by two spaces"
        raise SettingsError(what, where=Place(str(path), line), remedy=remedy) from error
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"this is no YAML: {error}", where=path, remedy="rewrite the line as text") from error
    except RecursionError as error:
        raise SettingsError("nested too deep", where=path, remedy="a project file has two levels") from error
    if values is None:
        values = {}
    if not isinstance(values, dict):
        what = f"settings are `name: value`, and this is a {type(values).__name__}"
        raise SettingsError(what, where=Place(str(path), 1), remedy="write for example `base: mini`")
    return Document(path, values, lines)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise SettingsError("no such file", where=path, remedy="check the path") from error
    if len(raw) > LARGEST:
        raise SettingsError(f"above {LARGEST:,} bytes", where=path, remedy="is this a project file, or a data file?")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SettingsError("this is no UTF-8 text", where=Place(str(path), line), remedy="save it as UTF-8") from error


def _note_lines(node: yaml.Node, key: Key, path: Path, lines: dict[Key, int]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*key, index)] = item.start_mark.line + 1
            _note_lines(item, (*key, index), path, lines)
    if not isinstance(node, yaml.MappingNode):
        return
    for name, value in node.value:
        inner = (*key, str(name.value))
        line = name.start_mark.line + 1
        if inner in lines:
            what = f"`{name.value}` is set twice: here and on line {lines[inner]}"
            raise SettingsError(what, where=Place(str(path), line), remedy="keep one of the two")
        lines[inner] = line
        _note_lines(value, inner, path, lines)
