"""`dialoop backup`: writes a whole store of conversations into one file, while it is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def backup(
    store: Annotated[str, typer.Argument(help="The store: a path, sqlite:///path or postgresql://user@host/name.")],
    file: Annotated[Path, typer.Argument(help="The file to write; compressed if its name ends with .gz.")],
) -> None:
    """Write a whole store into one file while others go on writing, and verify it on the way.

    Exit status 1 if the store's chain of digests breaks somewhere; the backup is written all the same, and the places
    are told.
    """
    from dialoop.store import open_store

    with open_store(store, create=False) as opened:
        verdict = opened.backup(file)
    typer.echo(f"{file}: {verdict}", err=True)
    if not verdict.whole:
        raise typer.Exit(1)
