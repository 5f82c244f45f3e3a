"""Markdown files cut by their headings into sections, each with the place that a citation names: `file#heading`.

The heading's anchor is made as GitHub makes it, so that it can be linked to. A comment `<!-- also: dog, cat -->` in a
section adds words that customers use for it: they are searched, and never shown. Fenced code is no heading. It knows
files and their text; no search.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dialoop.conversation.language import UNSTATED, script_language
from dialoop.errors import DataError

LONGEST = 1200
"""Characters; a longer section is cut between paragraphs, or where a paragraph alone is longer, between sentences."""
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ALSO = re.compile(r"<!--\s*also\s*:(.*?)-->", re.S | re.I)
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_LANGUAGE = re.compile(r"\.([a-z]{2,3})(?:-[A-Za-z]{2,4})?\.md$")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)(?:\n|\Z)", re.S)


@dataclass(frozen=True)
class Section:
    """A part of a file. `heading` is the nearest one ("" before the first), `above` those it stands under.

    `lang`: what the file's name says (`rules.zh.md`), else what the script shows, else None: any language.
    """

    source: str
    heading: str
    above: tuple[str, ...]
    text: str
    also: str
    lang: str | None

    @property
    def shown(self) -> str:
        """What the model reads: the heading and the text, in one piece."""
        if not self.heading:
            return self.text
        if re.search(r"[?!.:。？！：]$", self.heading):
            return f"{self.heading} {self.text}"
        return f"{self.heading}{'：' if self.lang == 'zh' else ': '}{self.text}"


def markdown_files(folder: Path) -> dict[str, Path]:
    """The Markdown files below `folder` by their names in it; hidden ones are left out."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.md") if path.is_file()}
    return {name: found[name] for name in sorted(found) if not re.search(r"(?:^|/)\.", name)}


def read_file(path: Path) -> tuple[str, str]:
    """The file's text and the SHA-256 of its bytes. Raises DataError."""
    try:
        raw = path.read_bytes()
        return raw.decode("utf-8-sig"), hashlib.sha256(raw).hexdigest()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=path, remedy="check who may read it") from error
    except UnicodeDecodeError as error:
        raise DataError(f"this is no UTF-8 text (byte {error.start})", where=path, remedy="save it as UTF-8") from error


def sections(text: str, name: str) -> list[Section]:
    """The sections of the file `name`, in order; those without text are left out."""
    named = _LANGUAGE.search(name)
    taken: Counter[str] = Counter()
    made: list[Section] = []
    for above, heading, raw in _parts(text):
        source = name
        if heading:
            source = f"{name}#{_anchor(heading, taken)}"
        also = " ".join(_ALSO.findall(raw))
        body = _COMMENT.sub("", raw).strip()
        if not body:
            continue
        script = script_language(f"{heading}\n{body}")
        lang = named[1] if named else None if script == UNSTATED else script
        made += [Section(source, heading, above, piece, also, lang) for piece in _pieces(body)]
    return made


def _parts(text: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """The headings above, the heading, and the raw text below it."""
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    fence = ""
    for line in _MATTER.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n"):
        if fenced := _FENCE.match(line):
            if not fence:
                fence = fenced[1]
            elif fenced[1].startswith(fence):
                fence = ""
        heading = None if fence else _heading(line, lines)
        if heading is None:
            lines.append(line)
            continue
        yield _above(path), path[-1][1] if path else "", "\n".join(lines)
        level, title = heading
        path = [*(one for one in path if one[0] < level), (level, title)]
        lines = []
    yield _above(path), path[-1][1] if path else "", "\n".join(lines)


def _heading(line: str, before: list[str]) -> tuple[int, str] | None:
    """Level and words of a heading; an underlined one takes its words off the lines before it."""
    if found := _HEADING.match(line):
        return len(found[1]), _plain(found[2] or "")
    if (found := _UNDERLINE.match(line)) and before and before[-1].strip():
        alone = len(before) == 1 or not before[-2].strip()
        if alone and not re.match(r"\s*(?:[-*+>|]|\d+[.)]\s)", before[-1]):
            return (1 if found[1][0] == "=" else 2), _plain(before.pop())
    return None


def _plain(heading: str) -> str:
    """The words of a heading without links' targets, emphasis and code signs."""
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", _COMMENT.sub("", heading))
    return re.sub(r"[*`]", "", words).strip()


def _above(path: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(title for _, title in path[:-1] if title)


def _anchor(heading: str, taken: Counter[str]) -> str:
    anchor = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
    number = taken[anchor]
    taken[anchor] += 1
    return f"{anchor}-{number}" if number else anchor


def _pieces(body: str) -> list[str]:
    """The text in pieces of at most `LONGEST` characters; a sentence is never cut."""
    if len(body) <= LONGEST:
        return [body]
    pieces = [""]
    for paragraph in re.split(r"\n[ \t]*\n", body):
        parts = [paragraph] if len(paragraph) <= LONGEST else [one for one in _SENTENCE.split(paragraph) if one]
        for number, part in enumerate(parts):
            joint = "\n\n" if not number else "" if re.search(r"[。！？]$", pieces[-1]) else " "
            if pieces[-1] and len(pieces[-1]) + len(joint) + len(part) <= LONGEST:
                pieces[-1] += joint + part
            else:
                pieces.append(part)
    return [piece.strip() for piece in pieces if piece.strip()]
