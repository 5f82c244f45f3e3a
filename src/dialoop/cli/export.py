"""`dialoop export`: converts a model that understands to ONNX. Thin: options in, a sentence and a folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def export(
    model: Annotated[str, typer.Argument(help="A run, a model's folder or a version: classify, tag or regress.")],
    held_out: Annotated[
        Path | None, typer.Option(help="Texts to check the conversion with; else those that the run held out.")
    ] = None,
    precision: Annotated[
        Literal["int8", "int8-blocks", "float32"],
        typer.Option(help="The first to be tried; what loses too much is not kept: the next is, and this is said."),
    ] = "int8-blocks",
    most_lost: Annotated[float, typer.Option(min=0, max=100, help="Points of accuracy that int8 may lose.")] = 0.2,
    as_json: Annotated[bool, typer.Option("--json", help="Write the record to standard output as JSON.")] = False,
) -> None:
    """Convert a model that labels, tags or scores to ONNX, int8 if that is as good; it is then read without torch."""
    from dialoop.cli.engines import on_shelf
    from dialoop.model import resolve_model
    from dialoop.training.material import read_records
    from dialoop.understanding import convert

    model = on_shelf(model)
    texts = None if held_out is None else read_records(held_out).examples
    made = convert(model, texts, precision=precision, most_lost=most_lost)
    typer.echo(made.told(), err=True)
    kept = made.tried[made.precision]
    if kept.same_scope is not None:
        typer.echo(f"in scope or out of it as before: {kept.same_scope:.2%} of the texts", err=True)
    typer.echo(made.model_dump_json() if as_json else str(resolve_model(model) / "onnx"))
