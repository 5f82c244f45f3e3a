"""Reads messages with a tuned classifier: the intents, how sure of each, and whether the message is out of scope.

On a processor a model that was converted to ONNX is read with ONNX Runtime, and torch is not loaded; else with torch.
May be called from any thread. Messages that come in while others are read are gathered and read together next. It knows
no conversations.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dialoop.conversation import OUT_OF_SCOPE
from dialoop.errors import ModelError, SettingsError
from dialoop.model.folder import verify
from dialoop.model.names import resolve_model
from dialoop.understanding.batching import BATCH, Reader
from dialoop.understanding.calibration import Calibration, read_calibration
from dialoop.understanding.conversion import AGAIN, FOLDER, read_conversion
from dialoop.understanding.converted import INSTALL, Converted, is_installed
from dialoop.understanding.result import Understanding

TOLD = 5
"""Intents that are told of a message."""
Way = Literal["auto", "onnx", "torch"]


@dataclass
class _Waiting:
    """A message that waits to be read."""

    text: str
    understanding: Understanding | None = None
    failed: bool = False


class Understander:
    """A classifier with its calibration; made by `Understander.load`. `way`: what reads its messages, in words."""

    def __init__(self, read: Reader, calibration: Calibration, way: str) -> None:
        self._read, self._calibration, self._known = read, calibration, calibration.known()
        self.way = way
        self._waiting: list[_Waiting] = []
        self._guard, self._reading = threading.Lock(), threading.Lock()

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "cpu", way: Way = "auto") -> Understander:
        """The classifier in a folder, or a version on the shelf.

        `way` "auto": with ONNX Runtime where it was converted and `device` is cpu, else with torch, and `way` of what
        comes back says why; "onnx" and "torch" insist. Raises ModelError, also where it was not fitted; SettingsError.
        """
        if way == "onnx" and device != "cpu":
            raise SettingsError(
                f"a converted model is not read on {device}", remedy="leave the device, or the way, out"
            )
        if way == "torch" or device != "cpu":
            return cls._with_torch(folder, device, "torch")
        found = resolve_model(folder)
        converted = Converted.load(found) if way == "onnx" else _converted(found)
        if isinstance(converted, str):
            return cls._with_torch(folder, device, f"torch: {converted}")
        return cls._with_onnx(found, converted)

    @classmethod
    def _with_onnx(cls, folder: Path, converted: Converted) -> Understander:
        known = converted.conversion
        if known.kind != "classify" or known.multi_label:
            what = "intents are read with one label a text, and this model gives something else"
            raise ModelError(what, where=folder, remedy="tune a base with texts that have one `label` each")
        calibration = read_calibration(folder, fingerprint=known.fingerprint, labels=known.labels)
        return cls(converted.read, calibration, f"ONNX Runtime, {known.precision}")

    @classmethod
    def _with_torch(cls, folder: str | Path, device: str, way: str) -> Understander:
        from functools import partial

        from dialoop.model import load_base
        from dialoop.understanding.reading import check_classifier, read_texts

        base = load_base(folder, device=device)
        check_classifier(base)
        assert base.path is not None
        calibration = read_calibration(base.path, fingerprint=base.fingerprint, labels=base.head.labels)
        return cls(partial(read_texts, base), calibration, way)

    @property
    def labels(self) -> tuple[str, ...]:
        """All intents that it knows."""
        return tuple(label for label in self._calibration.labels if label != OUT_OF_SCOPE)

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
        read = self._read(texts)
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


def _converted(folder: Path) -> Converted | str:
    """The conversion of a model, or why it is not read with one. Raises ModelError for a torn one."""
    if not (folder / FOLDER).is_dir():
        return "it was not converted to ONNX (dialoop export)"
    if not is_installed():
        return f"ONNX Runtime is missing ({INSTALL})"
    conversion = read_conversion(folder / FOLDER)
    if conversion.fingerprint != verify(folder):
        return f"{FOLDER}/ was converted from other weights ({AGAIN})"
    return Converted(folder / FOLDER, conversion)
