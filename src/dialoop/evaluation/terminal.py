"""A bar in the terminal for long work; none where the output is no terminal. Knows rich."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from dialoop.evaluation.progress import Progress, quiet


@contextmanager
def progress_bar(console: Console) -> Iterator[Progress]:
    """What to pass as `progress`: each kind of work gets its line."""
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
