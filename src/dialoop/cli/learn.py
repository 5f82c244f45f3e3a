"""`dialoop learn`: a round of learning from served conversations. Thin: settings, store and rehearsal to the room.

Each setting of `LearnSettings` is an option, with its words and its default; how is tuned, the section `tune` says.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from dialoop.cli.setting_options import with_settings
from dialoop.errors import SettingsError
from dialoop.learning import Collected, Drift, LearnSettings

if TYPE_CHECKING:
    from dialoop.learning import Round, Trial

PROJECT_FILE = Path("dialoop.yaml")
_SEED = 77_000
"""The customers of a rehearsal that judges: the same in every round."""


@with_settings(LearnSettings)
def learn(
    base: Annotated[
        str | None,
        typer.Option(help="What is tuned where the shelf has nothing in service; none: what `serve` takes there."),
    ] = None,
    candidate: Annotated[Path | None, typer.Option(help="Judge this model instead of tuning one.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Hold a round though nothing is new.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the round to standard output as JSON.")] = False,
    **settings: Any,
) -> None:
    """Learn from served conversations: collect, tune, judge, promote or refuse with a written reason.

    Run it in a project folder, now and then; Ctrl-C saves, and the same command goes on.
    """
    from dialoop.learning import Means
    from dialoop.learning import learn as hold
    from dialoop.store import open_store
    from dialoop.training import TerminalWatch, checked

    project = _project()
    told = project.get("tune", {})
    chosen = _settings(settings, told)
    if chosen.store is None:
        remedy = "dialoop learn --store chat.db, or `store:` in the section `learn`"
        raise SettingsError("no store of served conversations was named", remedy=remedy)
    watch = TerminalWatch(Console(stderr=True))
    serving = _serving(project.get("serve", {}), base or told.get("base") or "mini")
    means = Means(
        base=base or (told.get("base") if chosen.start == "base" or serving is None else None),
        serving=serving,
        tune=checked({key: value for key, value in told.items() if key not in ("base", "data")}, where=PROJECT_FILE),
        rehearse=_rehearsal(chosen.rehearse, watch.say),
        candidate=candidate,
        again=again,
        watch=watch,
    )
    with open_store(chosen.store, create=False) as store:
        ended = hold(store, chosen, means)
    if as_json:
        typer.echo(json.dumps(_plain(ended), ensure_ascii=False))
    else:
        _show(ended)
    if ended.stopped_by is not None:
        raise typer.Exit(128 + ended.stopped_by)


def _project() -> dict[str, dict[str, Any]]:
    """What the project file of the working directory sets, by verb."""
    from dialoop.project import load_project

    return load_project(PROJECT_FILE) if PROJECT_FILE.is_file() else {}


def _serving(serve: dict[str, Any], base: str) -> str | None:
    """What `dialoop serve` takes while the shelf has nothing in service; None where that cannot be told.

    A server elsewhere does not tell which weights it serves; and where there is no run yet, `serve` would take mini,
    which is told as what serves only where nothing else is to be tuned.
    """
    from dialoop.cli.engines import newest_run

    if serve.get("remote_url") is not None:
        return None
    known: str | None = serve.get("model") or newest_run()
    return "mini" if known is None and base == "mini" else known


def _settings(given: dict[str, Any], told: dict[str, Any]) -> LearnSettings:
    values = dict(given)
    if not values["data"] and told.get("data"):
        values["data"] = [told["data"]]
    try:
        return LearnSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"--{str(first['loc'][0]).replace('_', '-')}"
        what = f"{name} is {first['input']!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        raise SettingsError(what, remedy="dialoop learn --help tells what each option takes") from error


def _rehearsal(count: int, say: Callable[[str], None]) -> Callable[[str], Sequence[Trial]] | None:
    """The rehearsal of the hotel where the working directory is a project of it; None where there are no customers."""
    from dialoop.scenarios.hotel.project import TOOLS, WORLD

    if count == 0:
        return None
    if not Path(TOOLS).is_file() or not Path(WORLD).is_file():
        say("no scenario's customers here: candidates are judged without a rehearsal")
        return None

    def rehearse(model: str) -> list[Trial]:
        with tempfile.TemporaryDirectory(prefix="dialoop-learn-") as folder, asyncio.Runner() as runner:
            return runner.run(_rehearsed(model, count, Path(folder)))

    return rehearse


async def _rehearsed(model: str, count: int, folder: Path) -> list[Trial]:
    """`count` customers of each language talk to the model; in a store of their own, which is thrown away."""
    from dialoop.agent import Toolbox
    from dialoop.cli.engines import open_in_process
    from dialoop.cli.rehearse import agents_by_language
    from dialoop.learning import Trial
    from dialoop.scenarios.hotel.houses import Houses
    from dialoop.scenarios.hotel.logs import LANGUAGES
    from dialoop.scenarios.hotel.project import TOOLS, WORLD
    from dialoop.scenarios.hotel.rehearsed import make_customers
    from dialoop.scenarios.hotel.rehearsing import rehearse_hotel
    from dialoop.store import open_store

    houses = Houses(Path(WORLD))
    customers = make_customers(houses, count * len(LANGUAGES), seed=_SEED, label="learn")
    engine = open_in_process(model)[0]
    try:
        with open_store(folder / "store.db") as store:
            toolbox = Toolbox.load(TOOLS)
            settings = agents_by_language(Path())
            held = await rehearse_hotel(customers, toolbox, store, engine, name=Path(model).name, settings=settings)
    finally:
        await engine.close()
        for customer in customers:
            houses.remove(customer.name)
    return [
        Trial(task=one.customer, succeeded=one.success, lang=one.lang, why=None if one.success else one.faults[0])
        for one in held.results
    ]


def _plain(ended: Round) -> dict[str, Any]:
    return {
        "round": ended.number,
        "folder": str(ended.folder),
        "collected": ended.collected.model_dump(mode="json"),
        "drift": ended.drift and ended.drift.model_dump(mode="json"),
        "decision": ended.decision and ended.decision.model_dump(mode="json"),
        "why": ended.why,
        "stopped_by": ended.stopped_by,
    }


def _show(ended: Round) -> None:
    for line in [*_collected(ended.collected), *_drift(ended.drift)]:
        typer.echo(line)
    if ended.decision is None:
        typer.echo(f"no decision: {ended.why}")
        return
    typer.echo("")
    typer.echo(ended.decision.page.rstrip())
    typer.echo(f"\nall of it: {ended.folder}")


def _collected(report: Collected) -> list[str]:
    said_by = ", ".join(f"{count} by {who}" for who, count in report.good_by.items())
    lines = [
        f"looked at {report.looked_at} conversations, {report.unchanged} unchanged; {report.taken} to learn from"
        + (f" (judged good: {said_by})" if said_by else ""),
        f"{report.targets} answers to learn, of them {report.edits} edited and {report.operator_messages} written by"
        f" a person; {report.context} are context only",
    ]
    lines += [f"left out: {count}: {reason}" for reason, count in sorted(report.left_out.items())]
    lines += [f"not believed: {count}: {who}" for who, count in sorted(report.unheard.items())]
    for count, what in (
        (report.rated, "answers are rated: rated.jsonl, for dialoop tune --objective kto"),
        (report.protected_now, "messages had something private that was replaced only now"),
        (report.taken_back, "conversations that were learnt from are judged otherwise by now"),
        (len(report.erased), "conversations that were learnt from are erased by now"),
    ):
        if count:
            lines.append(f"{count} {what}")
    return lines


def _drift(drift: Drift | None) -> list[str]:
    if drift is None:
        return []
    lines = []
    for sign in drift.signs:
        if sign.now is None:
            continue
        before = "nothing to compare with" if sign.before is None else f"before {sign.before:.1%}"
        chance = "" if sign.p is None else f", p {sign.p:.3g}"
        lines.append(f"{'DRIFT' if sign.alarm else 'drift'}: {sign.name}: {sign.now:.1%} ({before}{chance})")
    if drift.drifted and drift.new_words:
        lines.append(f"new words: {', '.join(drift.new_words)}")
    return lines
