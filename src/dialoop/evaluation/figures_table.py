"""The figures as a table in the terminal. Knows rich, and nothing of how figures come about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dialoop.evaluation.results import Comparison, Evaluation
from dialoop.evaluation.wording import (
    NOTHING,
    SECTIONS,
    LabelLine,
    Line,
    by_label,
    chance,
    coverage_notes,
    interval,
    lines,
    number,
    signed,
)

MOST_LABELS = 20
"""Labels shown in the terminal, the most frequent first."""
_COLOURS = {"better": "green", "worse": "red", "same": "default", "unknown": "default"}


def table(result: Evaluation | Comparison) -> Iterator[RenderableType]:
    """A table of every measure with its interval, then what was measured and what was left out; fits 80 columns."""
    compared = isinstance(result, Comparison)
    after = result.after if isinstance(result, Comparison) else result
    models = f"{result.before.model} → {after.model}" if isinstance(result, Comparison) else after.model
    yield Text(f"{models} on {after.data or 'given conversations'}", style="bold")
    grid = Table(box=None, pad_edge=False)
    grid.add_column("", no_wrap=True)
    if compared:
        grid.add_column("before", justify="right", no_wrap=True)
    grid.add_column("after" if compared else "value", justify="right", no_wrap=True)
    grid.add_column(f"{100 * after.settings.confidence:g} % interval", justify="right", no_wrap=True)
    if compared:
        grid.add_column("change", justify="right", no_wrap=True)
        grid.add_column("p", justify="right", no_wrap=True)
    grid.add_column("of", justify="right", no_wrap=True)
    for section, some in lines(result).items():
        grid.add_row(Text(SECTIONS[section], style="bold underline"))
        for line in some:
            grid.add_row(*_cells(line, compared))
    yield grid
    for title, by in by_label(result):
        yield from _labels(title, by, compared)
    notes = coverage_notes(after.coverage, after.settings.max_new_tokens)
    notes += result.notes if isinstance(result, Comparison) else []
    yield from (Text(f"· {note}") for note in notes)


def _labels(title: str, some: Sequence[LabelLine], compared: bool) -> Iterator[RenderableType]:
    """A table of the most frequent labels."""
    grid = Table(box=None, pad_edge=False)
    grid.add_column(Text(title, style="bold underline"), max_width=32)
    for name in ("precision", "recall", *(["F1 before"] if compared else []), "F1", "of"):
        grid.add_column(name, justify="right", no_wrap=True)
    shown = sorted(some, key=lambda line: (-line.after.support, line.after.label))[:MOST_LABELS]
    for line in shown:
        one = line.after
        before = [NOTHING if line.before is None else f"{100 * line.before:.1f} %"] if compared else []
        shares = [f"{100 * one.precision:.1f} %", f"{100 * one.recall:.1f} %", *before, f"{100 * one.f1:.1f} %"]
        grid.add_row(Text(one.label), *shares, f"{one.support:,}")
    yield grid
    if len(shown) < len(some):
        yield Text(f"· and {len(some) - len(shown)} more, in the JSON and on the page")


def _cells(line: Line, compared: bool) -> list[Text]:
    cells = [Text(line.measure.label if line.group == "all" else f"    {line.group}")]
    if compared:
        cells.append(Text(number(line.before.value if line.before else None, line.measure)))
    cells += [Text(number(line.after.value, line.measure), style="bold"), Text(interval(line.after, line.measure))]
    if compared:
        cells += [Text(signed(line.difference, line.measure), style=_COLOURS[line.verdict])]
        cells += [Text(chance(line.difference))]
    return [*cells, Text(f"{line.after.of:,}")]
