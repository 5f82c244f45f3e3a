"""`dialoop search`: looks for good settings of `tune`. Thin: options in, a search's folder out.

The options of `tune` set what is the same for all trials; what they leave open is searched.
"""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from dialoop.cli.setting_options import given, with_settings
from dialoop.errors import SettingsError
from dialoop.training import Job, TuneSettings, checked
from dialoop.training.search import AUTO, SearchSettings, read_space

_ABOUT = {name: field.description for name, field in SearchSettings.model_fields.items()}
_TRIALS = 20


def _space(value: Any) -> Any:
    """The file that was named, or what the project file's section holds."""
    return value if isinstance(value, dict) else read_space(Path(str(value)))


@with_settings(TuneSettings)
def search(
    ctx: typer.Context,
    data: Annotated[
        Path | None, typer.Argument(help="Conversations or labelled texts; the form is recognised.")
    ] = None,
    base: Annotated[str, typer.Option(help="What is tuned: mini, a folder, a version or a hub name.")] = "mini",
    out: Annotated[Path | None, typer.Option(help="Folder of the search; else searches/DATA-BASE.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the search in --out where it stopped.")] = False,
    trials: Annotated[int | None, typer.Option(min=1, help=f"{_ABOUT['trials']} Unset: {_TRIALS}.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0.001, help=_ABOUT["timeout"])] = None,
    workers: Annotated[int, typer.Option(min=1, help=_ABOUT["workers"])] = 1,
    pruner: Annotated[Literal["median", "hyperband", "none"], typer.Option(help=_ABOUT["pruner"])] = "median",
    metric: Annotated[str, typer.Option(help=_ABOUT["metric"])] = AUTO,
    storage: Annotated[str | None, typer.Option(help=_ABOUT["storage"])] = None,
    space: Annotated[
        Any, typer.Option(parser=_space, metavar="FILE", help="YAML file of the space; unset: good ranges by the head.")
    ] = None,
    **settings: Any,
) -> None:
    """Search for good settings of tune. Ctrl-C stops it, and --resume goes on, after a crash as well."""
    if find_spec("optuna") is None:
        raise SettingsError("a search needs Optuna", remedy="pip install 'dialoop[search]'")
    from dialoop.training.search import resume_search, trials_table
    from dialoop.training.search import search as begin

    told = Console(stderr=True)

    def say(line: str) -> None:
        told.print(line, highlight=False, markup=False, soft_wrap=True)

    wanted = SearchSettings(
        trials=trials or _TRIALS,
        timeout=timeout,
        workers=workers,
        pruner=pruner,
        metric=metric,
        storage=storage,
        space=space or {},
    )
    if resume:
        if out is None:
            raise SettingsError("--resume needs the search's folder", remedy="dialoop search --out FOLDER --resume")
        _same_search(out, ctx, wanted, {"data": data, "base": base}, settings)
        result = resume_search(out, wanted, trials=trials, say=say)
    else:
        if data is None:
            raise SettingsError("no data was named", remedy="dialoop search LOGS")
        job = Job(data=str(data), base=base, tune=checked(given(ctx, settings)))
        result = begin(job, wanted, folder=out, say=say)
    if result.best is not None:
        Console().print(trials_table(result.study, result.plan))
        say(f"best settings: {result.folder / 'best.yaml'}\nreport: {result.folder / 'report.html'}")
    if result.done < result.plan.trials or result.stopped_by is not None:
        again = shlex.join(["dialoop", "search", "--out", str(result.folder), "--resume"])
        say(f"{result.done} of {result.plan.trials} trials are done; to go on: {again}")
    if result.stopped_by is not None:
        raise typer.Exit(128 + result.stopped_by)
    if result.model is None:
        raise SettingsError("no trial came to its end", where=result.folder, remedy="see what it said of each trial")
    typer.echo(str(result.model))


def _same_search(
    out: Path, ctx: typer.Context, wanted: SearchSettings, about: dict[str, Any], settings: dict[str, Any]
) -> None:
    """Refuses what was asked for besides --resume where the search was begun with something else."""
    from dialoop.training.search.folder import SearchFolder

    plan = SearchFolder(out).plan()
    own = {"metric": wanted.metric, "pruner": wanted.pruner, "space": wanted.space}
    asked = {name: str(value) for name, value in given(ctx, about).items()} | given(ctx, own)
    begun: dict[str, Any] = {name: getattr(plan, name) for name in (*about, *own)}
    told = checked(given(ctx, settings)).model_dump(mode="json", exclude_unset=True)
    if asked.get("metric") == AUTO:  # was decided when the search began, as was the precision
        del asked["metric"]
    if told.get("precision") == "auto":  # was decided when the search began
        del told["precision"]
    tune = {**TuneSettings().model_dump(mode="json"), **plan.tune}
    tune |= dict.fromkeys(plan.space, "a space to search")
    for name, value in {**asked, **told}.items():
        kept = begun[name] if name in begun else tune[name]
        if value != kept:
            what = f"{name} is {value!r}, and the search was begun with {kept!r}"
            if name == "space":
                what = f"the space holds {_names(value)}, and the search was begun with another one: {_names(kept)}"
            raise SettingsError(
                what,
                where=out,
                remedy="leave it out to go on as it was begun, or begin a new search with another --out",
            )


def _names(space: dict[str, Any]) -> str:
    return ", ".join(space) or "nothing"
