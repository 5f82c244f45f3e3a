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
    """A table of every measure with its interval, then what was measured and what was left out."""
    compared = isinstance(result, Comparison)
    after = result.after if isinstance(result, Comparison) else result
    title = f"{result.before.model} → {after.model}" if isinstance(result, Comparison) else after.model
    grid = Table(title=f"{title} on {after.data or 'given conversations'}", title_justify="left", pad_edge=False)
    grid.add_column("measure")
    grid.add_column("group")
    if compared:
        grid.add_column("before", justify="right")
    grid.add_column("after" if compared else "value", justify="right")
    grid.add_column(f"{100 * after.settings.confidence:g} % interval", justify="right")
    if compared:
        grid.add_column("difference", justify="right")
        grid.add_column("p", justify="right")
    grid.add_column("of", justify="right")
    for section, some in lines(result).items():
        grid.add_section()
        grid.add_row(Text(SECTIONS[section], style="bold"))
        for line in some:
            grid.add_row(*_cells(line, compared))
    notes = coverage_notes(after.coverage, after.settings.max_new_tokens)
    notes += result.notes if isinstance(result, Comparison) else []
    yield grid
    yield from (Text(f"· {note}") for note in notes)


def _cells(line: Line, compared: bool) -> list[Text]:
    first = Text(f"  {line.measure.label}" if line.group == "all" else "")
    cells = [first, Text(line.group)]
    if compared:
        cells.append(Text(number(line.before.value if line.before else None, line.measure)))
    cells += [Text(number(line.after.value, line.measure), style="bold"), Text(interval(line.after, line.measure))]
    if compared:
        cells += [Text(signed(line.difference, line.measure), style=_COLOURS[line.verdict])]
        cells += [Text(chance(line.difference))]
    return [*cells, Text(str(line.after.of))]
