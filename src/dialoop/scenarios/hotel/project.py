"""Makes a project folder of the hotel: project file, tools, logs, labelled intents, house rules, and the houses.

What it writes is an example to be edited; the logs are protected, as the agent will see its customers' words. The
houses are of the part "train", as the logs are. It knows no verb.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import yaml

from dialoop.conversation import OUT_OF_SCOPE, Conversation, write_conversations, write_lines
from dialoop.errors import SettingsError
from dialoop.privacy import protect_conversation
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.houses import Houses
from dialoop.scenarios.hotel.logs import LANGUAGES, make_logs, system_message
from dialoop.scenarios.hotel.makers import make_world
from dialoop.scenarios.hotel.world import World

WORLD = "world.db"
TOOLS = "tools.py"
PROJECT_FILE = "dialoop.yaml"


def make_project(folder: Path, *, conversations: int = 400, seed: int = 0) -> list[Path]:
    """Makes the project in `folder`, which must be empty or not there; gives the files.

    It is made beside its place, and put there when it is whole. What a killed one left beside it is replaced. Raises
    SettingsError for a folder that holds something.
    """
    is_there = folder.exists()
    beside = (folder if is_there else folder.parent) / f".{folder.resolve().name}.part"
    if is_there and (not folder.is_dir() or any(path != beside for path in folder.iterdir())):
        remedy = "name an empty folder, or one that is not there"
        raise SettingsError("this is no empty folder, and nothing in it is overwritten", where=folder, remedy=remedy)
    if beside.exists():
        shutil.rmtree(beside)
    beside.mkdir(parents=True)
    _fill(beside, conversations, seed)
    if is_there:  # it may be where somebody stands, or a mounted disk: it stays, and the project file comes last
        for path in sorted(beside.iterdir(), key=lambda path: path.name == PROJECT_FILE):
            path.rename(folder / path.name)
        beside.rmdir()
    else:
        beside.rename(folder)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _fill(folder: Path, conversations: int, seed: int) -> None:
    """Writes everything that a project holds into an empty folder."""
    rules = folder / "data" / "rules"
    rules.mkdir(parents=True)
    worlds = {lang: make_world(lang, "train", Dice("project", lang, seed)) for lang in LANGUAGES}
    houses = Houses(folder / WORLD, create=True)
    for lang, world in worlds.items():
        houses.add(lang, world)
        (rules / f"rules.{lang}.md").write_text(_rules_page(world), encoding="utf-8")
    logs = [protect_conversation(one) for one in make_logs(conversations, seed=seed)]
    write_conversations(folder / "data" / "logs.jsonl", logs)
    write_lines(folder / "data" / "intents.jsonl", _intents(logs, in_scope=True))
    write_lines(folder / "data" / "out_of_scope.jsonl", _intents(logs, in_scope=False))
    for name in (TOOLS, "README.md"):
        text = (files("dialoop.scenarios.hotel") / "template" / name).read_text("utf-8")
        (folder / name).write_text(text, encoding="utf-8")
    (folder / PROJECT_FILE).write_text(_project_file(worlds, seed), encoding="utf-8")


def _project_file(worlds: dict[str, World], seed: int) -> str:
    agents = {
        f"hotel-{lang}": {
            "system": system_message(world, "train", Dice("project", "system", lang, seed)),
            "tools": TOOLS,
            "lang": lang,
        }
        for lang, world in worlds.items()
    }
    settings = {"base": "mini", "data": "data/logs.jsonl", "agents": agents}
    written = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=118)
    return f"# What the agents are. docs/project-file.md tells what every setting takes.\n{written}"


def _rules_page(world: World) -> str:
    return f"# {world.hotel}\n" + "".join(f"\n## {topic}\n\n{rule}\n" for topic, rule in world.rules.items())


def _intents(logs: list[Conversation], *, in_scope: bool) -> Iterator[str]:
    """What customers said with the intent, each text once; or what they said that a hotel is not for."""
    seen = set()
    for one in logs:
        for note in one.annotations.messages if one.annotations else []:
            text = one.messages[note.index].content or ""
            if text not in seen and isinstance(note.intents, list) and (note.intents[0] != OUT_OF_SCOPE) == in_scope:
                seen.add(text)
                row = {"text": text, "label": note.intents[0], "lang": one.lang, "customer": one.customer}
                yield json.dumps(row, ensure_ascii=False)
