"""`dialoop new`: a project folder from a scenario. Thin: the scenario makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def new(
    scenario: Annotated[Literal["hotel"], typer.Argument(help="What to begin with.")],
    folder: Annotated[Path, typer.Argument(help="An empty folder, or one that is not there.")],
    conversations: Annotated[int, typer.Option(min=20, help="Made-up dialogue logs to begin with.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same hotel and logs.")] = 0,
) -> None:
    """Make a project folder: project file, tools, data."""
    from dialoop.scenarios.hotel.project import make_project

    for path in make_project(folder, conversations=conversations, seed=seed):
        typer.echo(str(path))
    typer.echo(f"\nGo on with: cd {folder}, then dialoop check, dialoop tune, dialoop rehearse {scenario}")
