"""The project file `dialoop.yaml`: what a team's agent is, composed of each room's own settings.

Every key is a setting of the room that uses it, so a setting is described, typed and bounded in one place. Unknown keys
are refused with the nearest known one. It gives the verbs their defaults; it does not know how a verb uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from dialoop.agent import AgentSettings
from dialoop.errors import SettingsError
from dialoop.project.agents import AGENTS, checked_agents
from dialoop.project.document import Document, read_document
from dialoop.project.sections import SECTIONS, section_settings

PROJECT_FILE = "dialoop.yaml"


class Project(BaseModel):
    """The top level of a project file. Each section below it is named after the verb or the room that it is for."""

    model_config = ConfigDict(extra="forbid")
    base: str | None = Field(
        default=None, description="What `tune` starts from and `check` compares with: `mini`, a folder or a hub name."
    )
    data: str | None = Field(default=None, description="The dialogue logs that `check` and `tune` read.")
    model: str | None = Field(default=None, description="What `serve` and `chat` load: a version, a run or a folder.")


SHARED: dict[str, tuple[tuple[str, str], ...]] = {
    "base": (("tune", "base"), ("search", "base"), ("check", "base")),
    "model": (("serve", "model"), ("chat", "model")),
    "data": (("tune", "data"), ("search", "data"), ("check", "files")),
}
"""For each key of the top level, the verbs and their options that it is the default of."""


@dataclass(frozen=True)
class Entry:
    """One setting, explained."""

    key: str
    kind: str
    default: str
    about: str


def load_project(path: Path) -> dict[str, dict[str, Any]]:
    """Read and check a project file; give the defaults that it sets, by verb and option.

    Raises SettingsError with file and line for an unknown key or a value that its room refuses.
    """
    document = read_document(path)
    top = {key: value for key, value in document.values.items() if key not in (*SECTIONS, AGENTS)}
    checked_agents(document)
    given = checked(Project, top, document, ())
    defaults: dict[str, dict[str, Any]] = {}
    for key, value in given.items():
        for verb, option in SHARED[key]:
            defaults.setdefault(verb, {})[option] = [value] if option == "files" else value
    for name in SECTIONS:
        section = document.values.get(name)
        if section is None:
            continue
        if not isinstance(section, dict):
            what = f"`{name}` is a section, and this is a {type(section).__name__}"
            raise SettingsError(what, where=document.place((name,)), remedy=f"indent its settings below `{name}:`")
        defaults.setdefault(name, {}).update(checked(section_settings(name), section, document, (name,)))
    if "shelf" in defaults.get("learn", {}):  # there is one shelf in a project
        defaults["shelf"] = {"shelf": defaults["learn"]["shelf"]}
    if "search" in defaults:  # a search tunes: what is set for tuning is the same for all its trials
        fixed = {key: value for key, value in defaults.get("tune", {}).items() if key not in ("base", "data")}
        defaults["search"] = fixed | defaults["search"]
    elif "tune" in defaults:
        defaults["search"] = dict(defaults["tune"])
    return defaults


def explain_project() -> list[Entry]:
    """Every setting that a project file may hold, in the order of the file."""
    entries = [_entry("", name, model_field) for name, model_field in Project.model_fields.items()]
    for section in SECTIONS:
        fields = section_settings(section).model_fields
        entries += [_entry(f"{section}.", name, model_field) for name, model_field in fields.items()]
    own = AgentSettings.model_fields
    entries += [_entry(f"{AGENTS}.<name>.", name, model_field) for name, model_field in own.items()]
    return entries


def _entry(prefix: str, name: str, field: FieldInfo) -> Entry:
    default = field.get_default(call_default_factory=True)
    shown = "" if default in (None, [], {}) else str(default).lower() if isinstance(default, bool) else str(default)
    return Entry(prefix + name, _kind(field.annotation), shown, field.description or "")


def _kind(annotation: Any) -> str:
    """What may stand as the value, in words."""
    if get_origin(annotation) is Literal:
        return " or ".join(str(value) for value in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_kind(part) for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) in (list, dict):
        inner = [_kind(part) for part in get_args(annotation)]
        return f"list of {inner[0]}" if get_origin(annotation) is list else f"{inner[0]}: {inner[1]}"
    words = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return words.get(annotation, getattr(annotation, "__name__", str(annotation)))


def checked(settings: type[BaseModel], values: dict[str, Any], document: Document, at: tuple[str, ...]) -> Any:
    """What was given of `settings`, as plain values. Raises SettingsError with file and line."""
    try:
        return settings.model_validate(values).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        first, *others = error.errors(include_url=False)
        raise _refusal(first, settings, document, at, len(others)) from error


def _refusal(
    fault: Mapping[str, Any], settings: type[BaseModel], document: Document, at: tuple[str, ...], others: int
) -> SettingsError:
    key = (*at, *fault["loc"])
    name = ".".join(str(part) for part in key)
    where = document.place(key)
    more = f"; {others} more after this one" if others else ""
    if fault["type"] != "extra_forbidden":
        what = f"`{name}` is {fault['input']!r}: {fault['msg'][:1].lower()}{fault['msg'][1:]}{more}"
        return SettingsError(what, where=where, remedy="docs/project-file.md tells what each setting takes")
    known = [*settings.model_fields, *([] if at else (*SECTIONS, AGENTS))]
    nearest = get_close_matches(str(key[-1]), known, n=1)
    remedy = f"did you mean `{nearest[0]}`?" if nearest else f"the settings here are: {', '.join(known)}"
    return SettingsError(f"there is no setting `{name}`{more}", where=where, remedy=remedy)
