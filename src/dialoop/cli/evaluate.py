"""`dialoop evaluate`: measures a model on held-out data, alone or against what it was before. Computes nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from dialoop.errors import SettingsError


def evaluate(
    model: Annotated[str, typer.Argument(help="What is measured: mini, a run, a folder, a version or a hub name.")],
    data: Annotated[Path, typer.Argument(help="Held-out conversations, or labelled texts for a classifier.")],
    before: Annotated[str | None, typer.Option(help="Compare against this model, answer by answer.")] = None,
    train: Annotated[
        Path | None, typer.Option(help="What was trained on, to tell seen tools from unseen; else the run's record.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "--report", help="Folder of the report; else evaluations/MODEL-on-DATA."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Conversations at most, chosen by hash.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice and of the intervals.")] = 0,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens an answer may have.")] = 128,
    batch_size: Annotated[int, typer.Option(min=1, help="Answers generated side by side.")] = 16,
    resamples: Annotated[int, typer.Option(min=100, help="Draws behind each interval.")] = 1000,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.")] = 0.95,
    generate: Annotated[bool, typer.Option(help="Generate answers; without, only target tokens are scored.")] = True,
    held: Annotated[
        bool,
        typer.Option("--held/--free", help="Hold calls to their tools' schemas, as when served."),
    ] = True,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16"],
        typer.Option(help="Number format of a model that answers; auto: the faster one here, as when served."),
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Write the figures to standard output as JSON.")] = False,
) -> None:
    """Measure a model on held-out conversations; --before compares. Writes evaluation.json and report.html."""
    from dialoop.cli.engines import on_shelf
    from dialoop.evaluation import EvaluationSettings, evaluate_files, progress_bar, show, table, write_report

    settings = EvaluationSettings(
        seed=seed,
        limit=limit,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        resamples=resamples,
        confidence=confidence,
        generate=generate,
        held=held,
        dtype=dtype,
    )
    folder = out or Path("evaluations") / f"{Path(model).name}-on-{data.name.split('.')[0]}"
    _check_folder(folder)
    model, before = on_shelf(model), None if before is None else on_shelf(before)
    told = Console(stderr=True)
    with progress_bar(told) as progress:
        result = evaluate_files(model, data, settings, before=before, train=train, device=device, progress=progress)
    paths = write_report(result, folder)
    if as_json:
        typer.echo(result.model_dump_json())
    else:
        show(Console(), table(result))
    for kind, path in paths.items():
        told.print(f"{kind}: {path}", highlight=False, soft_wrap=True)


def _check_folder(folder: Path) -> None:
    """Refuses a folder that cannot be made or written, before the time is spent on what would stand in it."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise SettingsError("this is a file, and the report needs a folder", where=there, remedy="give another --out")
    if not os.access(there, os.W_OK):
        raise SettingsError("the report cannot be written into this folder", where=there, remedy="give another --out")
