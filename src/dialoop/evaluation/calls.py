"""Tool calls against the truth, and which tools training has offered.

Two calls are equal when their names and their arguments as canonical JSON are. The calls of one turn are compared
without order, since they are made side by side. Knows nothing of models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from dialoop.conversation import Conversation, Tool, ToolCall, canonical_json, parse_tool_arguments
from dialoop.errors import DataError
from dialoop.evaluation.results import Call


def comparable(call: ToolCall) -> Call:
    """The call with canonical arguments; arguments that are no JSON object stay as they were said, equal to none."""
    try:
        arguments = canonical_json(parse_tool_arguments(call.function.arguments))
    except DataError:
        arguments = call.function.arguments
    return Call(name=call.function.name, arguments=arguments)


def same_names(said: Sequence[Call], true: Sequence[Call]) -> bool:
    """Whether the same tools are called equally often."""
    return Counter(call.name for call in said) == Counter(call.name for call in true)


def same_calls(said: Sequence[Call], true: Sequence[Call]) -> bool:
    """Whether names and arguments are the same."""
    return Counter(said) == Counter(true)


TOOLS_SEEN_FILE = "tools_seen.json"


class ToolsSeen(BaseModel):
    """The tools that training offered: each name with the names of its parameters, in every form that was met.

    A tool counts as seen when its name was offered with the same parameter names; wording of descriptions and order do
    not matter. A known name with other parameters is unseen: its schema must be read, not remembered.
    """

    model_config = ConfigDict(extra="forbid")
    tools: dict[str, list[list[str]]]

    @classmethod
    def of(cls, conversations: Iterable[Conversation]) -> ToolsSeen:
        """Every tool offered in `conversations`."""
        forms: dict[str, set[tuple[str, ...]]] = {}
        for conversation in conversations:
            for tool in conversation.tools:
                name, parameters = _form(tool)
                forms.setdefault(name, set()).add(parameters)
        return cls(tools={name: sorted(map(list, forms[name])) for name in sorted(forms)})

    @classmethod
    def read(cls, model: Path) -> ToolsSeen | None:
        """What the record of a run says: the file stands in the run's folder, in or above the model's. None: no record.

        Raises:
            DataError: the file is there and cannot be read.
        """
        for folder in (model, model.parent):
            path = folder / TOOLS_SEEN_FILE
            if path.is_file():
                try:
                    return cls.model_validate_json(path.read_bytes())
                except ValidationError:
                    raise DataError(
                        "this is no list of tools seen in training",
                        where=path,
                        remedy="delete it and give --train FILE",
                    ) from None
        return None

    def write(self, folder: Path) -> Path:
        """Writes the list where `read` finds it."""
        path = folder / TOOLS_SEEN_FILE
        path.write_text(self.model_dump_json() + "\n", encoding="utf-8")
        return path

    def has_seen(self, true: Sequence[Call], offered: Sequence[Tool]) -> bool:
        """Whether every tool that is truly called was offered in training as it is offered here."""
        here = dict(_form(tool) for tool in offered)
        return all(
            call.name in self.tools and (call.name not in here or list(here[call.name]) in self.tools[call.name])
            for call in true
        )


def _form(tool: Tool) -> tuple[str, tuple[str, ...]]:
    function: Mapping[str, Any] = tool.get("function", tool)
    parameters = function.get("parameters") or {}
    properties = parameters.get("properties") if isinstance(parameters, Mapping) else None
    return str(function.get("name", "")), tuple(sorted(properties or {}))
