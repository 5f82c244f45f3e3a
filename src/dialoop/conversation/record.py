"""The record: one conversation as typed messages, tool calls and annotations, in OpenAI's chat fine-tuning form.

Plain data. It knows nothing of files, models or tokens. Source of the form: OpenAI's chat fine-tuning format
(`messages`, `tools`, `weight`), with `rejected`, `lang`, `source`, `split`, `customer`, `outcome`, `annotations` added.
"""

from __future__ import annotations

import math
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

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the file form; absent fields are left out, but `content` is always there."""
        record: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls is not None:
            record["tool_calls"] = [
                {
                    "id": call.id,
                    "type": call.type,
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in self.tool_calls
            ]
        for field in ("tool_call_id", "name", "weight", "rejected"):
            value = getattr(self, field)
            if value is not None:
                record[field] = value
        return record


class SlotSpan(BaseModel):
    """A labelled span of a message's content; `start` and `end` in Unicode code points, `end` exclusive."""

    model_config = ConfigDict(extra="allow")
    label: str
    start: int
    end: int


class MessageAnnotation(BaseModel):
    """What is known of the message at `index` (from 0); unknown keys are kept.

    `intents`: a list, or one intent a service, as dialogue state data sets have it. `rating`: what a person thought of
    this answer, above 0 good, below 0 bad; what is no number is kept, and says nothing.
    """

    model_config = ConfigDict(extra="allow")
    index: int
    intents: list[str] | dict[str, str] | None = None
    slots: list[SlotSpan] | None = None
    state: dict[str, Any] | None = None
    acts: list[Any] | None = None
    rating: Any = None

    @property
    def score(self) -> float | None:
        """The rating, where it is a finite number."""
        is_number = isinstance(self.rating, int | float) and not isinstance(self.rating, bool)
        return float(self.rating) if is_number and math.isfinite(self.rating) else None

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the file form; declared fields without a value are left out."""
        record = self.model_dump()
        for field in ("intents", "slots", "state", "acts", "rating"):
            if record[field] is None:
                del record[field]
        return record


class Annotations(BaseModel):
    """What is known of a conversation besides its text. `messages` is sparse; unknown keys are kept."""

    model_config = ConfigDict(extra="allow")
    messages: list[MessageAnnotation] = Field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the file form; kept keys stay as they were."""
        record = self.model_dump(include=set(self.model_extra or ()))
        record["messages"] = [annotation.to_json() for annotation in self.messages]
        return record


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

    @property
    def ratings(self) -> dict[int, float]:
        """The ratings of answers by the index of the message; where one has several, the last."""
        notes = self.annotations.messages if self.annotations else []
        answers = {index for index, message in enumerate(self.messages) if message.role == "assistant"}
        return {note.index: note.score for note in notes if note.index in answers and note.score is not None}

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the file form; absent fields are left out."""
        record: dict[str, Any] = {"id": self.id}
        for field in META:
            value = getattr(self, field)
            if value is not None:
                record[field] = value
        record["messages"] = [message.to_json() for message in self.messages]
        if self.tools:
            record["tools"] = self.tools
        if self.annotations is not None:
            record["annotations"] = self.annotations.to_json()
        return record


META = ("lang", "source", "split", "customer", "outcome")
"""The fields of a conversation that say where it comes from; every form with named fields can hold them."""
