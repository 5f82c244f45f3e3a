"""What an agent is told: its words, its tools, its limits. One agent's part of the project file's section `agents`.

It knows no engine and no store; files that it names are read by who builds the agent.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AgentSettings(BaseModel):
    """One agent. Every setting has a default, so that an agent without tools is one line."""

    model_config = ConfigDict(extra="forbid")
    system: str | None = Field(default=None, description="What the model is told at the head of every conversation.")
    tools: str | None = Field(default=None, description="A Python file of typed functions, beside the project file.")
    model: str | None = Field(default=None, description="The version that answers; unset: the one that is served.")
    lang: str | None = Field(
        default=None, description="Language of notices where the customer's text does not show it."
    )
    greeting: str | None = Field(default=None, description="What the agent says when a conversation is opened.")
    confirm: bool = Field(default=True, description="Transactional tools are called after the customer's yes only.")
    approve: list[str] = Field(default=[], description="Tools that wait until a person at the desk lets them go ahead.")
    max_steps: int = Field(default=8, ge=1, le=50, description="Messages with tool calls in one turn, at most.")
    repairs: int = Field(default=1, ge=0, le=5, description="Tries more, a turn, where the model makes no sense.")
    escalate_after: int = Field(default=2, ge=1, le=20, description="Failed calls in a row until a person is called.")
    temperature: float = Field(default=0.0, ge=0, le=2, description="0: the likeliest words.")
    max_tokens: int = Field(default=512, ge=1, description="Tokens of one message of the model, at most.")
    window: int | None = Field(default=None, ge=2, description="Messages shown to the model; unset: all that fit.")
    passages: int = Field(default=3, ge=0, le=20, description="Passages found for a message that are shown, at most.")
    lease: float = Field(
        default=30.0, gt=0, le=3600, description="Seconds without a sign of life until another worker may go on."
    )
    keys: dict[str, str | None] = Field(
        default={}, description="What keys of tool arguments and results hold: name, phone, ...; null: nothing private."
    )
    notices: dict[str, dict[str, str]] = Field(
        default={}, description="By language, other words for what the agent itself says (docs/agent.md)."
    )
