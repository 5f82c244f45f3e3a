"""The events of a conversation: what happened, one after the other, unique by (conversation, seq); schema version 1.

Plain data that is only ever added to. What people said stands in the fields named in `SAID`, so that a store can keep
those bodies apart from the chain of digests and erase a person. Where an agent writes them, those fields hold stand-ins
for private values, `shown` is unused, and a vault has the values. It knows no store and no folds.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

SCHEMA_VERSION: Literal[1] = 1


class Passage(BaseModel):
    """A passage that was found for an answer, and where it comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str
    source: str


class BaseEvent(BaseModel):
    """What every event says. `seq` counts from 1 without gaps; `at` is RFC 3339 time in UTC.

    `model` is the version of the model that acted, if one did.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[1] = SCHEMA_VERSION
    conversation: str
    seq: int = Field(ge=1)
    at: str
    tenant: str
    customer: str | None = None
    agent: str | None = None
    model: str | None = None


class Opened(BaseEvent):
    """The first event. `system` is what the agent is told; `tools` are those that it may call."""

    kind: Literal["opened"] = "opened"
    system: str | None = None
    tools: list[dict[str, Any]] = []
    lang: str | None = None
    source: str | None = None


class UserSaid(BaseEvent):
    """`shown` is what the model is shown instead of `text`: stand-ins for private data."""

    kind: Literal["user_said"] = "user_said"
    text: str
    shown: str | None = None


class Understood(BaseEvent):
    """What was made of the last user message, and the passages found for it.

    `confidence` (0 to 1) is by intent; `out_of_scope`: the message is about something that the agent is not for.
    """

    kind: Literal["understood"] = "understood"
    intents: list[str] = []
    confidence: dict[str, float] = {}
    out_of_scope: bool = False
    slots: dict[str, Any] = {}
    sentiment: str | None = None
    passages: list[Passage] = []


class Decided(BaseEvent):
    """What the agent will do next, and why."""

    kind: Literal["decided"] = "decided"
    action: str
    reason: str | None = None


class ToolRequested(BaseEvent):
    """A call, written before the tool is called. Calls of one `step` were made in one message.

    `text` is what the agent said in that message (on its first call); `arguments` is JSON text.
    """

    kind: Literal["tool_requested"] = "tool_requested"
    step: str
    call_id: str
    name: str
    arguments: str
    idempotency_key: str
    needs_approval: bool = False
    text: str | None = None


class ToolApproved(BaseEvent):
    """A person let the call go ahead."""

    kind: Literal["tool_approved"] = "tool_approved"
    call_id: str
    by: str


class ToolDenied(BaseEvent):
    """A person or a rule refused the call; the model is told the reason."""

    kind: Literal["tool_denied"] = "tool_denied"
    call_id: str
    by: str
    reason: str


class ToolStarted(BaseEvent):
    """The tool is being called: after a crash the call's outcome is unknown from here on."""

    kind: Literal["tool_started"] = "tool_started"
    call_id: str
    attempt: int = Field(default=1, ge=1)


class ToolReturned(BaseEvent):
    """The tool's result as text; `shown` is what the model is shown instead. `failed`: the result tells of an error."""

    kind: Literal["tool_returned"] = "tool_returned"
    call_id: str
    content: str
    shown: str | None = None
    failed: bool = False


class AgentSaid(BaseEvent):
    """`shown` is the text as the model wrote it, with stand-ins; `text` is what the customer read."""

    kind: Literal["agent_said"] = "agent_said"
    text: str
    shown: str | None = None


class AnswerWithdrawn(BaseEvent):
    """The answer said at `said_at` (a seq) was taken back."""

    kind: Literal["answer_withdrawn"] = "answer_withdrawn"
    said_at: int
    reason: str


class HandedTo(BaseEvent):
    """Another agent goes on. It is shown the conversation from `shown_from` (a seq) on; all of it if none."""

    kind: Literal["handed_to"] = "handed_to"
    to: str
    system: str | None = None
    tools: list[dict[str, Any]] = []
    shown_from: int | None = None


class Escalated(BaseEvent):
    """A person is asked for."""

    kind: Literal["escalated"] = "escalated"
    reason: str


class OperatorJoined(BaseEvent):
    """A person took over; the agent is silent until `handed_back`."""

    kind: Literal["operator_joined"] = "operator_joined"
    operator: str


class OperatorSaid(BaseEvent):
    """What the person at the desk said to the customer."""

    kind: Literal["operator_said"] = "operator_said"
    operator: str
    text: str
    shown: str | None = None


class OperatorEdited(BaseEvent):
    """A person put `text` in the place of the agent's answer said at `said_at` (a seq)."""

    kind: Literal["operator_edited"] = "operator_edited"
    operator: str
    said_at: int
    text: str


class HandedBack(BaseEvent):
    """The person leaves; the agent goes on."""

    kind: Literal["handed_back"] = "handed_back"
    operator: str


class Summarised(BaseEvent):
    """`text` stands for everything up to and including the event `upto` (a seq)."""

    kind: Literal["summarised"] = "summarised"
    upto: int
    text: str


class Rated(BaseEvent):
    """A judgement, of the answer said at `said_at` or of the whole. `score` from -1 (bad) to 1 (good)."""

    kind: Literal["rated"] = "rated"
    by: str
    score: float = Field(ge=-1, le=1, allow_inf_nan=False)
    said_at: int | None = None
    note: str | None = None


class Closed(BaseEvent):
    """The end, its outcome, and who decided it."""

    kind: Literal["closed"] = "closed"
    outcome: str
    by: str


class Erased(BaseEvent):
    """What people said in this conversation is gone."""

    kind: Literal["erased"] = "erased"
    reason: str


Event = Annotated[
    Opened
    | UserSaid
    | Understood
    | Decided
    | ToolRequested
    | ToolApproved
    | ToolDenied
    | ToolStarted
    | ToolReturned
    | AgentSaid
    | AnswerWithdrawn
    | HandedTo
    | Escalated
    | OperatorJoined
    | OperatorSaid
    | OperatorEdited
    | HandedBack
    | Summarised
    | Rated
    | Closed
    | Erased,
    Field(discriminator="kind"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event of any kind: `EVENT.validate_python(record)`, `EVENT.validate_json(text)`."""

SAID: dict[str, tuple[str, ...]] = {
    "user_said": ("text", "shown"),
    "understood": ("slots",),
    "tool_requested": ("arguments", "text"),
    "tool_returned": ("content", "shown"),
    "agent_said": ("text", "shown"),
    "operator_said": ("text", "shown"),
    "operator_edited": ("text",),
    "summarised": ("text",),
    "rated": ("note",),
}
"""By kind, the fields that hold what people said."""
