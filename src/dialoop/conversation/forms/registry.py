"""The list of forms. To add one: write a module with `fits`, `read` and `write`, and name it here.

A row form reads one value of a JSONL, JSON or CSV file; a line form reads the lines of a text file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dialoop.conversation.example import Example
from dialoop.conversation.faults import Fault, Refusal
from dialoop.conversation.forms import alpaca, conll, labelled, openai, pairs, sharegpt, transcript
from dialoop.conversation.forms.page import Page
from dialoop.conversation.lines import Line
from dialoop.conversation.record import Conversation
from dialoop.errors import SettingsError

Record = Conversation | Example


@dataclass(frozen=True)
class RowForm:
    """A form whose records are rows. `fits` looks at one row."""

    name: str
    title: str
    holds: Literal["conversations", "examples"]
    fits: Callable[[Any], bool]
    read: Callable[[Any, Page], Record]
    write: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class LineForm:
    """A form whose records are blocks of lines. `fits` looks at the file's first lines."""

    name: str
    title: str
    holds: Literal["conversations", "examples"]
    fits: Callable[[list[str]], bool]
    read: Callable[[Iterator[Line | Fault], Page], Iterator[Conversation | Fault] | Iterator[Example | Fault]]
    write: Callable[[Any], list[str]]


def _row(name: str, title: str, module: Any) -> RowForm:
    return RowForm(name, title, "conversations", module.fits, module.read, module.write)


def _labelled(name: str, title: str) -> RowForm:
    def write(example: Example) -> dict[str, Any]:
        kind = {"label": "labels", "labels": "labels", "score": "scores", "spans": "spans"}[example.kind]
        if kind != name:
            raise Refusal(f"the form {name} cannot hold an example with {kind}", f"use --to {kind}")
        return labelled.write(example)

    return RowForm(name, title, "examples", labelled.fits(name), labelled.read(name), write)


FORMS: dict[str, RowForm | LineForm] = {
    form.name: form
    for form in (
        _row("openai", "OpenAI chat, dialoop's own form: 'messages', 'tools'", openai),
        _row("sharegpt", "ShareGPT: 'conversations' of 'from' and 'value'", sharegpt),
        _row("alpaca", "Alpaca: 'instruction', 'input', 'output'", alpaca),
        _row("pairs", "pairs: 'context' and 'response' (or 'prompt' and 'completion')", pairs),
        _labelled("labels", "labelled texts: 'text' and 'label' or 'labels'"),
        _labelled("scores", "scored texts: 'text' and 'score'"),
        _labelled("spans", "texts with labelled spans: 'text' and 'spans'"),
        LineForm("conll", "CoNLL columns: token and tag", "examples", conll.fits, conll.read, conll.write),
        LineForm(
            "transcript",
            "plain transcripts: 'User: …', 'Agent: …'",
            "conversations",
            transcript.fits,
            transcript.read,
            transcript.write,
        ),
    )
}


def form_named(name: str) -> RowForm | LineForm:
    """The form of that name. Raises SettingsError with the list."""
    if name not in FORMS:
        raise SettingsError(f"there is no form {name!r}", remedy=f"forms are {', '.join(FORMS)}")
    return FORMS[name]
