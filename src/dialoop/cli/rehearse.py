"""`dialoop rehearse`: simulated customers talk to the agent, and to one of rules alone beside it.

Thin: a project, a model and customers to a rehearsal, and the results to the terminal and a file.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from dialoop.agent import AgentSettings, Toolbox
from dialoop.cli.engines import model_in_service, open_in_process, served_name
from dialoop.engine import Engine
from dialoop.errors import SettingsError
from dialoop.evaluation import Progress, progress_bar, show
from dialoop.project import PROJECT_FILE, load_agents
from dialoop.rehearsal import Rehearsal, Result, failures, table, write_json
from dialoop.scenarios.hotel.houses import Houses
from dialoop.scenarios.hotel.logs import LANGUAGES
from dialoop.scenarios.hotel.project import TOOLS, WORLD, make_project
from dialoop.scenarios.hotel.rehearsed import make_customers
from dialoop.scenarios.hotel.rehearsing import RULES_ONLY, rehearse_hotel
from dialoop.store import open_store

_FEWEST_LOGS = 20
_SHOWN_FAILURES = 2


def rehearse(
    scenario: Annotated[Literal["hotel"], typer.Argument(help="Whose customers come.")],
    customers: Annotated[int, typer.Option(min=1, help="Customers of each language.")] = 20,
    lang: Annotated[Literal["en", "zh"] | None, typer.Option(help="One language; none: both.")] = None,
    project: Annotated[
        Path | None, typer.Option(help="The project folder; none: the working directory, or a new one.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="A version, a run or a folder; none: the newest.")] = None,
    rules_only: Annotated[bool, typer.Option("--rules-only", help="Rehearse the agent of rules alone.")] = False,
    part: Annotated[Literal["train", "test"], typer.Option(help="Whose phrasings the customers use.")] = "test",
    seed: Annotated[int, typer.Option(min=0, help="The same seed brings the same customers.")] = 0,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Conversations at once.")] = 16,
    json: Annotated[Path | None, typer.Option(help="Write all results, with the failures' conversations.")] = None,
) -> None:
    """Let simulated customers talk to the agent, and to an agent of rules alone, and tell what they reached."""
    if json is not None and not json.absolute().parent.is_dir():
        raise SettingsError("the folder of this file does not exist", where=json, remedy="make it, or write elsewhere")
    count = customers if lang is not None else customers * len(LANGUAGES)
    console = Console()
    held: list[Rehearsal] = []
    with _project(project) as folder, asyncio.Runner() as runner:
        toolbox, houses, settings = Toolbox.load(folder / TOOLS), Houses(folder / WORLD), agents_by_language(folder)
        agents: list[tuple[str, Engine | None]] = [] if rules_only else [_model(model, project, at_once)]
        with open_store(_store_path(folder)) as store, progress_bar(console) as tell:
            for number, (name, engine) in enumerate([*agents, (RULES_ONLY, None)]):
                some = make_customers(houses, count, lang=lang, seed=seed, part=part, label=f"rehearsal{number}")
                told = _Told(name, count, tell)
                talks = rehearse_hotel(
                    some, toolbox, store, engine, name=name, settings=settings, at_once=at_once, progress=told
                )
                try:
                    held.append(runner.run(talks))
                finally:
                    for customer in some:
                        houses.remove(customer.name)
                    if engine is not None:
                        runner.run(engine.close())
    show(console, table(held))
    for one in held:
        show(console, failures(one, _SHOWN_FAILURES if json is None else 0))
    if json is not None:
        write_json(json, held)
        typer.echo(f"all results: {json}")


class _Told:
    """Counts the conversations that have ended."""

    def __init__(self, name: str, of: int, tell: Progress) -> None:
        self._name, self._of, self._tell, self._done = name, of, tell, 0

    def __call__(self, result: Result) -> None:
        self._done += 1
        self._tell(self._name, self._done, self._of)


def _model(model: str | None, project: Path | None, at_once: int) -> tuple[str, Engine]:
    """The model that was asked for; else the one that the project has in service, or its newest.

    It answers all conversations that are held at once side by side, so that each keeps its row.
    """
    if model is not None:
        return served_name(model), open_in_process(model, max_batch=at_once)[0]
    with chdir(project or Path()):
        newest = model_in_service()
        return served_name(newest), open_in_process(newest, max_batch=at_once)[0]


def agents_by_language(folder: Path) -> dict[str, AgentSettings]:
    """By language, the settings of the project's first agent of it; else of its first agent."""
    agents = list(load_agents(folder / PROJECT_FILE).values()) if (folder / PROJECT_FILE).is_file() else []
    ranked = {lang: sorted(agents, key=lambda one, lang=lang: one.lang != lang) for lang in LANGUAGES}  # type: ignore[misc]
    return {lang: some[0] for lang, some in ranked.items() if some}


@contextmanager
def _project(folder: Path | None) -> Iterator[Path]:
    """The project's folder: as told, the working directory where it is one, or one that is made for this time alone."""
    here = folder or Path()
    if (here / TOOLS).is_file() and (here / WORLD).is_file():
        yield here
    elif folder is not None:
        remedy = f"dialoop new hotel {folder}"
        raise SettingsError(
            f"this is no project of the hotel: {TOOLS} and {WORLD} are in it", where=folder, remedy=remedy
        )
    else:
        with tempfile.TemporaryDirectory(prefix="dialoop-rehearsal-") as made:
            make_project(Path(made), conversations=_FEWEST_LOGS)
            yield Path(made)


def _store_path(folder: Path) -> Path:
    """A new store below the project's runs, named by the time."""
    place = folder / "runs" / f"rehearsal-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    place.mkdir(parents=True)
    return place / "store.db"
