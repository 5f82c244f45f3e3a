"""`dialoop explain`: why the agent said what it said, or why a classifier labels a text so.

Thin: a store's events to the fold that explains, and to words. It knows no project.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dialoop.errors import DataError, SettingsError

if TYPE_CHECKING:
    from dialoop.agent import Explanation
    from dialoop.agent.explaining import Call


def explain(
    source: Annotated[
        str,
        typer.Argument(
            help="The store: a path, sqlite:///path or postgresql://user@host/name. With --text, a classifier: a run,"
            " a folder or a version."
        ),
    ],
    conversation: Annotated[str | None, typer.Argument(help="The conversation's id.")] = None,
    seq: Annotated[int | None, typer.Argument(help="The number of an answer or a message; none: the last.")] = None,
    true_values: Annotated[
        bool, typer.Option("--true-values", help="Private values out of the vault instead of their stand-ins.")
    ] = False,
    text: Annotated[
        str | None, typer.Option(help="A message: tell why the classifier labels it so, word by word.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Explain this label of the message; else the likeliest.")] = None,
    train: Annotated[
        Path | None, typer.Option(help="Training texts, to tell the nearest of them; else those of the run.")
    ] = None,
    nearest: Annotated[int, typer.Option(min=0, help="Training texts that are told.")] = 5,
    report: Annotated[Path | None, typer.Option("--report", "--out", help="Also write a page: FILE.html.")] = None,
) -> None:
    """Tell what led to an answer: what was understood, who decided, passages, tools with results, what was withheld.
    With --text: what led a classifier to its label, word by word, and the training texts that are nearest."""
    if text is not None:
        _refuse(conversation is not None, f"--text takes a model, and {conversation!r} was given besides it")
        _refuse(true_values, "--true-values goes with a conversation, not with --text")
        from dialoop.cli.explain_text import explain_text

        explain_text(source, text, label=label, train=train, nearest=nearest, report=report)
        return
    _refuse(conversation is None, "no conversation was named")
    _refuse(
        label is not None or train is not None or report is not None, "--label, --train and --report go with --text"
    )
    _tell(source, str(conversation), seq, true_values)


def _refuse(wrong: bool, what: str) -> None:
    if wrong:
        remedy = 'dialoop explain STORE CONVERSATION; or dialoop explain MODEL --text "…"'
        raise SettingsError(what, remedy=remedy)


def _tell(store: str, conversation: str, seq: int | None, true_values: bool) -> None:
    """What led to an answer in a store's conversation, in lines."""
    from dialoop.agent import explain as explained
    from dialoop.agent import told
    from dialoop.store import open_store

    with open_store(store, create=False) as opened:
        events = list(opened.events(conversation))
        if not events:
            raise DataError("there is no such conversation", where=conversation, remedy="check its id")
        if true_values:
            events = list(told(events, opened.vault))
    for line in _lines(explained(events, seq)):
        typer.echo(line)


def _lines(found: Explanation) -> list[str]:
    """The explanation in lines, in the order in which it happened."""
    lines = [f"conversation {found.conversation}, answer {found.seq}, {found.at}"]
    if found.said is not None:
        lines.append(f"customer ({found.said_at}): {found.said}")
    if found.intents or found.out_of_scope:
        intents = ", ".join(f"{name} {sure:.2f}" for name, sure in found.intents.items())
        lines.append(f"understood: {intents or 'nothing'}{'; out of scope' if found.out_of_scope else ''}")
    lines += [f"passage: {one.text} [{one.source}]" for one in found.passages]
    for one in found.decisions:
        version = f" ({one.model})" if one.model else ""
        lines.append(f"decided ({one.seq}): {one.by}{version}{f': {one.reason}' if one.reason else ''}")
    for call in found.calls:
        lines += _call_lines(call)
    lines += [f"withheld: {reason}" for reason in found.withheld]
    if found.escalated is not None:
        lines.append(f"a person was called: {found.escalated}")
    version = f" ({found.model})" if found.model else ""
    lines.append(f"answer, decided by {found.decided_by}{version}: {found.text}")
    return lines


def _call_lines(call: Call) -> list[str]:
    lines = [f"tool ({call.seq}): {call.name} {call.arguments}"]
    if call.approved_by is not None:
        lines.append(f"  approved by {call.approved_by}")
    if call.denied is not None:
        lines.append(f"  denied by {call.denied[0]}: {call.denied[1]}")
    if call.attempts > 1:
        lines.append(f"  begun {call.attempts} times")
    if call.result is not None:
        lines.append(f"  {'failed' if call.failed else 'result'}: {call.result}")
    elif call.denied is None:
        lines.append("  waits" if call.attempts == 0 else "  has not come back")
    return lines
