"""The figures as a table in the terminal. Knows rich, and nothing of how figures come about."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dialoop.evaluation.results import Comparison, Evaluation
from dialoop.evaluation.wording import (
    SECTIONS,
    Line,
    chance,
    coverage_notes,
    interval,
    lines,
    number,
    signed,
)

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
    notes = coverage_notes(after.coverage, after.settings.max_new_tokens)
    notes += result.notes if isinstance(result, Comparison) else []
    yield from (Text(f"· {note}") for note in notes)


def _cells(line: Line, compared: bool) -> list[Text]:
    cells = [Text(line.measure.label if line.group == "all" else f"    {line.group}")]
    if compared:
        cells.append(Text(number(line.before.value if line.before else None, line.measure)))
    cells += [Text(number(line.after.value, line.measure), style="bold"), Text(interval(line.after, line.measure))]
    if compared:
        cells += [Text(signed(line.difference, line.measure), style=_COLOURS[line.verdict])]
        cells += [Text(chance(line.difference))]
    return [*cells, Text(f"{line.after.of:,}")]
