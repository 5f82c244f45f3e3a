"""What an engine is asked and what it answers with: a request, pieces of an answer, and the protocol of an engine.

One path for streamed and unstreamed answers: an engine always gives pieces; who wants the whole answer gathers them.
It knows neither tokens nor torch nor HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dialoop.conversation import FunctionCall, Message, Tool, ToolCall
from dialoop.errors import EngineError, RequestError

FinishReason = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class NamedTool:
    """The choice of one tool by its name: the answer must call it."""

    name: str


ToolChoice = Literal["none", "auto", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One answer to be generated.

    `max_tokens`: None, up to the model's window. `temperature` 0: greedy. `top_p` in (0, 1]. `seed` None: drawn anew.
    `stop`: texts that end the answer and are not part of it. `parallel`: whether one answer may hold several calls.
    `protected`: private data is shown as stand-ins (`dialoop.privacy`), and no other is to be said. `patterns`: whether
    the regular expressions of the tools (`x-like`) are followed; not where a stranger wrote the tools.
    """

    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel: bool = True
    protected: bool = False
    patterns: bool = True
    model: str | None = None

    @property
    def tool_names(self) -> list[str]:
        """The names of the tools, in the order given."""
        return [str(tool["function"]["name"]) for tool in self.tools]

    def check(self) -> None:
        """Raises RequestError where the fields contradict each other or leave their ranges."""
        if not self.messages:
            raise RequestError("messages is empty: there is nothing to answer", param="messages")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise RequestError(f"max_tokens is {self.max_tokens}: it must be at least 1", param="max_tokens")
        if not 0 <= self.temperature <= 2:
            raise RequestError(f"temperature is {self.temperature}: it must lie in [0, 2]", param="temperature")
        if not 0 < self.top_p <= 1:
            raise RequestError(f"top_p is {self.top_p}: it must lie in (0, 1]", param="top_p")
        if len(self.stop) > 16 or any(not text for text in self.stop):
            raise RequestError("stop must hold at most 16 texts, none of them empty", param="stop")
        if self.tool_choice == "required" and not self.tools:
            raise RequestError("tool_choice is required, but there are no tools", param="tool_choice")
        if isinstance(self.tool_choice, NamedTool) and self.tool_choice.name not in self.tool_names:
            raise RequestError(
                f"tool_choice names {self.tool_choice.name!r}, which is not among the tools: {self.tool_names}",
                param="tool_choice",
            )


@dataclass(frozen=True, slots=True)
class Usage:
    """How many tokens a request took and gave."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A part of the call at `index`. The first part of a call carries `id` and `name`; `arguments` are appended."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer. The last piece, and it alone, carries `finish_reason` and `usage`.

    `reasoning_delta` is what a model thinks before it speaks, where it does.
    """

    text_delta: str = ""
    reasoning_delta: str = ""
    tool_call_delta: ToolCallDelta | None = None
    finish_reason: FinishReason | None = None
    usage: Usage | None = None


class Engine(Protocol):
    """Generates answers. `generate` raises RequestError (EngineError where the engine is at fault) at its first step.

    To stop an answer before its end, close the iterator (or cancel the task that reads it).
    """

    def models(self) -> list[str]:
        """The names that a request may ask for."""
        ...

    async def ready(self) -> bool:
        """Whether a request would be taken now."""
        ...

    def generate(self, request: GenerateRequest) -> AsyncGenerator[Piece, None]:
        """The pieces of one answer, in order."""
        ...

    async def close(self) -> None:
        """Ends what runs and frees what is held."""
        ...


@dataclass(slots=True)
class Gathered:
    """Pieces put together: `add` each one, then read the fields."""

    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    usage: Usage | None = None

    def add(self, piece: Piece) -> None:
        """Appends one piece. Raises EngineError if a call's first part lacks its name."""
        self.text += piece.text_delta
        self.reasoning += piece.reasoning_delta
        if (delta := piece.tool_call_delta) is not None:
            if delta.index == len(self.tool_calls):
                if delta.name is None:
                    raise EngineError("the engine sent a call without a name")
                call = FunctionCall(name=delta.name, arguments=delta.arguments)
                self.tool_calls.append(ToolCall(id=delta.id or f"call_{delta.index}", function=call))
            elif 0 <= delta.index < len(self.tool_calls):
                self.tool_calls[delta.index].function.arguments += delta.arguments
            else:
                raise EngineError(f"the engine sent a part of call {delta.index}, which was never begun")
        self.finish_reason = piece.finish_reason or self.finish_reason
        self.usage = piece.usage or self.usage

    @property
    def message(self) -> Message:
        """The answer as a message of the record."""
        return Message(role="assistant", content=self.text or None, tool_calls=self.tool_calls or None)


async def gather(pieces: AsyncIterator[Piece]) -> Gathered:
    """The whole answer. Raises what the engine raises, and EngineError if the answer has no end."""
    whole = Gathered()
    async for piece in pieces:
        whole.add(piece)
    if whole.finish_reason is None:
        raise EngineError("the engine's answer broke off before its end")
    return whole
