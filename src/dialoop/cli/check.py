"""`dialoop check`: looks at dialogue data before anything is done with it. Exit status tells; computes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dialoop.errors import SettingsError


def check(
    files: Annotated[list[Path], typer.Argument(help="Files of dialogue data; several are looked at as one.")],
    base: Annotated[
        str | None, typer.Option(help="Also say how the data fits this base: mini, a folder, a name.")
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(help="With this packaged chat template in the place of the base's own, as tune takes it."),
    ] = None,
    form: Annotated[str | None, typer.Option(help="The form of the files, where it is not recognised.")] = None,
    encoding: Annotated[str, typer.Option(help="The encoding of the files, e.g. gb18030.")] = "utf-8",
    measure: Annotated[int, typer.Option(min=0, help="Conversations whose tokens are counted; 0 counts all.")] = 1000,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 where there are warnings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write all findings to standard output as JSON.")] = False,
) -> None:
    """Look at dialogue data: every fault, leaks, targets, fit with a base. Exit 0 fine, 2 faults."""
    from dialoop.evaluation import check_files, check_pages, progress_bar, show

    if template is not None and base is None:
        raise SettingsError("a chat template belongs to a base, and none is named", remedy="name one with --base")
    told = Console(stderr=True)
    loaded = None
    if base is not None:
        from dialoop.cli.engines import on_shelf
        from dialoop.engine import probe_dtype
        from dialoop.model import load_base

        loaded = load_base(on_shelf(base), template=template, dtype=probe_dtype(device), device=device)
    with progress_bar(told) as progress:
        found = check_files(files, loaded, form=form, encoding=encoding, measure=measure or None, progress=progress)
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        show(Console(), check_pages(found))
    if found.verdict == "faults":
        raise typer.Exit(2)
    if found.verdict == "warnings" and strict:
        raise typer.Exit(1)
