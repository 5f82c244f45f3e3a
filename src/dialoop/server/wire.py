"""A chat completion as clients send it, checked, and turned into a request of the engine.

Fields that would change the answer and are not supported are refused by name, never ignored. Source of the form:
OpenAI's chat completions API. It knows JSON and the record, not HTTP or engines' insides.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dialoop.conversation import Conversation, FunctionCall, Message, Tool, ToolCall
from dialoop.conversation.rules import check_conversation
from dialoop.engine import GenerateRequest, NamedTool, ToolChoice
from dialoop.errors import Place, RequestError

NAME = r"^[\w.-]{1,128}$"
LONGEST_USER = 200
"""Characters of the name of a customer, as the store keeps it."""


class _Sent(BaseModel):
    """A part of a request; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TextPart(_Sent):
    """Content in parts: only text is taken."""

    type: Literal["text"]
    text: str


Content = str | list[TextPart]
Nothing = Annotated[list[Any], Field(max_length=0)] | None
"""A field that clients echo from an answer, and that was empty there."""


class SentFunction(_Sent):
    """The function of a call."""

    name: str
    arguments: str


class SentCall(_Sent):
    """A call in an assistant's message."""

    id: str
    type: Literal["function"] = "function"
    function: SentFunction
    index: int | None = None


class SystemMessage(_Sent):
    """What the model is told to be."""

    role: Literal["system", "developer"]
    content: Content
    name: str | None = None


class UserMessage(_Sent):
    """What a user said."""

    role: Literal["user"]
    content: Content
    name: str | None = None


class AssistantMessage(_Sent):
    """What the model said; an answer of this server can be sent back as it is."""

    role: Literal["assistant"]
    content: Content | None = None
    name: str | None = None
    tool_calls: list[SentCall] | None = None
    reasoning_content: str | None = None
    refusal: None = None
    audio: None = None
    function_call: None = None
    annotations: Nothing = None


class ToolMessage(_Sent):
    """What a tool gave back."""

    role: Literal["tool"]
    content: Content
    tool_call_id: str
    name: str | None = None


SentMessage = Annotated[SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")]


class ToolFunction(_Sent):
    """A tool's name, description and parameters (a JSON schema)."""

    name: str = Field(pattern=NAME)
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class SentTool(_Sent):
    """A tool that the model may call."""

    type: Literal["function"]
    function: ToolFunction


class ChoiceFunction(_Sent):
    """The name of a tool."""

    name: str


class SentChoice(_Sent):
    """The choice of one tool."""

    type: Literal["function"]
    function: ChoiceFunction


class StreamOptions(_Sent):
    """How to stream."""

    include_usage: bool = False
    include_obfuscation: bool | None = None


class ResponseFormat(_Sent):
    """The form of the answer: text."""

    type: Literal["text"]


_FOR_AGENTS = frozenset(
    "model messages conversation_id stream stream_options user metadata n logprobs top_logprobs frequency_penalty"
    " presence_penalty logit_bias response_format modalities store service_tier safety_identifier"
    " prompt_cache_key".split()
)
"""Fields that an agent takes: what it needs, and what a request takes at the value alone that changes nothing."""


class ChatRequest(_Sent):
    """The body of a chat completion. Fields below `stream_options` are taken only at the value that changes nothing."""

    model: str
    messages: list[SentMessage] = Field(min_length=1, max_length=4096)
    conversation_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.:-]{1,200}$")
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: str | list[str] | None = None
    tools: list[SentTool] | None = Field(default=None, max_length=128)
    tool_choice: Literal["none", "auto", "required"] | SentChoice | None = None
    parallel_tool_calls: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    top_logprobs: Literal[0] | None = None
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    presence_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None
    response_format: ResponseFormat | None = None
    modalities: list[Literal["text"]] | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: Literal[False] | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None

    @property
    def wants_stream(self) -> bool:
        """Whether the answer is to be streamed."""
        return bool(self.stream)

    @property
    def wants_usage(self) -> bool:
        """Whether the stream is to end with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    def to_request(self, *, temperature: float, max_tokens: int | None) -> GenerateRequest:
        """The engine's request. `temperature` and `max_tokens` stand where the client left them out.

        Raises RequestError where the messages are no sound conversation or fields contradict each other.
        """
        self._check_stream()
        if self.conversation_id is not None:
            what = "conversation_id is for agents; a model is sent the whole conversation with each request"
            raise RequestError(what, param="conversation_id", remedy="ask for a model agent:<name>")
        if self.tool_choice is not None and self.tool_choice != "none" and not self.tools:
            raise RequestError("tool_choice is given, but there are no tools", param="tool_choice")
        request = GenerateRequest(
            messages=_messages(self.messages),
            tools=[_tool(tool) for tool in self.tools or ()],
            max_tokens=self.max_completion_tokens or self.max_tokens or max_tokens,
            temperature=temperature if self.temperature is None else self.temperature,
            top_p=1.0 if self.top_p is None else self.top_p,
            seed=self.seed,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ()),
            tool_choice=_choice(self.tool_choice),
            parallel=self.parallel_tool_calls is not False,
            patterns=False,
            model=self.model,
        )
        request.check()
        _check(request)
        return request

    def to_agent(self) -> str:
        """What the customer says to an agent: the last message. Raises RequestError for what an agent does not take."""
        self._check_stream()
        for name in sorted(self.model_fields_set - _FOR_AGENTS):
            if getattr(self, name) not in (None, [], {}):
                what = f"{name} is not for agents: the project file says how an agent answers"
                raise RequestError(what, code="unsupported_parameter", param=name)
        if self.user is not None and ("\0" in self.user or not 1 <= len(self.user) <= LONGEST_USER):
            what = f"user: must be 1 to {LONGEST_USER} characters, without U+0000; it has {len(self.user)}"
            raise RequestError(what, code="invalid_value", param="user")
        last = self.messages[-1]
        if not isinstance(last, UserMessage):
            raise RequestError("the last message must be the user's: an agent hears nothing else", param="messages")
        return _text(last.content) or ""

    def _check_stream(self) -> None:
        if self.stream_options is not None and not self.wants_stream:
            raise RequestError("stream_options is only for stream: true", param="stream_options")


def read_chat_request(body: bytes) -> ChatRequest:
    """The request in a body. Raises RequestError: 400 with the field at fault."""
    try:
        sent = json.loads(body, parse_constant=_refuse_constant)
        json.dumps(sent, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise RequestError("the body holds half of a surrogate pair, which is no text", code="invalid_json") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is no JSON in UTF-8: {error}", code="invalid_json") from error
    if not isinstance(sent, dict):
        raise RequestError("the body must be a JSON object", code="invalid_json")
    try:
        return ChatRequest.model_validate(sent)
    except ValidationError as error:
        raise _refusal(error) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _refusal(error: ValidationError) -> RequestError:
    """The first fault of a request, in OpenAI's words where a field is unknown or missing."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ""
    for part in first["loc"]:
        if isinstance(part, int):
            where += f"[{part}]"
        elif part not in ("system", "developer", "user", "assistant", "tool") or where == "":
            where += f".{part}" if where else part
    where = where.split(".function-", 1)[0]
    field = str(first["loc"][0]) if first["loc"] else None
    if first["type"] == "extra_forbidden":
        return RequestError(f"unknown or unsupported field: {where}", code="unknown_parameter", param=where)
    if first["type"] == "missing":
        return RequestError(f"missing required field: {where}", code="missing_required_parameter", param=where)
    given = json.dumps(first["input"], ensure_ascii=False, default=str)
    given = given if len(given) <= 80 else given[:77] + "..."
    return RequestError(f"{where}: {first['msg']}; got {given}", code="invalid_value", param=where or field)


def _text(content: Content | None) -> str | None:
    return content if content is None or isinstance(content, str) else "".join(part.text for part in content)


def _messages(sent: list[SystemMessage | UserMessage | AssistantMessage | ToolMessage]) -> list[Message]:
    """The record's messages. System messages that follow each other at the front are joined by a blank line."""
    found: list[Message] = []
    for message in sent:
        text = _text(message.content)
        if isinstance(message, SystemMessage):
            if len(found) == 1 and found[0].role == "system":
                found[0].content = f"{found[0].content}\n\n{text}"
            else:
                found.append(Message(role="system", content=text, name=message.name))
        elif isinstance(message, AssistantMessage):
            calls = [
                ToolCall(id=call.id, function=FunctionCall(name=call.function.name, arguments=call.function.arguments))
                for call in message.tool_calls or ()
            ]
            content = text if text or calls else ""
            found.append(
                Message(role="assistant", content=content or None, tool_calls=calls or None, name=message.name)
            )
        elif isinstance(message, ToolMessage):
            found.append(Message(role="tool", content=text, tool_call_id=message.tool_call_id, name=message.name))
        else:
            found.append(Message(role="user", content=text, name=message.name))
    return found


def _tool(sent: SentTool) -> Tool:
    return {"type": "function", "function": sent.function.model_dump(exclude_none=True, exclude={"strict"})}


def _choice(sent: Literal["none", "auto", "required"] | SentChoice | None) -> ToolChoice:
    return "auto" if sent is None else NamedTool(sent.function.name) if isinstance(sent, SentChoice) else sent


def _check(request: GenerateRequest) -> None:
    """Holds a request's messages to the rules of the record, which are those of training. Raises RequestError."""
    conversation = Conversation(id="request", messages=list(request.messages), tools=list(request.tools))
    for fault in check_conversation(conversation, Place("request")):
        if fault.level == "error" and not fault.reason.endswith("says and calls nothing"):
            param = "tools" if fault.reason.startswith("tools[") else "messages"
            raise RequestError(fault.reason, param=param, remedy=fault.remedy)
    if conversation.messages[-1].tool_calls:
        raise RequestError(
            "the last message calls tools, and their results are missing",
            param="messages",
            remedy="add a tool message for each call",
        )
