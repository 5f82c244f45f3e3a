"""`dialoop explain`: why the agent said what it said. Thin: a store's events to the fold that explains, and to words.

It knows no model and no project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dialoop.agent import Explanation
    from dialoop.agent.explaining import Call


def explain(
    store: Annotated[str, typer.Argument(help="The store: a path, sqlite:///path or postgresql://user@host/name.")],
    conversation: Annotated[str, typer.Argument(help="The conversation's id.")],
    seq: Annotated[int | None, typer.Argument(help="The number of an answer or a message; none: the last.")] = None,
    true_values: Annotated[
        bool, typer.Option("--true-values", help="Private values out of the vault instead of their stand-ins.")
    ] = False,
) -> None:
    """Tell what led to an answer: what was understood, who decided, passages, tools with results, what was withheld."""
    from dialoop.agent import explain as explained
    from dialoop.agent import told
    from dialoop.errors import DataError
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
