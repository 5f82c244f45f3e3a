"""`dialoop tune`: adapts a base to dialogue logs or labelled texts. Thin: options in, a run's folder out.

The options are those of `TuneSettings`, one for each, with its words and its default.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from dialoop.cli.setting_options import with_settings
from dialoop.errors import SettingsError
from dialoop.training import Job, TuneSettings, checked
from dialoop.training.run_folder import RunFolder

_BASE = "mini"


@with_settings(TuneSettings)
def tune(
    data: Annotated[
        Path | None, typer.Argument(help="Conversations or labelled texts; the form is recognised.")
    ] = None,
    base: Annotated[str, typer.Option(help="What is tuned: mini, a folder, a version or a hub name.")] = _BASE,
    run: Annotated[Path | None, typer.Option(help="Folder of the run; else runs/DATA-BASE.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --run where it stopped.")] = False,
    **settings: Any,
) -> None:
    """Adapt a base to your dialogue logs. No option is needed; Ctrl-C saves, and --resume goes on."""
    from dialoop.cli.engines import on_shelf
    from dialoop.training import Quiet, TerminalWatch
    from dialoop.training import resume as go_on
    from dialoop.training import tune as begin
    from dialoop.training.team import is_member, leads, start

    asked, base = checked(settings), on_shelf(base)
    if resume and run is None:
        raise SettingsError("--resume needs the run's folder", remedy="dialoop tune --run runs/NAME --resume")
    kept = _same_run(run, data, base, asked) if resume and run is not None else None
    processes = (asked if kept is None else kept.tune).processes
    if processes > 1 and not is_member():
        raise typer.Exit(start(processes, sys.argv[1:]))
    watch = TerminalWatch(Console(stderr=True)) if leads() else Quiet()
    if kept is not None and run is not None:
        result = go_on(run, watch=watch)
    else:
        if data is None:
            raise SettingsError("no data was named", remedy="dialoop tune LOGS")
        result = begin(Job(data=str(data), base=base, tune=asked), run=run, watch=watch)
    if result.stopped_by is not None:
        told = shlex.join(["dialoop", "tune", "--run", str(result.folder), "--resume"])
        watch.say(f"stopped after step {result.steps:,}, and saved; to go on: {told}")
        raise typer.Exit(128 + result.stopped_by)
    if result.before is not None and result.after is not None:
        early = f"; it ended early, after {result.epochs:.1f} epochs" if result.early else ""
        watch.say(f"held-out loss {result.before:.4f} → {result.after:.4f}, best at step {result.best_step}{early}")
    if others := [f"{name} {figure:.4f}" for name, figure in result.figures.items() if name != "loss"]:
        watch.say(f"there: {', '.join(others)}")
    watch.say(f"{result.targets:,} targets in {result.seconds:.0f} s; last loss {result.loss:.4f}")
    typer.echo(str(result.model))


def _same_run(run: Path, data: Path | None, base: str, asked: TuneSettings) -> Job:
    """What the run was begun with. Refuses what was asked for besides --resume where that was something else."""
    job = RunFolder(run).job()
    given = asked.model_dump(exclude_defaults=True)
    if data is not None:
        given["data"] = str(data)
    if base != _BASE:
        given["base"] = base
    kept = job.model_dump(include={"data", "base"}) | job.tune.model_dump()
    for name, value in given.items():
        if value != kept[name]:
            raise SettingsError(
                f"{name} is {value!r}, and the run was begun with {kept[name]!r}",
                where=run,
                remedy="leave it out to go on as it was begun, or begin a new run",
            )
    return job
