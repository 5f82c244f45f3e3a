"""Pieces of an answer as clients get them: chunks of a stream, or one whole chat completion.

Source of the form: OpenAI's chat completions API; `reasoning_content` as vLLM and DeepSeek have it. It knows pieces and
JSON, not HTTP.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

from dialoop.engine import Gathered, Piece, Usage
from dialoop.errors import RequestError
from dialoop.server.faults import error_body

DONE = b"data: [DONE]\n\n"


class Reply:
    """The frame of one answer: its id, time and model, the same in each chunk."""

    def __init__(self, model: str, **more: Any) -> None:
        """`more` stands in every chunk besides OpenAI's fields."""
        self._more = more
        self._id = f"chatcmpl-{secrets.token_hex(12)}"
        self._created = int(time.time())
        self._model = model
        self._begun = False

    def add(self, **more: Any) -> None:
        """What stands in the following chunks too."""
        self._more |= more

    def whole(self, answer: Gathered) -> dict[str, Any]:
        """The answer as one chat completion."""
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
        if answer.tool_calls:
            message["tool_calls"] = [call.model_dump() for call in answer.tool_calls]
        elif not answer.text:
            message["content"] = ""
        if answer.reasoning:
            message["reasoning_content"] = answer.reasoning
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
        usage = _usage(answer.usage) if answer.usage else None
        return {**self._frame("chat.completion"), "choices": [choice], "usage": usage}

    def events(self, piece: Piece, *, with_usage: bool) -> Iterator[bytes]:
        """The events of the stream for one piece. `with_usage`: the last piece is followed by one with the usage."""
        if not self._begun:
            self._begun = True
            yield self._chunk({"role": "assistant", "content": ""}, with_usage=with_usage)
        delta = _delta(piece)
        if delta or piece.finish_reason:
            yield self._chunk(delta, piece.finish_reason, with_usage=with_usage)
        if piece.usage and with_usage:
            last = {**self._frame("chat.completion.chunk"), "choices": [], "usage": _usage(piece.usage)}
            yield _event(last)

    def _chunk(self, delta: dict[str, Any], finish: str | None = None, *, with_usage: bool) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage = {"usage": None} if with_usage else {}
        return _event({**self._frame("chat.completion.chunk"), "choices": [choice], **usage})

    def _frame(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model, **self._more}


def error_event(error: RequestError) -> bytes:
    """An error in the middle of a stream."""
    return _event(error_body(error))


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _delta(piece: Piece) -> dict[str, Any]:
    delta: dict[str, Any] = {}
    if piece.text_delta:
        delta["content"] = piece.text_delta
    if piece.reasoning_delta:
        delta["reasoning_content"] = piece.reasoning_delta
    if (call := piece.tool_call_delta) is not None:
        part: dict[str, Any] = {"index": call.index, "function": {"arguments": call.arguments}}
        if call.name is not None:
            part.update(id=call.id, type="function", function={"name": call.name, "arguments": call.arguments})
        delta["tool_calls"] = [part]
    return delta


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
