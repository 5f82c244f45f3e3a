"""`dialoop restore`: fills a new store of conversations from a backup; the two may be of different kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `dialoop backup` wrote.")],
    store: Annotated[str, typer.Argument(help="A new or empty store: a path or postgresql://user@host/name.")],
) -> None:
    """Fill a new store from a backup, all or nothing, and verify it.

    The backup of a SQLite store can be restored into PostgreSQL and the other way round. Exit status 1 if the chain of
    digests breaks somewhere; all that the backup holds is restored all the same, and the places are told.
    """
    from dialoop.store import restore_store

    verdict = restore_store(file, store)
    typer.echo(f"restored from {file}: {verdict}", err=True)
    if not verdict.whole:
        raise typer.Exit(1)
