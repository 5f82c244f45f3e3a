"""An engine elsewhere: any server that speaks OpenAI's chat completions, over HTTP with streaming.

What that server refuses of a request is passed on with its status, code and field; what is the fault of the connection,
of our key or of that server becomes an EngineError. The key is given by the caller and is in no message, log or repr.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx

from dialoop.conversation import Message
from dialoop.engine.request import FinishReason, GenerateRequest, NamedTool, Piece, ToolCallDelta, ToolChoice, Usage
from dialoop.errors import EngineError, RequestError

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "stop",
}
_REMEDY = "check the address (with its /v1), and that the server is running"
_TOO_LONG = re.compile("context length", re.IGNORECASE)
"""In the words of servers that refuse what does not fit the window with a code of their own (vLLM: 400, a number)."""
_PASSED_ON = frozenset({400, 413, 422, 429})


class RemoteEngine:
    """Answers with one model of the server at `base_url` (with its `/v1`)."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        model: str = "default",
        *,
        name: str | None = None,
        timeout: float = 120.0,
        connect_timeout: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`name`: what it is called here, if not as there. `connect_timeout`: seconds to reach the server.

        `timeout`: seconds without a sign of life from it.
        """
        self._model = model
        self._name = name or model
        self._where = base_url.rstrip("/")
        try:
            self._client = httpx.AsyncClient(
                base_url=self._where + "/",
                headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
                timeout=httpx.Timeout(timeout, connect=connect_timeout),
                transport=transport,
            )
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise EngineError(f"{base_url!r} or its key cannot be used: {type(error).__name__}") from error

    def models(self) -> list[str]:
        """The one name that it answers to."""
        return [self._name]

    async def ready(self) -> bool:
        """Whether the server lists its models."""
        try:
            return (await self._client.get("models", timeout=5.0)).is_success
        except (httpx.HTTPError, httpx.InvalidURL):
            return False

    async def offered(self) -> list[str]:
        """The models that the server lists, at least one. Raises EngineError."""
        try:
            response = await self._client.get("models", timeout=10.0)
            if not response.is_success:
                raise self._refusal(response.status_code, response.content)
            listed = [str(card["id"]) for card in response.json()["data"]]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError(f"{self._where} does not list models in OpenAI's form", remedy=_REMEDY) from error
        if not listed:
            raise EngineError(f"{self._where} serves no model")
        return listed

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Piece, None]:
        """See Engine. Raises EngineError: 502 where the server fails or cannot be reached, 504 where it is too slow."""
        request.check()
        reason: FinishReason | None = None
        usage = Usage(0, 0)
        try:
            async with self._client.stream("POST", "chat/completions", json=_body(request, self._model)) as response:
                if not response.is_success:
                    raise self._refusal(response.status_code, await response.aread())
                async for event in _events(response):
                    usage = _usage(event) or usage
                    for piece in _pieces(event):
                        if piece.finish_reason:
                            reason = piece.finish_reason
                        else:
                            yield piece
        except httpx.TimeoutException as error:
            raise EngineError(f"{self._where} did not answer in time", status=504, code="engine_timeout") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error
        if reason is None:
            raise EngineError(f"the answer of {self._where} broke off before its end")
        yield Piece(finish_reason=reason, usage=usage)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    def __repr__(self) -> str:
        return f"RemoteEngine({self._where!r}, model={self._model!r})"

    def _unreachable(self, error: Exception) -> EngineError:
        return EngineError(f"{self._where} cannot be reached: {error or type(error).__name__}", remedy=_REMEDY)

    def _refusal(self, status: int, body: bytes) -> RequestError:
        """The error that a refusal stands for: the caller's fault is passed on, ours and the server's is not."""
        try:
            said = json.loads(body)["error"]
            what, code, param = str(said["message"]), said.get("code"), said.get("param")
        except (ValueError, KeyError, TypeError, AttributeError):
            what, code, param = body[:200].decode(errors="replace") or "no reason given", None, None
        if status == 400 and _TOO_LONG.search(what):
            code = "context_length_exceeded"
        if status in _PASSED_ON:
            return RequestError(what, status=status, code=str(code or "invalid_request"), param=param and str(param))
        if status in (401, 403):
            return EngineError(f"{self._where} refuses our key (status {status})", remedy="check the key's variable")
        return EngineError(f"{self._where} failed (status {status}): {what}")


def _body(request: GenerateRequest, model: str) -> dict[str, Any]:
    """The request in OpenAI's form; what was not asked for is left to the server."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in request.messages],
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.seed is not None:
        body["seed"] = request.seed
    if request.stop:
        body["stop"] = list(request.stop)
    if request.tools:
        body["tools"] = list(request.tools)
        body["tool_choice"] = _choice(request.tool_choice)
        if not request.parallel:
            body["parallel_tool_calls"] = False
    return body


def _choice(choice: ToolChoice) -> Any:
    return {"type": "function", "function": {"name": choice.name}} if isinstance(choice, NamedTool) else choice


def _message(message: Message) -> dict[str, Any]:
    """A message as servers take it: the record's own fields stay here."""
    sent = message.model_dump(exclude_none=True, exclude={"weight", "rejected"})
    return sent if message.tool_calls else {"content": "", **sent}


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The JSON objects of a stream of server-sent events, up to `[DONE]`."""
    async for line in response.aiter_lines():
        field, _, data = line.partition(":")
        if field != "data" or not data.strip():
            continue
        if data.strip() == "[DONE]":
            return
        try:
            event = json.loads(data)
        except ValueError as error:
            raise EngineError("the server sent an event that is no JSON") from error
        if not isinstance(event, dict) or event.get("error"):
            said = event.get("error") if isinstance(event, dict) else None
            what = said.get("message") if isinstance(said, dict) else said
            raise EngineError(f"the server broke its answer off: {what}")
        yield event


def _pieces(event: dict[str, Any]) -> list[Piece]:
    """The pieces of one event. Raises EngineError for one that is not of OpenAI's form."""
    found = []
    try:
        for choice in (event.get("choices") or [])[:1]:
            delta = choice.get("delta") or {}
            if delta.get("content"):
                found.append(Piece(text_delta=str(delta["content"])))
            if thought := delta.get("reasoning_content") or delta.get("reasoning"):
                found.append(Piece(reasoning_delta=str(thought)))
            for call in delta.get("tool_calls") or []:
                function = call.get("function") or {}
                part = ToolCallDelta(
                    int(call.get("index", 0)), call.get("id"), function.get("name"), function.get("arguments") or ""
                )
                found.append(Piece(tool_call_delta=part))
            if choice.get("finish_reason"):
                found.append(Piece(finish_reason=_REASONS.get(choice["finish_reason"], "stop")))
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        raise EngineError("the server sent an event that is not of OpenAI's form") from error
    return found


def _usage(event: dict[str, Any]) -> Usage | None:
    said = event.get("usage")
    if not isinstance(said, dict):
        return None
    details = said.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(int(said.get("prompt_tokens") or 0), int(said.get("completion_tokens") or 0), int(cached or 0))
