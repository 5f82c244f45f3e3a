"""Showing things in a terminal: pages part by part, and a bar for long work. Knows rich."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from dialoop.evaluation.progress import Progress, quiet


def show(console: Console, parts: Iterable[RenderableType]) -> None:
    """Prints parts one below the other; lines of text are left whole, so that paths in them can be copied."""
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text))


@contextmanager
def progress_bar(console: Console) -> Iterator[Progress]:
    """What to pass as `progress`: each kind of work gets its line; nothing is drawn where there is no terminal."""
    if not console.is_terminal:
        yield quiet
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        lines = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in lines:
                lines[what] = bar.add_task(what, total=of)
            bar.update(lines[what], completed=done, total=of)

        yield tell
