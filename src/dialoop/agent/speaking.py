"""Lets the model speak: its pieces become guarded sentences for the customer, and calls.

One message of the model at a time. What leaves is restored and guarded sentence by sentence; at the first fault the
model is stopped. It writes no log and calls no tool.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from dialoop.agent.guarding import SentenceGuard, Sentences
from dialoop.agent.proposing import model_request
from dialoop.agent.seams import Guard, Situation, called
from dialoop.agent.settings import AgentSettings
from dialoop.conversation import FunctionCall, State, parse_tool_arguments
from dialoop.engine import Engine, Gathered, GenerateRequest, Piece
from dialoop.errors import DataError, DialoopError, EngineError, RequestError
from dialoop.privacy import Protector

log = logging.getLogger(__name__)
MOST_CALLS = 8
"""Calls in one message; more are nonsense."""
PAUSES = (0.5, 1.0, 2.0)
"""Seconds between tries where the engine is busy."""
_BUSY = frozenset({429, 503})
TOO_LONG = "context_length_exceeded"
T = TypeVar("T")


class Interrupted(Exception):
    """The turn was stopped by who takes over."""


@dataclass(frozen=True)
class Proposal:
    """What the model said (as far as it left) and wants to call. `fault`: why it is not to be used.

    `mendable`: another try may help, for nothing has left.
    """

    text: str = ""
    calls: tuple[FunctionCall, ...] = ()
    fault: str | None = None
    mendable: bool = False


async def shortened(
    state: State,
    protector: Protector,
    settings: AgentSettings,
    hear: Callable[[GenerateRequest, int], Awaitable[T]],
    *,
    anew: bool = False,
) -> T:
    """What `hear` makes of the request for the next message; it is told how many messages were left out for length.

    Where the conversation is too long for the model, whole turns leave from the front and it is asked again. Raises
    RequestError with the code TOO_LONG where even the last turn is too long.
    """
    window, before = settings.window, None
    while True:
        request, shown, left_out = await asyncio.to_thread(
            model_request, state, protector, settings, window=window, anew=anew
        )
        try:
            return await hear(request, left_out)
        except RequestError as error:
            if error.code != TOO_LONG or (before is not None and shown >= before):
                raise
            window, before = max(2, shown * 2 // 3), shown


class Speaker:
    """Hears one message of the model. `emit` gets the true text for the customer; `stopped` is asked at each piece."""

    def __init__(
        self,
        protector: Protector,
        situation: Situation,
        guard: Guard | None,
        emit: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._protector, self._situation, self._guard = protector, situation, guard
        self._emit, self._stopped = emit, stopped
        self._sentences = Sentences()
        self._check = SentenceGuard(situation.state.system)
        self._text = ""

    async def hear(self, engine: Engine, request: GenerateRequest) -> Proposal:
        """The model's message. Raises Interrupted, and RequestError where the request is too long for the model."""
        for pause in (*PAUSES, None):
            try:
                return await self._heard(engine.generate(request))
            except RequestError as error:
                if error.code == TOO_LONG and not self._text:
                    raise
                if pause is None or error.status not in _BUSY or self._text:
                    return Proposal(self._text, fault=f"the engine failed ({error.status}, {error.code})")
            except (DialoopError, Interrupted):
                raise
            except Exception as error:  # an engine is passed in: what it raises must not stop the conversation for ever
                log.exception("the engine raised what an engine must not")
                return Proposal(self._text, fault=f"the engine failed ({type(error).__name__})")
            await asyncio.sleep(pause)
        raise AssertionError("the last try gives an answer or a fault")

    async def _heard(self, pieces: AsyncGenerator[Piece, None]) -> Proposal:
        whole, self._sentences = Gathered(), Sentences()
        try:
            async for piece in pieces:
                if self._stopped():
                    raise Interrupted
                whole.add(piece)
                for sentence in self._sentences.feed(_clean(piece.text_delta)):
                    if (fault := await self._say(sentence)) is not None:
                        return Proposal(self._text, fault=fault, mendable=not self._text)
        finally:
            await pieces.aclose()
        if whole.finish_reason is None:
            raise EngineError("the engine's answer broke off before its end")
        return await self._ended(whole)

    async def _ended(self, whole: Gathered) -> Proposal:
        cut = whole.finish_reason == "length"
        for sentence in () if cut else self._sentences.finish():
            if (fault := await self._say(sentence)) is not None:
                return Proposal(self._text, fault=fault, mendable=not self._text)
        calls = tuple(call.function for call in whole.tool_calls)
        fault = _fault(calls, cut=cut) or (None if calls or self._text else "an empty answer")
        return Proposal(self._text, () if fault else calls, fault, mendable=fault is not None and not self._text)

    async def _say(self, sentence: str) -> str | None:
        """Lets the sentence out, or gives the reason why not."""
        bare = sentence.strip()
        if not bare:
            self._text += sentence if self._text else ""
            return None
        restored = await asyncio.to_thread(self._protector.restore, bare)
        fault = self._check.fault(sentence, restored.unknown)
        if fault is None and self._guard is not None:
            fault = await self._guarded(bare)
        if fault is not None:
            self._text = self._text.rstrip()
            return fault
        space = self._text[len(self._text.rstrip()) :]
        self._text = self._text.rstrip() + space + bare + sentence[len(sentence.rstrip()) :]
        if self._stopped():
            raise Interrupted
        self._emit(space + restored.value)
        return None

    async def _guarded(self, sentence: str) -> str | None:
        """What the project's own guard says; where it fails, nothing leaves."""
        assert self._guard is not None
        try:
            said = await called(self._guard, sentence, self._situation)
        except Exception as error:
            log.exception("the guard failed")
            return f"the guard failed: {type(error).__name__}"
        return None if said is None else str(said)


def _clean(text: str) -> str:
    """Without halves of surrogate pairs, which no log can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _fault(calls: tuple[FunctionCall, ...], *, cut: bool) -> str | None:
    """What is wrong with the form of the calls."""
    if len(calls) > MOST_CALLS:
        return f"{len(calls)} calls in one message"
    if calls and cut:
        return "a call without an end"
    for call in calls:
        try:
            parse_tool_arguments(call.arguments or "{}")
            f"{call.name}{call.arguments}".encode()
        except (DataError, UnicodeEncodeError):
            return "a call whose arguments are no JSON object"
    return None
