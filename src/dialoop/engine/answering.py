"""One answer in the making: takes logits, chooses tokens that are allowed, gives pieces, and knows when to end.

A call is never left open: where the limit on tokens comes near, only such tokens are allowed after which the call can
still be brought to an end, and at last its shortest end is written; `finish_reason` then says `length`. It knows tokens
and grammar, not models, rows or threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from torch import Tensor

from dialoop.engine.grammar import Stack, closing
from dialoop.engine.guide import Guide, Prose
from dialoop.engine.held import Held
from dialoop.engine.reader import AnswerReader
from dialoop.engine.request import FinishReason, GenerateRequest, Piece, Usage
from dialoop.engine.sample import Sampler
from dialoop.engine.vocabulary import Vocabulary
from dialoop.errors import EngineError, RequestError

_NEAR = 1024
"""From so many tokens before the limit on it is watched that an open call can be ended."""


class Answering:
    """The state of one answer. `emit` gets its pieces, or the error that ended it; `cancelled`: nobody reads it."""

    def __init__(
        self, request: GenerateRequest, prompt: list[int], forced: bytes, budget: int, vocabulary: Vocabulary
    ) -> None:
        """`prompt` ends with the tokens of `forced`, a forced call's beginning; `budget`: tokens to say at most.

        Raises RequestError for tools that cannot be called so.
        """
        self.prompt = prompt
        self.cached = 0
        self.cancelled = False
        self.ended = False
        self.emit: Callable[[Piece | RequestError], None] = _nowhere
        self.said: list[int] = []
        self._budget = budget
        self._vocabulary = vocabulary
        self._sampler = Sampler(request.temperature, request.top_p, request.seed)
        self._guide = _guide(request)
        self._held = Held(self._guide, vocabulary)
        self._reader = AnswerReader(
            request.stop, may_call=bool(request.tools), strip_first_space=vocabulary.strips_first_space
        )
        self._ending: deque[int] = deque()
        self._cut = False
        after = self._guide.after(forced.rpartition(b"</think>")[2].lstrip())
        if after is None:
            raise EngineError(f"the forced call begins with {forced!r}, which is not the form of calls", status=500)
        self._guide.stack = after
        self._reader.feed(forced)
        needed = len(vocabulary.spelling(self._guide.closing()))
        if needed > budget:
            raise RequestError(
                f"{budget} tokens are left for the answer, but the shortest call takes {needed}", param="max_tokens"
            )

    def take(self, logits: Tensor) -> int | None:
        """Chooses the next token and emits what is sure; None if the answer has ended. `logits`: (V,)."""
        if not self.said:
            self.emit(Piece())  # the prompt is read: who streams can say so
        token = self._ending.popleft() if self._ending else self._choose(logits)
        if token in self._vocabulary.ends:
            return self._end("tool_calls" if self._reader.calls else "stop")
        self.said.append(token)
        for piece in self._reader.feed(self._held.take(token)):
            self.emit(piece)
        if self._reader.stopped:
            return self._end("stop")
        if self._guide.must_end:
            return self._end("length" if self._cut else "tool_calls")
        if len(self.said) >= self._budget:
            complete = self._reader.calls and not self._guide.in_prose and not self._cut
            return self._end("tool_calls" if complete else "length")
        return token

    def fail(self, error: RequestError) -> None:
        """Ends the answer with an error."""
        if not self.ended:
            self.ended = True
            self.emit(error)

    def _choose(self, logits: Tensor) -> int:
        token = self._sampler.choose(logits, self._allowed, self._held.possible)
        if token is not None:
            return token
        self._cut = True
        self._ending.extend(self._vocabulary.spelling(self._guide.closing()))
        return self._ending.popleft() if self._ending else min(self._vocabulary.ends)

    def _allowed(self, token: int) -> bool:
        if token in self._vocabulary.ends:
            return self._guide.may_end
        after = self._held.after(token)
        return after is not None and self._can_end(after)

    def _can_end(self, stack: Stack) -> bool:
        """Whether the tokens that are left after the next one suffice to end what is open."""
        left = self._budget - len(self.said) - 1
        if left > _NEAR or not stack or isinstance(stack[0], Prose):
            return True
        end = closing(stack)
        return len(end) <= left or len(self._vocabulary.spelling(end)) <= left

    def _end(self, reason: FinishReason) -> int | None:
        """Emits what is left; None, for `take` to give."""
        for piece in self._reader.finish():
            self.emit(piece)
        self.ended = True
        usage = Usage(len(self.prompt), len(self.said), self.cached)
        self.emit(Piece(finish_reason=reason, usage=usage))
        return None


def _guide(request: GenerateRequest) -> Guide:
    """The guide of an answer. What in the parameters of a tool is no JSON schema is the request's fault."""
    try:
        return Guide(
            request.tools,
            request.tool_choice,
            request.messages,
            parallel=request.parallel,
            protected=request.protected,
            patterns=request.patterns,
        )
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        what = f"the tools' parameters cannot be read as JSON schemas: {type(error).__name__}: {error}"
        raise RequestError(what, param="tools", remedy="write them as JSON Schema says") from error


def _nowhere(piece: Piece | RequestError) -> None:
    raise RuntimeError("nobody listens to this answer")
