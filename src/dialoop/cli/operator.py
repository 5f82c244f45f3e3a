"""`dialoop operator`: says who may sign in at the desk. Thin: a name and a password into a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dialoop.cli.house import OPERATORS
from dialoop.server import add_operator


def operator(
    name: Annotated[str, typer.Argument(help="The name that customers and colleagues see.")],
    file: Annotated[Path, typer.Option(help="The file of operators; it is made where it is not there.")] = Path(
        OPERATORS
    ),
) -> None:
    """Let somebody sign in at the desk, or give them another password; it is asked for, or read from a pipe."""
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    new = add_operator(file, name, password)
    typer.echo(f"{name} may sign in at the desk" if new else f"{name} has a new password")
