"""Tools: typed Python functions that the agent may call. (Skeleton; being built.)"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dialoop.conversation import Tool

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class ToolContext:
    """What a tool is told about its call. Equal `idempotency_key`: the same call, made again after a crash."""

    conversation: str
    tenant: str
    customer: str | None
    idempotency_key: str
    lang: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a call gave: JSON text. `failed`: it tells of an error. `unknown`: it may have had its effect or not."""

    content: str
    failed: bool = False
    unknown: bool = False


def tool(
    *, transactional: bool = False, repeatable: bool = True, time_limit: float = 20.0
) -> Callable[[Function], Function]:
    """Says of a function what it does. Undecorated functions read only and may be repeated.

    `transactional`: it changes something, and is confirmed with the customer first. `repeatable`: called again with the
    same idempotency key, it has its effect once and gives the same. `time_limit` in seconds.
    """
    raise NotImplementedError


class Toolbox:
    """The tools of an agent."""

    @classmethod
    def of(cls, functions: Iterable[Callable[..., Any]]) -> Toolbox:
        """The functions as tools. Raises SettingsError for one that has no schema, and for two of one name."""
        raise NotImplementedError

    @classmethod
    def load(cls, path: str | Path) -> Toolbox:
        """All public functions defined in a Python file. Raises SettingsError where it cannot be used."""
        raise NotImplementedError

    @property
    def schemas(self) -> list[Tool]:
        """The tools in OpenAI's form, in the order of the file."""
        raise NotImplementedError

    async def call(self, name: str, arguments: str, context: ToolContext) -> Outcome:
        """Calls a tool with arguments as JSON text. Whatever goes wrong is a result; it raises nothing."""
        raise NotImplementedError
