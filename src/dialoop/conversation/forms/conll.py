"""CoNLL columns: a token a line, its tag in the last column, a blank line between sentences.

Tags are IOB1, IOB2 (BIO), BILOU or BIOES. Columns are parted by tabs or spaces. Comment lines as in CoNLL-U: `# text =`
gives the sentence itself (so that offsets are exact), `# sent_id =`, `# lang =`, `# split =`, `# source =`,
`# customer =` and `# document =` the rest; a line that begins with `-DOCSTART-` begins a document. Without
`# text` tokens are joined by spaces, those of Chinese and Japanese without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from dialoop.conversation.example import EXAMPLE_META, Example
from dialoop.conversation.faults import Fault, Refusal
from dialoop.conversation.forms.page import Page
from dialoop.conversation.json_text import shorten
from dialoop.conversation.lines import Line
from dialoop.conversation.record import SlotSpan
from dialoop.conversation.spans import WIDE, Scheme, in_scheme, words
from dialoop.errors import Place

_TAG = re.compile(r"O|([BILUESM])-(\S+)")
_NOTE = re.compile(r"#\s*(\w+)\s*=\s?(.*)")


def fits(lines: list[str]) -> bool:
    """Whether the first lines are columns that end in tags."""
    rows = [line for line in lines if line.strip() and not line.startswith(("#", "-DOCSTART-"))]
    return bool(rows) and all(map(_is_row, rows))


def read(lines: Iterator[Line | Fault], page: Page) -> Iterator[Example | Fault]:
    """The sentences of a file; a faulty one is refused whole."""
    block: list[Line] = []
    documents = 0
    spoilt = False  # a line of the block cannot be read, which is told
    for line in lines:
        if isinstance(line, Fault):
            yield line
            spoilt = spoilt or line.level == "error"
        elif line.text.strip() and not line.text.startswith("-DOCSTART-"):
            block.append(line)
        else:
            if not spoilt:
                yield from _sentence(block, page, documents)
            block, spoilt = [], False
            documents += line.text.startswith("-DOCSTART-")
    if not spoilt:
        yield from _sentence(block, page, documents)


def write(example: Example, scheme: Scheme = "IOB2") -> list[str]:
    """The lines of an example with spans. Raises Refusal where the columns cannot hold it."""
    if example.spans is None:
        raise Refusal("CoNLL columns hold spans, and this example has none", "use the form labels or scores")
    if example.extra:
        raise Refusal(f"CoNLL columns cannot hold {', '.join(example.extra)}", "use --drop extra, or the form spans")
    if "\n" in example.text or "\r" in example.text:
        raise Refusal("CoNLL columns cannot hold a line's end within a text", "use the form spans")
    lines = [f"# text = {example.text}"]
    for key in EXAMPLE_META:
        value = getattr(example, key)
        if value is not None:
            lines.append(f"# {'sent_id' if key == 'id' else key} = {value}")
    spans = sorted(example.spans, key=lambda span: span.start)
    tokens = list(_tokens(example.text, spans))
    tags = in_scheme([_tag_of(token, spans) for token in tokens], scheme)
    lines += [f"{example.text[start:end]}\t{tag}" for (start, end), tag in zip(tokens, tags, strict=True)]
    return [*lines, ""]


def _tokens(text: str, spans: list[SlotSpan]) -> Iterator[tuple[int, int]]:
    """Words, signs and single Chinese characters, cut at the spans' edges too."""
    cuts = sorted({edge for span in spans for edge in (span.start, span.end)})
    for start, end in words(text):
        edges = [start, *(cut for cut in cuts if start < cut < end), end]
        yield from pairwise(edges)


def _tag_of(token: tuple[int, int], spans: list[SlotSpan]) -> str:
    over = [span for span in spans if span.start <= token[0] and token[1] <= span.end]
    if len(over) > 1:
        raise Refusal("CoNLL columns cannot hold overlapping spans", "use the form spans", "span_overlap")
    if not over:
        return "O"
    if not re.fullmatch(r"\S+", over[0].label):
        raise Refusal(f"the label {over[0].label!r} has a space in it", "rename it, or use the form spans", "label")
    return ("B-" if over[0].start == token[0] else "I-") + over[0].label


def _columns(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def _is_row(line: str) -> bool:
    columns = _columns(line)
    return len(columns) >= 2 and _TAG.fullmatch(columns[-1].strip()) is not None


def _sentence(block: list[Line], page: Page, document: int) -> Iterator[Example | Fault]:
    """What the lines hold; `document`: the number of theirs, 0 where the file tells none."""
    if not block:
        return
    page.line = block[0].number
    notes = {"document": str(document)} if document else {}
    tokens: list[str] = []
    tags: list[tuple[str, str | None]] = []
    line = block[0]
    try:
        for line in block:
            note = _NOTE.fullmatch(line.text) if not tokens else None
            if note:
                notes[note.group(1)] = note.group(2)
            elif tokens or not line.text.startswith("#") or _is_row(line.text):  # a hashtag may begin a sentence
                token, tag = _token(line.text)
                tokens.append(token)
                tags.append(tag)
        if tokens:
            yield _example(tokens, tags, notes, page)
    except Refusal as refusal:
        yield refusal.at(Place(page.path, line.number))


def _token(text: str) -> tuple[str, tuple[str, str | None]]:
    columns = [column.strip() for column in _columns(text)]
    match = _TAG.fullmatch(columns[-1])
    if len(columns) < 2 or not columns[0]:
        raise Refusal(f"the line has no token and tag: {shorten(text)}", "write a token, a tab, a tag", "column")
    if match is None:
        raise Refusal(f"{shorten(columns[-1])} is no tag", "tags are O, B-label, I-label (or L-, U-, E-, S-)", "tag")
    return columns[0], (match.group(1) or "O", match.group(2))


def _example(tokens: list[str], tags: list[tuple[str, str | None]], notes: dict[str, str], page: Page) -> Example:
    text = notes.get("text") or _joined(tokens)
    edges = _edges(text, tokens)
    spans = tuple(
        SlotSpan(label=label, start=edges[first][0], end=edges[last][1]) for label, first, last in _runs(tags, page)
    )
    meta = {key: notes[name] for key in EXAMPLE_META if (name := "sent_id" if key == "id" else key) in notes}
    return Example(text=text, spans=spans, place=page.place, **meta)  # type: ignore[arg-type]


def _runs(tags: list[tuple[str, str | None]], page: Page) -> Iterator[tuple[str, int, int]]:
    """Label, first and last token of each span. B, U and S begin one, U, S, L and E end one."""
    open_at: int | None = None
    label: str | None = None
    closed_scheme = any(mark in "LUES" for mark, _ in tags)
    for index, (mark, name) in enumerate([*tags, ("O", None)]):
        goes_on = mark in "ILEM" and open_at is not None and name == label
        if open_at is not None and not goes_on:
            if closed_scheme:
                raise Refusal(f"token {index}: the span {label!r} has no end (L- or E-)", "end it with L- or U-", "tag")
            yield str(label), open_at, index - 1
            open_at = None
        if mark == "O" or name is None:
            continue
        if mark in "ILEM" and not goes_on:
            if closed_scheme:
                raise Refusal(f"token {index + 1}: {mark}-{name} continues nothing", "begin it with B- or U-", "tag")
            reason = "a span begins with I- and no B-: read as IOB1"
            page.say_once("tag", reason, "none is needed if the file is IOB1; else begin spans with B-")
        if not goes_on:
            open_at, label = index, name
        if mark in "USLE":
            yield name, open_at if open_at is not None else index, index
            open_at = None


def _joined(tokens: list[str]) -> str:
    text = ""
    for token in tokens:
        tight = text and WIDE.match(text[-1]) and WIDE.match(token[0])
        text += token if not text or tight else " " + token
    return text


def _edges(text: str, tokens: list[str]) -> list[tuple[int, int]]:
    """Start and end of each token in the text, in order."""
    edges, at = [], 0
    for token in tokens:
        start = text.find(token, at)
        if start < 0 or text[at:start].strip():
            reason = f"the token {shorten(token)} does not follow in the text {shorten(text)}"
            raise Refusal(reason, "make '# text =' and the tokens agree", "token")
        at = start + len(token)
        edges.append((start, at))
    return edges
