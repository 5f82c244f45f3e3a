"""An engine that says what it was told to: for tests of what stands above an engine, without a model.

It streams its answers in small pieces as a real engine does, and keeps the requests that it was sent.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

from dialoop.conversation import Message
from dialoop.engine.request import FinishReason, GenerateRequest, Piece, ToolCallDelta, Usage
from dialoop.errors import RequestError


class ScriptedEngine:
    """Gives `answers` in order, one a request: a text, a message with text and calls, or an error to raise."""

    def __init__(
        self, answers: Iterable[str | Message | RequestError], *, name: str = "scripted", width: int = 4
    ) -> None:
        """`width`: characters in a piece."""
        self._answers = iter(answers)
        self._name = name
        self._width = width
        self._open = True
        self.requests: list[GenerateRequest] = []
        self.left_early = 0

    def models(self) -> list[str]:
        """The one name that it answers to."""
        return [self._name]

    async def ready(self) -> bool:
        """Whether it has not been closed."""
        return self._open

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Piece, None]:
        """See Engine. Raises RequestError where the script is at its end."""
        request.check()
        self.requests.append(request)
        answer = next(self._answers, None)
        if answer is None:
            raise RequestError("the script has no more answers", status=500, code="script_ended")
        if isinstance(answer, RequestError):
            raise answer
        message = Message(role="assistant", content=answer) if isinstance(answer, str) else answer
        finished = False
        try:
            for piece in self._pieces(message, request):
                finished = piece.finish_reason is not None
                yield piece
        finally:
            self.left_early += not finished

    async def close(self) -> None:
        """Is not ready any more."""
        self._open = False

    def _pieces(self, message: Message, request: GenerateRequest) -> Iterable[Piece]:
        reason: FinishReason = "tool_calls" if message.tool_calls else "stop"
        words = _cut(message.content or "", self._width)
        if request.max_tokens is not None and len(words) > request.max_tokens:
            words, reason = words[: request.max_tokens], "length"
        for word in words:
            yield Piece(text_delta=word)
        for index, call in enumerate(message.tool_calls or () if reason != "length" else ()):
            yield Piece(tool_call_delta=ToolCallDelta(index, call.id, call.function.name))
            for part in _cut(call.function.arguments, self._width):
                yield Piece(tool_call_delta=ToolCallDelta(index, arguments=part))
        heard = sum(len(said.content or "") for said in request.messages)
        yield Piece(finish_reason=reason, usage=Usage(heard, len(words)))


def _cut(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]
