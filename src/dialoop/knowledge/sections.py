"""Markdown files cut by their headings into sections, each with the place that a citation names: `file#heading`.

The heading's anchor is made as GitHub makes it, so that it can be linked to. A comment `<!-- also: dog, cat -->` in a
section adds words that customers use for it: they are searched, and never shown. Comments and fenced code
hold no headings, and code holds no comments. It knows files and their text; no search.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dialoop.conversation.language import UNSTATED, script_language
from dialoop.errors import DataError

LONGEST = 1200
"""Characters; a longer section is cut between paragraphs, or where a paragraph alone is longer, between the lines of a
list or a table, or sentences."""
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_APART = re.compile(
    r"(?P<comment><!--.*?-->)|(?:^ {0,3}(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})[^\n]*$)|(?P<code>`[^`\n]+`)", re.S | re.M
)
"""What is read before headings are: comments, where fenced code begins, code within a line."""
_MARK = re.compile(r"\0(\d+)\0")
_ALSO = re.compile(r"<!--\s*also\s*:(.*?)-->", re.S | re.I)
_LANGUAGE = re.compile(r"\.([a-z]{2,3})(?:-[a-z]{2,4})?\.md$", re.I)
_LINE = re.compile(r"[ \t]*(?:[-*+>|`~]|\d+[.)])")
"""How a line of a list, a table or of code begins: they stay lines."""
_TABLE = re.compile(r"[ \t]*[^\n]*\|[^\n]*\n[ \t]*\|?[ \t:|-]*-[ \t:|-]*\n")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?\n)??(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_SETTING = re.compile(r"[ \t#}\]\[-]|[\w.\"'-]+\s*[:=]|$")
"""How each line of front matter begins: what stands between two rules at the top may be text as well."""


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
    paths = [path for path in folder.rglob("*") if path.suffix.lower() == ".md" and path.is_file()]
    found = {path.relative_to(folder).as_posix(): path for path in paths}
    for name, path in found.items():
        if not name.isascii() and re.search("[\ud800-\udfff]", name):
            where = os.fsencode(path).decode("utf-8", "backslashreplace")
            raise DataError("the name of this file is no UTF-8 text", where=where, remedy="rename it")
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
    taken: dict[str, int] = {}
    made: list[Section] = []
    below: dict[tuple[str, ...], str] = {}  # the words of sections that have no text of their own
    for above, heading, raw, words in _parts(text):
        source = name
        if heading:
            source = f"{name}#{_anchor(heading, taken)}"
        body = raw.strip()
        if not body:
            below[(*above, heading)] = words
            continue
        also = " ".join([*(below.get(above[: size + 1], "") for size in range(len(above))), words]).strip()
        script = script_language(f"{heading}\n{body}")
        lang = named[1].lower() if named else None if script == UNSTATED else script
        made += [Section(source, heading, above, piece, also, lang) for piece in _pieces(body)]
    return made


def _parts(text: str) -> Iterator[tuple[tuple[str, ...], str, str, str]]:
    """The headings above, the heading, the text below it without comments, and the words of customers in those."""
    marked, apart = _marked(_without_matter(text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")))
    path: list[tuple[int, str]] = []
    lines: list[str] = []

    def part() -> tuple[tuple[str, ...], str, str, str]:
        raw = "\n".join(lines)
        stood = [apart[int(number)] for number in _MARK.findall(raw)]
        words = " ".join(word for one in stood if one.startswith("<!--") for word in _ALSO.findall(one))
        body = _MARK.sub(lambda mark: "" if apart[int(mark[1])].startswith("<!--") else apart[int(mark[1])], raw)
        return _above(path), path[-1][1] if path else "", body, words

    for line in marked.split("\n"):
        heading = _heading(line, lines)
        if heading is None:
            lines.append(line)
            continue
        yield part()
        level, title = heading
        path = [*(one for one in path if one[0] < level), (level, title)]
        lines = [mark[0] for mark in _MARK.finditer(line)]
    yield part()


def _without_matter(text: str) -> str:
    """The text without its front matter (YAML or TOML)."""
    found = _MATTER.match(text)
    settings = found is not None and all(_SETTING.match(line) for line in (found[2] or "").split("\n"))
    return text[found.end() :] if found and settings else text


def _marked(text: str) -> tuple[str, list[str]]:
    """The text with a mark (NUL number NUL) in the place of each comment and each piece of fenced code, and those."""
    parts: list[str] = []
    apart: list[str] = []
    place = 0
    while found := _APART.search(text, place):
        end = found.end()
        if found["code"]:
            parts.append(text[place:end])
        else:
            if sign := found["fence"]:
                close = re.compile(rf"^ {{0,3}}{sign[0]}{{{len(sign)},}}[ \t]*$", re.M).search(text, end)
                end = close.end() if close else len(text)
            parts += [text[place : found.start()], f"\0{len(apart)}\0"]
            apart.append(text[found.start() : end])
        place = end
    return "".join([*parts, text[place:]]), apart


def _heading(line: str, before: list[str]) -> tuple[int, str] | None:
    """Level and words of a heading; an underlined one takes its words off the lines before it."""
    if found := _HEADING.match(line):
        return len(found[1]), _plain(found[2] or "")
    last = [_MARK.sub("", one).strip() for one in before[-2:]]
    if (found := _UNDERLINE.match(line)) and last and last[-1]:
        alone = len(last) == 1 or not last[0]
        if alone and not re.match(r"\s*(?:[-*+>|]|\d+[.)]\s)", before[-1]):
            return (1 if found[1][0] == "=" else 2), _plain(before.pop())
    return None


def _plain(heading: str) -> str:
    """The words of a heading without links' targets, emphasis, code signs and HTML."""
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", _MARK.sub("", heading))
    return re.sub(r"</?[A-Za-z][^>]*>|[*`]", "", words).strip()


def _above(path: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(title for _, title in path[:-1] if title)


def _anchor(heading: str, taken: dict[str, int]) -> str:
    anchor = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
    made = anchor
    while made in taken:
        taken[anchor] += 1
        made = f"{anchor}-{taken[anchor]}"
    taken[made] = 0
    return made


def _pieces(body: str) -> list[str]:
    """The text in pieces of at most `LONGEST` characters; a sentence is never cut, nor a line of a list or a table.

    A table that goes on in another piece has its head there, too.
    """
    if len(body) <= LONGEST:
        return [body]
    pieces = [""]
    for paragraph in re.split(r"\n[ \t]*\n", body):
        table = _TABLE.match(paragraph)
        head = table[0] if table and len(table[0]) <= LONGEST // 2 else ""
        for number, (joint, part) in enumerate(_parts_of(paragraph)):
            joint = "" if joint == " " and re.search(r"[。！？]$", pieces[-1]) else joint
            if pieces[-1] and len(pieces[-1]) + len(joint) + len(part) <= LONGEST:
                pieces[-1] += joint + part
            else:
                pieces.append(head + part if number > 1 else part)
    return [piece.strip() for piece in pieces if piece.strip()]


def _parts_of(paragraph: str) -> Iterator[tuple[str, str]]:
    """What a paragraph may be cut into, each with the signs between it and what stands before."""
    lines = paragraph.split("\n")
    if len(paragraph) <= LONGEST or not any(_LINE.match(line) or "|" in line for line in lines):
        lines = [paragraph]
    for at, line in enumerate(lines):
        parts = [line] if len(line) <= LONGEST else [one for one in _SENTENCE.split(line) if one]
        for number, part in enumerate(parts):
            yield " " if number else "\n" if at else "\n\n", part
