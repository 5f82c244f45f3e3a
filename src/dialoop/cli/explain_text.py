"""What `dialoop explain MODEL --text …` does: a text to the explanation of its label, on the terminal and as a page.

It computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.text import Text

from dialoop.conversation import Example
from dialoop.errors import DialoopError

if TYPE_CHECKING:
    from dialoop.understanding.explaining import Why


def explain_text(
    model: str, text: str, *, label: str | None, train: Path | None, nearest: int, report: Path | None
) -> None:
    """Explain a text's label, print it, and write the page where one was asked for."""
    from dialoop.cli.engines import on_shelf
    from dialoop.model import load_base, resolve_model
    from dialoop.understanding.explaining import explain_text as explained
    from dialoop.understanding.explanation_page import write_explanation

    model = on_shelf(model)
    taught = _taught(resolve_model(model), train) if nearest else []
    why = explained(load_base(model), text, label=label, train=taught, nearest=nearest)
    show(Console(), why)
    if nearest and not taught:
        typer.echo("no training texts are there: the nearest are told with --train FILE", err=True)
    if report is not None:
        typer.echo(f"page: {write_explanation(why, report)}", err=True)


def _taught(folder: Path, train: Path | None) -> Sequence[Example]:
    """The texts of the file, else those of the run that the model belongs to, else none."""
    from dialoop.training.material import read_records
    from dialoop.understanding.run_texts import run_of, texts_of

    if train is not None:
        return read_records(train).examples
    run = run_of(folder)
    try:
        return [] if run is None else texts_of(run).train
    except DialoopError as error:  # the run was moved, or its data changed: the words can be explained all the same
        typer.echo(f"the training texts of the run cannot be read: {error.what}", err=True)
        return []


def show(console: Console, why: Why) -> None:
    """The explanation in lines; words that speak for the label are green, those against it red."""
    from dialoop.understanding.explanation_page import shaded, strongest

    def line(words: str | Text) -> None:
        console.print(words, highlight=False, soft_wrap=True)

    shown = Text()
    for part, strength, _ in shaded(why):
        colour = "green" if strength > 0 else "red"
        style = "" if abs(strength) < 0.1 else f"bold {colour}" if abs(strength) > 0.5 else colour
        shown.append(part, style=style)
    line(shown)
    line(Text(", ".join(f"{label} {chance:.3f}" for label, chance in why.chances.items())))
    line(Text(f"why {why.label}: logit {why.empty:.2f} without the words, {why.whole:.2f} with them"))
    for piece in strongest(why):
        line(Text(f"  {piece.adds:+7.3f}  {why.text[piece.start : piece.end]}"))
    if abs(why.off) > 0.05 * max(1.0, abs(why.whole - why.empty)):
        line(Text(f"  the words miss the difference by {why.off:.3f}: take these figures as rough"))
    if why.cut:
        line(Text("  the text is longer than what the model reads; its end was not looked at"))
    if why.neighbours:
        line(Text(f"nearest of {why.compared:,} training texts:"))
    for one in why.neighbours:
        line(Text(f"  {one.cosine:.3f}  {', '.join(one.labels)}: {one.text}"))
