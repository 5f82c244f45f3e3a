"""The section `agents` of a project file: any number of agents by name, each with the agent room's own settings.

It knows what may stand there, not how an agent is built.
"""

from __future__ import annotations

import re
from pathlib import Path

from dialoop.agent import AgentSettings
from dialoop.errors import SettingsError
from dialoop.project.document import Document, read_document

AGENTS = "agents"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def load_agents(path: Path) -> dict[str, AgentSettings]:
    """The agents of a project file, in its order; none where it has no such section.

    Raises SettingsError with file and line for a name, a key or a value that will not do.
    """
    return checked_agents(read_document(path))


def checked_agents(document: Document) -> dict[str, AgentSettings]:
    """The same of a document that was read."""
    from dialoop.project.file import checked

    section = document.values.get(AGENTS) or {}
    if not isinstance(section, dict):
        what = f"`{AGENTS}` is a section, and this is a {type(section).__name__}"
        remedy = "write each agent's name, and its settings below it"
        raise SettingsError(what, where=document.place((AGENTS,)), remedy=remedy)
    agents = {}
    for name, settings in section.items():
        key = (AGENTS, str(name))
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            remedy = "use letters, digits, '.', '_' and '-'"
            raise SettingsError(f"{name!r} cannot name an agent", where=document.place(key), remedy=remedy)
        if not isinstance(settings, dict | None):
            what = f"`{AGENTS}.{name}` is an agent's settings, and this is a {type(settings).__name__}"
            raise SettingsError(what, where=document.place(key), remedy=f"indent its settings below `{name}:`")
        agents[name] = AgentSettings.model_validate(checked(AgentSettings, settings or {}, document, key))
    return agents
