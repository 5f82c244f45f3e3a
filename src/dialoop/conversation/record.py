"""The record: one conversation as typed messages, tool calls and annotations, in OpenAI's chat fine-tuning form.

Plain data. It knows nothing of files, models or tokens. Source of the form: OpenAI's chat fine-tuning format
(`messages`, `tools`, `weight`), with `rejected`, `lang`, `source`, `split`, `customer`, `outcome`, `annotations` added.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["system", "user", "assistant", "tool"]
Tool = dict[str, Any]
"""A tool as OpenAI's form has it: {"type": "function", "function": {"name", "description", "parameters"}}."""


class FunctionCall(BaseModel):
    """A function's name and its arguments as JSON text, exactly as they were written."""

    model_config = ConfigDict(extra="forbid")
    name: str
    arguments: str


class ToolCall(BaseModel):
    """One call inside an assistant message."""

    model_config = ConfigDict(extra="forbid")
    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class Message(BaseModel):
    """One message. `weight` (assistant only): 1 or absent, the text is a target; 0, it is context.

    `rejected`: the answer that a person replaced by `content`.
    """

    model_config = ConfigDict(extra="forbid")
    role: Role
    content: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    weight: Literal[0, 1] | None = None
    rejected: str | None = None

    @property
    def is_target(self) -> bool:
        """Whether the model is trained to say this message."""
        return self.role == "assistant" and self.weight != 0


class SlotSpan(BaseModel):
    """A labelled span of a message's content; `start` and `end` in Unicode code points, `end` exclusive."""

    model_config = ConfigDict(extra="allow")
    label: str
    start: int
    end: int


class MessageAnnotation(BaseModel):
    """What is known of the message at `index` (from 0)."""

    model_config = ConfigDict(extra="allow")
    index: int
    intents: list[str] | None = None
    slots: list[SlotSpan] | None = None
    state: dict[str, Any] | None = None
    acts: list[Any] | None = None


class Annotations(BaseModel):
    """What is known of a conversation besides its text. `messages` is sparse; unknown keys are kept."""

    model_config = ConfigDict(extra="allow")
    messages: list[MessageAnnotation] = Field(default_factory=list)


class Conversation(BaseModel):
    """One conversation: one line of a JSONL file."""

    model_config = ConfigDict(extra="forbid")
    id: str
    messages: list[Message]
    tools: list[Tool] = Field(default_factory=list)
    lang: str | None = None
    source: str | None = None
    split: str | None = None
    customer: str | None = None
    outcome: str | None = None
    annotations: Annotations | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the file form; absent fields are left out."""
        return self.model_dump(exclude_none=True, exclude_defaults=False)
