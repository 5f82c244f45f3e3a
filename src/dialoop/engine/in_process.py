"""The engine in this process: one thread owns the model, answers requests in one running batch, and streams.

Requests become tokens in a second thread, so that a long prompt's tokenising stops no answer. A reader that goes away
is noticed before the next token. It knows requests and pieces on one side and the batch on the other, no HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import torch

from dialoop.engine.answering import Answering
from dialoop.engine.batch import Batch
from dialoop.engine.held import knows_tools
from dialoop.engine.request import GenerateRequest, NamedTool, Piece
from dialoop.engine.vocabulary import Vocabulary
from dialoop.errors import DataError, EngineError, RequestError
from dialoop.model import prompt_ids

if TYPE_CHECKING:
    from dialoop.model import Base

log = logging.getLogger(__name__)


class InProcessEngine:
    """Answers with one base. Begins its thread when it is made; `close` ends it."""

    def __init__(
        self,
        base: Base,
        *,
        name: str | None = None,
        max_batch: int = 8,
        max_waiting: int = 64,
        on_prompt: Callable[[list[int]], None] | None = None,
    ) -> None:
        """`on_prompt` is told the token ids of each prompt. At most `max_batch` answers run and `max_waiting` wait."""
        self._base = base
        self._name = name or base.name
        self._vocabulary = Vocabulary(base.tokenizer, base.eos_ids)
        self._batch = Batch(base.model.eval(), max_batch)
        self._knows_tools = knows_tools(base.tokenizer, self._vocabulary)
        self._max_open = max_batch + max_waiting
        self._open = 0
        self._on_prompt = on_prompt
        self._inbox: queue.SimpleQueue[Answering | None] = queue.SimpleQueue()
        self._closing = False
        self._ended = False
        self._door = threading.Lock()  # held while an answering goes in, so that none goes in behind the last one out
        self._tokeniser = ThreadPoolExecutor(1, "dialoop-tokeniser")
        self._worker = threading.Thread(target=self._work, name="dialoop-engine", daemon=True)
        self._worker.start()

    def models(self) -> list[str]:
        """The one name that it answers to."""
        return [self._name]

    async def ready(self) -> bool:
        """Whether the model's thread is alive."""
        return self._worker.is_alive() and not self._closing

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Piece, None]:
        """See Engine. Raises RequestError, 400 where the request does not fit the window or its tools cannot be read,
        429 where too many wait."""
        request.check()
        if request.tools and not self._knows_tools:
            raise RequestError(
                f"{self._name} takes no tools: its chat template shows none, or writes calls in another form",
                param="tools",
                remedy="serve a model that was tuned here on conversations with tools",
            )
        if self._open >= self._max_open:
            raise RequestError(f"{self._open} requests are being answered or wait", status=429, code="queue_full")
        if not await self.ready():
            raise _closed()
        self._open += 1
        answering = None
        try:
            loop = asyncio.get_running_loop()
            answering = await loop.run_in_executor(self._tokeniser, self._prepare, request)
            pieces: asyncio.Queue[Piece | RequestError] = asyncio.Queue()
            answering.emit = _into(pieces, loop, answering)
            self._hand_in(answering)
            while True:
                piece = await pieces.get()
                if isinstance(piece, RequestError):
                    raise piece
                yield piece
                if piece.finish_reason:
                    return
        finally:
            self._open -= 1
            if answering is not None:
                answering.cancelled = True

    async def close(self) -> None:
        """Ends running answers with an error and waits for the thread."""
        self._closing = True
        self._inbox.put(None)
        await asyncio.to_thread(self._worker.join)
        self._tokeniser.shutdown(wait=False)

    def _prepare(self, request: GenerateRequest) -> Answering:
        """Makes tokens of a request and checks them against the window."""
        choice = request.tool_choice
        call = choice.name if isinstance(choice, NamedTool) else "any" if choice == "required" else None
        try:
            prompt = prompt_ids(request.messages, request.tools, self._base.tokenizer, call=call)
            bare = prompt_ids(request.messages, request.tools, self._base.tokenizer) if call else prompt
        except DataError as error:
            raise RequestError(error.what, param="messages", remedy=error.remedy) from error
        except RecursionError as error:
            what = "the tools' parameters, or the arguments of calls, nest too deeply to be written down"
            raise RequestError(what, param="tools", remedy="flatten them") from error
        window = self._base.window
        wanted = request.max_tokens or 0
        if len(prompt) + max(wanted, 1) > window:
            asked = f" and max_tokens asks for {wanted}" if wanted else ""
            raise RequestError(
                f"this model's window is {window} tokens; the messages and tools take {len(prompt)}{asked}",
                code="context_length_exceeded",
                param="messages",
                remedy="shorten the conversation or lower max_tokens",
            )
        if self._on_prompt:
            self._on_prompt(list(prompt))
        forced = b"".join(self._vocabulary.texts[token] for token in prompt[len(bare) :])
        return Answering(request, prompt, forced, request.max_tokens or window - len(prompt), self._vocabulary)

    def _work(self) -> None:
        """The thread that owns the model."""
        try:
            with torch.inference_mode():
                while not self._closing:
                    self._take_in()
                    try:
                        self._batch.round()
                    except Exception as error:  # whatever is raised ends the answers, not the engine
                        log.exception("the model failed; answers in the making are lost")
                        self._batch.fail(EngineError(f"the model failed: {_first_line(error)}", status=500))
        finally:
            with self._door:
                self._closing = self._ended = True
            while not self._inbox.empty():
                if (answering := self._inbox.get()) is not None:
                    self._batch.waiting.append(answering)
            self._batch.fail(_closed())

    def _hand_in(self, answering: Answering) -> None:
        with self._door:
            if self._ended:
                raise _closed()
            self._inbox.put(answering)

    def _take_in(self) -> None:
        """Takes new answers; waits for one if there is nothing else to do."""
        while self._batch.is_idle or not self._inbox.empty():
            answering = self._inbox.get()
            if answering is None:
                return
            self._batch.waiting.append(answering)


def _into(
    pieces: asyncio.Queue[Piece | RequestError], loop: asyncio.AbstractEventLoop, answering: Answering
) -> Callable[[Piece | RequestError], None]:
    """Hands pieces from the model's thread to the loop of who reads them."""

    def emit(piece: Piece | RequestError) -> None:
        try:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)
        except RuntimeError:  # the loop is closed: nobody reads
            answering.cancelled = True

    return emit


def _closed() -> EngineError:
    return EngineError("the engine is shutting down", status=503, code="shutting_down")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
