"""A rehearsal in the terminal: success by language beside one another, who decided, and the failures. Knows rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dialoop.rehearsal.results import Rehearsal, reasons

_LANGUAGES = {"en": "English", "zh": "Chinese"}
_MARKS = {"customer": ">", "agent": "<", "call": "  →", "result": "  ←", "note": "  !"}


def table(rehearsals: Sequence[Rehearsal]) -> Iterator[RenderableType]:
    """One column a rehearsal; fits 80 columns for two."""
    grid = Table(box=None, pad_edge=False)
    grid.add_column("", no_wrap=True)
    for one in rehearsals:
        grid.add_column(one.name, justify="right", no_wrap=True)
    languages = sorted({lang for one in rehearsals for lang in one.languages})
    for lang in (None, *languages) if len(languages) > 1 else languages:
        name = "all" if lang is None else _LANGUAGES.get(lang, lang)
        grid.add_row(f"success, {name}", *(str(one.success(lang)) for one in rehearsals))
    grid.add_row("called a person", *(str(one.called_person()) for one in rehearsals))
    grid.add_row("turns", *(_figure(one.turns()) for one in rehearsals))
    kinds = sorted({kind for one in rehearsals for kind in one.decided()})
    for kind in kinds:
        words = {"rule": "decided by a rule", "model": "decided by the model"}.get(kind, f"decided: {kind}")
        grid.add_row(words, *(_plain(one.share_decided(kind).value) for one in rehearsals))
    grid.add_row("seconds", *(f"{one.seconds:.0f}" for one in rehearsals))
    yield grid
    yield Text("In brackets: customers, and the 95 % interval (Wilson).", style="dim")


def failures(rehearsal: Rehearsal, shown: int = 3) -> Iterator[RenderableType]:
    """How often each kind of fault occurred, and the first failed conversations; with stand-ins for private values."""
    failed = rehearsal.failures()
    if not failed:
        return
    yield Text(f"\n{rehearsal.name}: {len(failed)} of {len(rehearsal.results)} failed", style="bold")
    for kind, count in reasons(failed).most_common():
        yield Text(f"  {count:4}  {kind}")
    for one in failed[:shown]:
        yield Text(f"\n{one.customer}: {'; '.join(one.faults)}", style="bold")
        for line in one.lines:
            yield Text(f"{_MARKS[line.who]} {line.text}")


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
