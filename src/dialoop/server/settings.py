"""The settings of `dialoop serve`, as a project file may hold them too. It knows no engine and no socket."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ServeSettings(BaseModel):
    """What is served, where, and within which limits."""

    model_config = ConfigDict(extra="forbid")
    model: str | None = Field(
        default=None, description="A version, a run, a folder or a hub name; none: the newest here."
    )
    name: str | None = Field(default=None, description="The name that clients ask for; none: as `model` says.")
    host: str = Field(default="127.0.0.1", description="Address to listen at; 0.0.0.0 lets other machines in.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen at; 0 takes a free one.")
    engine: Literal["in-process", "remote"] = Field(default="in-process", description="Where the model runs.")
    remote_url: str | None = Field(
        default=None, description="Base address of an OpenAI-compatible server, with its /v1."
    )
    remote_key_env: str | None = Field(
        default=None, description="Environment variable that holds the remote server's key."
    )
    api_key_env: str | None = Field(
        default=None, description="Environment variable that holds the key clients must send."
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Number format of the weights; auto: measured at start, whichever is faster here."
    )
    max_batch: int = Field(default=8, ge=1, le=256, description="Answers that are made at once; each holds memory.")
    max_waiting: int = Field(
        default=64, ge=0, le=100_000, description="Requests that may wait for a place; more get a 429."
    )
    temperature: float = Field(
        default=0.0, ge=0, le=2, description="For requests that give none; 0: the likeliest words."
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="For requests that give none; none: up to the window."
    )
    max_body_mib: float = Field(
        default=4.0, gt=0, le=1024, description="Largest request in MiB; larger ones get a 413."
    )
    store: str = Field(
        default="conversations.db",
        description="Where the agents' conversations last: a file, or postgresql://…; made where it is not there.",
    )
    operators: str | None = Field(
        default=None,
        description="File of who may sign in at the desk (dialoop operator); none: operators.json, if there.",
    )
    understanding: str | None = Field(
        default=None, description="A run or version that tells intents; none: agents do without."
    )
    messages_per_minute: int = Field(
        default=30, ge=1, le=10_000, description="Messages a minute of one visitor of the chat page; more get a 429."
    )
