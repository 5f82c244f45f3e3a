"""What is passed into an agent: the forms of `understand`, `search`, rules and guards, and how they are called.

Each may be a plain or an async function. Plain ones run in a thread, so that one that computes holds up nobody.
All that they are given holds stand-ins instead of private values.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from dialoop.conversation import State
from dialoop.conversation.events import Passage


class Understanding(Protocol):
    """What was made of a message; any object with these attributes will do."""

    @property
    def intents(self) -> Mapping[str, float]:
        """The intents with their confidence (0 to 1), the likeliest first."""

    @property
    def out_of_scope(self) -> bool:
        """Whether the message is about something that the agent is not for."""

    @property
    def slots(self) -> Mapping[str, Any]:
        """Values found in the message, by slot."""

    @property
    def sentiment(self) -> str | None:
        """How the customer feels, in one word, if it was looked at."""


Understand = Callable[[str, State], Understanding | Awaitable[Understanding]]
"""What to make of the customer's text, in the state that it was said in (the text is its last entry)."""

Search = Callable[[str, str | None], Sequence[Passage] | Awaitable[Sequence[Passage]]]
"""The passages for a text in a language, the best first."""


@dataclass(frozen=True)
class Situation:
    """What a rule or a guard may look at. `text`: the customer's last message; `asked`: what was said to it before.

    `step` counts the messages with tool calls in this turn so far; `results` are what those calls gave, by tool name
    and in order, as JSON text.
    """

    state: State
    text: str
    asked: str = ""
    lang: str = "en"
    intents: Mapping[str, float] = field(default_factory=dict)
    out_of_scope: bool = False
    slots: Mapping[str, Any] = field(default_factory=dict)
    step: int = 0
    results: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Decision:
    """What a rule decides instead of the model: calls to make (name, arguments), or a text to say, or both.

    After calls the rules are asked again, with their results. `escalate`: a person is called, for this reason.
    `rule` names the rule in the log; without it, the function's name does. Stand-ins may be used as in any text.
    """

    text: str | None = None
    calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    escalate: str | None = None
    rule: str | None = None
    reason: str | None = None


Rule = Callable[[Situation], Decision | Awaitable[Decision | None] | None]
"""Looks at a situation before the model does; None leaves it to the next rule, and at last to the model.

A pure function of the situation: after a crash it is asked again.
"""

Guard = Callable[[str, Situation], str | Awaitable[str | None] | None]
"""Looks at one sentence before it leaves; gives the reason where it must not."""


async def called(function: Callable[..., Any], *values: Any) -> Any:
    """What the function gives: awaited where it is async, from a thread where it is plain.

    Raises what it raises, and RuntimeError for what would end more than the call; see `contained` and `awaited`.
    """
    if inspect.iscoroutinefunction(function):
        return await awaited(function(*values))
    result = await awaited(asyncio.to_thread(contained, function, *values))
    return await awaited(result) if inspect.isawaitable(result) else result


def contained(function: Callable[..., Any], *values: Any) -> Any:
    """What a plain function gives. Raises RuntimeError in the place of StopIteration and of an exit.

    No future takes a StopIteration: who waits for it would wait for ever. An exit would end the event loop.
    """
    try:
        return function(*values)
    except (StopIteration, SystemExit) as error:
        raise RuntimeError(f"it raised {error!r}") from error


async def awaited(given: Awaitable[Any]) -> Any:
    """What is awaited. Raises RuntimeError in the place of an exit, and of a cancellation that nobody asked for."""
    task = asyncio.current_task()
    try:
        return await given
    except SystemExit as error:
        raise RuntimeError(f"it raised {error!r}") from error
    except asyncio.CancelledError as error:
        if task is None or task.cancelling():
            raise
        raise RuntimeError("what it waited for was cancelled") from error
