"""Puts together what `serve` serves besides a model: the agents of the project in the working directory, their store,
and who may sit at the desk. It knows files and settings, no HTTP and no dialogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import typer

from dialoop.agent import Agent, AgentSettings, Toolbox
from dialoop.agent.seams import Search
from dialoop.agent.seams import Understand as Understands
from dialoop.cli.engines import project_shelf
from dialoop.engine import Engine
from dialoop.errors import SettingsError
from dialoop.project import PROJECT_FILE, load_agents, load_project
from dialoop.server import LOOPBACK, House, InService, Operators, Running, ServedAgent, ServeSettings
from dialoop.store import open_store

OPERATORS = "operators.json"
Load = Callable[[str], Engine]


def project_agents() -> dict[str, AgentSettings]:
    """The agents of the working directory's project; none where there is no project file."""
    return load_agents(Path(PROJECT_FILE)) if Path(PROJECT_FILE).is_file() else {}


def check_doors(settings: ServeSettings, agents: dict[str, AgentSettings], key: str | None) -> Operators:
    """Who may sign in at the desk. Raises SettingsError where other machines get in and nobody asks who they are."""
    given = Path(settings.operators or OPERATORS)
    path = given if settings.operators is not None or given.is_file() else None
    operators = Operators(path if agents else None)
    if not agents or settings.host in LOOPBACK:
        return operators
    if not operators.ask_for_password:
        what = f"at {settings.host} anybody could sit at the desk"
        raise SettingsError(what, remedy="say who may sign in: dialoop operator NAME; or leave --host out")
    if key is None:
        what = f"at {settings.host} any program could talk to the agents"
        raise SettingsError(
            what, remedy="give --api-key-env NAME, the key that programs must send; or leave --host out"
        )
    return operators


def in_service(engine: Engine, version: str | None, *, follow: bool, load: Load) -> InService:
    """The engine, and what is promoted on the project's shelf in its place, if it shall `follow`."""
    if not follow:
        return InService(Running(engine, version))
    from dialoop.model import shelf

    versions = shelf(project_shelf())

    def current() -> str | None:
        found = versions.current
        return None if found is None else found.name

    return InService(Running(engine, version), current=current, load=load)


@contextmanager
def open_house(
    agents: dict[str, AgentSettings], settings: ServeSettings, operators: Operators, model: InService, load: Load
) -> Iterator[House | None]:
    """The agents, ready to be served, for the block; None where there are none."""
    if not agents:
        yield None
        return
    with ExitStack() as opened:
        store = opened.enter_context(open_store(settings.store))
        search, understand = _search(opened), _understand(settings.understanding)
        served, boxes = {}, dict[Path, Toolbox]()
        for name, own in agents.items():
            answers = model if own.model is None else InService(Running(load(own.model), own.model))
            tools = Toolbox() if own.tools is None else _toolbox(Path(own.tools), boxes)
            running = answers.running
            agent = Agent(
                name, own, running.engine, tools, store, store.vault,
                understand=understand, search=search, model_version=running.version,
            )  # fmt: skip
            served[name] = ServedAgent(agent, answers, own.greeting)
        yield House(served, store, operators)


def _toolbox(path: Path, known: dict[Path, Toolbox]) -> Toolbox:
    """The tools of a file, run once for all its agents: what it keeps in memory is theirs together."""
    if path.resolve() not in known:
        known[path.resolve()] = Toolbox.load(path)
    return known[path.resolve()]


def _search(opened: ExitStack) -> Search | None:
    """Search over the project's documents, if its file has a section for them."""
    given = load_project(Path(PROJECT_FILE)).get("knowledge")
    if given is None:
        return None
    from dialoop.knowledge import KnowledgeSettings, open_knowledge

    settings = KnowledgeSettings(**given)
    knowledge = opened.enter_context(open_knowledge(settings.folder, index=settings.index))
    return partial(knowledge.search, limit=settings.limit)


def _understand(model: str | None) -> Understands | None:
    if model is None:
        return None
    from dialoop.understanding import Understander

    understander = Understander.load(model)
    typer.echo(f"messages are understood with {understander.way}")
    return understander.understand
