"""Continuous batching: answers join and leave the running batch between two tokens.

A round: answers that nobody reads leave; one piece of one waiting prompt is computed; every running answer gets one
token. So a long prompt delays the others by one piece of it at most. It knows rows and answers, not threads or text.
"""

from __future__ import annotations

import logging
from collections import deque

from torch import Tensor, nn

from dialoop.engine.answering import Answering
from dialoop.engine.rows import Rows
from dialoop.errors import EngineError, RequestError

log = logging.getLogger(__name__)

CHUNK = 128
"""Tokens of a prompt that are computed at once. Beginnings are shared in whole chunks, so that a prompt is always
computed in the same pieces and an answer does not depend on what was asked before it."""


class Batch:
    """The answers of one model: `waiting` for a row, `filling` one with the prompt, `running` (by row)."""

    def __init__(self, model: nn.Module, max_batch: int) -> None:
        self._model = model
        self._max_batch = max_batch
        self._rows = Rows(model, max_batch, align=CHUNK)
        self.waiting: deque[Answering] = deque()
        self.filling: Answering | None = None
        self.running: list[Answering] = []
        self._filled = 0

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.waiting or self.filling or self.running)

    def round(self) -> None:
        """One round. Raises what the model raises; then call `fail`. An answer that fails by itself ends alone."""
        self._leave()
        self._fill()
        if self.running:
            logits = self._rows.step([answer.said[-1] for answer in self.running])
            for row in reversed(range(len(self.running))):
                self._take(row, logits[row])

    def fail(self, error: EngineError) -> None:
        """Ends all answers with an error and begins afresh."""
        lost = [*self.running, *([self.filling] if self.filling else []), *self.waiting]
        self.running, self.filling = [], None
        self.waiting.clear()
        self._rows = Rows(self._model, self._max_batch, align=CHUNK)
        for answer in lost:
            answer.fail(error)

    def _leave(self) -> None:
        self.waiting = deque(answer for answer in self.waiting if not answer.cancelled)
        if self.filling and self.filling.cancelled:
            self.filling = None
            self._rows.abandon()
        for row in reversed(range(len(self.running))):
            if self.running[row].cancelled:
                self._drop(row)

    def _fill(self) -> None:
        if self.filling is None:
            if not self.waiting or len(self.running) >= self._max_batch:
                return
            self.filling = self.waiting.popleft()
            self._filled = self.filling.cached = self._rows.begin(self.filling.prompt)
        answer = self.filling
        piece = answer.prompt[self._filled : self._filled + CHUNK]
        logits = self._rows.fill(piece)
        self._filled += len(piece)
        if self._filled == len(answer.prompt):
            self.filling = None
            self._rows.admit()
            self.running.append(answer)
            self._take(len(self.running) - 1, logits)

    def _take(self, row: int, logits: Tensor) -> None:
        """The next token of one answer, for `logits` (V,); where it ends or fails, its row is free."""
        answer = self.running[row]
        try:
            goes_on = answer.take(logits) is not None
        except Exception as error:  # one client's tools must not end the answers of all
            goes_on = False
            if isinstance(error, RequestError):
                log.warning("an answer could not go on: %s", error)
                answer.fail(error)
            else:
                log.exception("an answer could not go on; the others do")
                answer.fail(EngineError(f"the answer could not go on: {type(error).__name__}: {error}", status=500))
        if not goes_on:
            self._drop(row)

    def _drop(self, row: int) -> None:
        self._rows.drop(row)
        self.running[row] = self.running[-1]
        self.running.pop()
