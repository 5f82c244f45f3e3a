"""Reads texts with a model that was converted to ONNX: labels, spans or a score. Loads neither torch nor transformers.

    Converted.load("runs/intents").labels(["Can I still cancel?"])      # after dialoop export runs/intents

`Converted` may be asked from any thread. It knows nothing of how graphs are made.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from dialoop.conversation import SlotSpan
from dialoop.errors import ModelError, SettingsError
from dialoop.model.folder import verify
from dialoop.model.names import resolve_model
from dialoop.model.windows import Reading, Window, cut_up, laid, tag_windows
from dialoop.understanding.batching import Read, read_by_length, readable
from dialoop.understanding.conversion import AGAIN, FOLDER, GRAPH, TOKENS, Conversion, read_conversion
from dialoop.understanding.scores import Array, softmax

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MOST_THREADS = 4
"""Cores that one session uses at most; a message has too few tokens for more."""
INSTALL = "pip install 'dialoop[onnx]'"


class Converted:
    """A converted model; made by `Converted.load`."""

    def __init__(self, folder: Path, conversion: Conversion, *, graph: str = GRAPH) -> None:
        self.folder, self.conversion = folder, conversion
        self._tokenizer = _tokenizer(folder / TOKENS)
        if conversion.kind != "tag":  # a tagger reads long texts in windows
            self._tokenizer.enable_truncation(conversion.window)
        self._session = _session(folder / graph)

    @classmethod
    def load(cls, model: str | Path) -> Converted:
        """The conversion beside a model: a folder, a run or a version on the shelf.

        Raises ModelError where there is none, where it is torn, or where it was made from other weights; SettingsError
        where ONNX Runtime is missing.
        """
        folder = resolve_model(model)
        if not (folder / FOLDER).is_dir():
            raise ModelError("this model was not converted to ONNX", where=folder, remedy="dialoop export MODEL")
        return cls.bound(folder, verify(folder))

    @classmethod
    def bound(cls, folder: Path, fingerprint: str) -> Converted:
        """The conversion in a model's folder, which must be that of the weights of this fingerprint. Raises as load."""
        conversion = read_conversion(folder / FOLDER)
        if conversion.fingerprint != fingerprint:
            what = "it was converted from other weights than lie beside it"
            raise ModelError(what, where=folder / FOLDER, remedy=AGAIN)
        return cls(folder / FOLDER, conversion)

    def read(self, texts: Sequence[str]) -> Read:
        """Logits and features of a classifier's or scorer's texts. A text longer than the window is cut at its end.

        Raises ModelError for a tagger.
        """
        if self.conversion.kind == "tag":
            self._needs("classify or regress")
        return read_by_length(texts, self._read)

    def labels(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """The probability of each label; they sum to 1 where a text has one label. Raises ModelError, other head."""
        self._needs("classify")
        if not texts:
            return []
        logits = self.read(texts).logits
        chances = _sigmoid(logits) if self.conversion.multi_label else softmax(logits)
        return [{label: float(one) for label, one in zip(self.conversion.labels, row, strict=True)} for row in chances]

    def scores(self, texts: Sequence[str]) -> list[float]:
        """The score of each text, in the unit that was learnt. Raises ModelError for another head."""
        self._needs("regress")
        if not texts:
            return []
        return [self.conversion.mean + self.conversion.scale * float(row[0]) for row in self.read(texts).logits]

    def spans(self, texts: Sequence[str]) -> list[list[SlotSpan]]:
        """The spans of each text, in order; any length. Raises ModelError for another head."""
        self._needs("tag")
        known = self.conversion

        def score(windows: list[Window]) -> NDArray[np.float64]:
            rows = laid(windows, known.pad, casing=known.casing)
            found: NDArray[np.float64] = self._session.run(["logits"], rows)[0].astype(np.float64)
            return found

        moves = None if known.transitions is None else np.asarray(known.transitions, dtype=np.float64)
        return tag_windows([self._cut_up(text) for text in texts], known.labels, moves, score)

    def _read(self, texts: list[str]) -> tuple[Array, Array]:
        encoded = self._tokenizer.encode_batch_fast([text or " " for text in texts])
        width = max(len(one.ids) for one in encoded)
        ids = np.full((len(encoded), width), self.conversion.pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, one in enumerate(encoded):
            ids[row, : len(one.ids)] = one.ids
            mask[row, : len(one.ids)] = 1
        logits, features = self._session.run(["logits", "features"], {"input_ids": ids, "attention_mask": mask})
        return logits, features

    def _cut_up(self, text: str) -> Reading:
        made = self._tokenizer.encode(readable(text))
        special = [bool(one) for one in made.special_tokens_mask]
        return cut_up(text, list(made.ids), made.offsets, special, self.conversion.window)

    def _needs(self, kind: str) -> None:
        if self.conversion.kind != kind:
            what = f"this model has a head of kind {self.conversion.kind}, not {kind}"
            raise ModelError(what, where=self.folder, remedy="ask it for what its head gives")


def is_installed() -> bool:
    """Whether ONNX Runtime is there."""
    return find_spec("onnxruntime") is not None


def _session(path: Path) -> InferenceSession:
    if not is_installed():
        raise SettingsError("a converted model is read with ONNX Runtime, which is missing", remedy=INSTALL)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(len(_cores()), MOST_THREADS)
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leaves the cores to others between texts
    options.log_severity_level = 3  # errors
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for each status, none of which it documents
        what = f"ONNX Runtime cannot open it: {str(error).strip().splitlines()[0]}"
        raise ModelError(what, where=path, remedy=AGAIN) from error


def _cores() -> Sequence[int]:
    told: Any = getattr(os, "sched_getaffinity", None)  # Linux: those that this process may use
    return sorted(told(0)) if told is not None else range(os.cpu_count() or 1)


def _tokenizer(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception for what it cannot read
        raise ModelError(f"the tokenizer cannot be read: {error}", where=path, remedy=AGAIN) from error


def _sigmoid(logits: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float32)
