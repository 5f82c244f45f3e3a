"""Reads messages with a tuned classifier: the intents, how sure of each, and whether the message is out of scope.

May be called from any thread. Messages that come in while others are read are gathered and read together next. It knows
no conversations.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialoop.errors import ModelError
from dialoop.model import Base, load_base
from dialoop.understanding.calibration import Calibration, read_calibration
from dialoop.understanding.reading import BATCH, check_classifier, read_texts
from dialoop.understanding.result import Understanding

TOLD = 5
"""Intents that are told of a message."""


@dataclass
class _Waiting:
    """A message that waits to be read."""

    text: str
    understanding: Understanding | None = None
    failed: bool = False


class Understander:
    """A classifier with its calibration; made by `Understander.load`."""

    def __init__(self, base: Base, calibration: Calibration) -> None:
        self._base, self._calibration, self._known = base, calibration, calibration.known()
        self._waiting: list[_Waiting] = []
        self._guard, self._reading = threading.Lock(), threading.Lock()

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "cpu") -> Understander:
        """The classifier in a folder, or a version on the shelf. Raises ModelError, also where it was not fitted."""
        base = load_base(folder, device=device)
        check_classifier(base)
        assert base.path is not None
        return cls(base, read_calibration(base.path, fingerprint=base.fingerprint, labels=base.head.labels))

    @property
    def labels(self) -> tuple[str, ...]:
        """All intents that it knows."""
        return tuple(label for label in self._base.head.labels if label != "out_of_scope")

    @property
    def calibration(self) -> Calibration:
        """What it was fitted to."""
        return self._calibration

    def understand(self, text: str, state: Any = None) -> Understanding:
        """What was made of a message. Blocks; an asynchronous caller calls it in a thread. `state` is not looked at."""
        mine = _Waiting(text)
        with self._guard:
            self._waiting.append(mine)
        with self._reading:
            while mine.understanding is None and not mine.failed:  # else somebody read it along
                with self._guard:
                    batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                self._answer(batch)
        if mine.understanding is None:
            raise ModelError("the messages that this one was read with could not be read", remedy="send it again")
        return mine.understanding

    def understand_all(self, texts: Sequence[str]) -> list[Understanding]:
        """What was made of many messages, in their order."""
        if not texts:
            return []
        read = read_texts(self._base, texts)
        intents, chances = self._calibration.probabilities(read.logits)
        outside, shares = self._calibration.scope(self._known, read.logits, read.features)
        made = []
        for row, out, share in zip(chances, outside, shares, strict=True):
            best = row.argsort()[::-1][:TOLD]
            confidence = {intents[i]: round(float(row[i]), 4) for i in best}
            made.append(Understanding(confidence, out_of_scope=bool(out), scope=round(float(share), 4)))
        return made

    def _answer(self, batch: list[_Waiting]) -> None:
        try:
            for one, made in zip(batch, self.understand_all([one.text for one in batch]), strict=True):
                one.understanding = made
        finally:
            for one in batch:
                one.failed = one.understanding is None
