"""What is kept beside a classifier in `understanding.json`: its temperature, the score of scope and its threshold.

Arrays stand in the file as base64 of little-endian float32; nothing in it is ever run. It belongs to one model: the
fingerprint of the weights is kept and compared. It knows no texts.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dialoop.conversation import OUT_OF_SCOPE
from dialoop.errors import ModelError
from dialoop.model.folder import replace_file
from dialoop.understanding.scores import Array, Known, Method, scope_scores, softmax

FILE = "understanding.json"
_QUANTILES = 201


class Figures(BaseModel):
    """What was seen on held-out messages while fitting. `auroc` by method; None where no message was out of scope.

    `kept` and `refused`: at the threshold, the share of messages in scope that stay, and of the others that are found.
    `error_before` and `error_after`: expected calibration error without and with the temperature.
    """

    model_config = ConfigDict(extra="forbid")
    in_scope: int
    out_of_scope: int
    accuracy: float
    error_before: float
    error_after: float
    auroc: dict[str, float] | None = None
    kept: float
    refused: float | None = None


class _Packed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    shape: tuple[int, ...]
    float32: str


class Calibration(BaseModel):
    """Temperature, method, threshold; `quantiles` of the score over held-out messages in scope, evenly spaced."""

    model_config = ConfigDict(extra="forbid")
    version: Literal[1] = 1
    fingerprint: str
    labels: tuple[str, ...]
    temperature: float = Field(gt=0, allow_inf_nan=False)
    method: Method
    threshold: float = Field(allow_inf_nan=False)
    quantiles: list[float]
    figures: Figures
    points: _Packed | None = None
    whitening: _Packed | None = None

    def known(self) -> Known:
        """The arrays that the method needs. Raises ValueError where they are not what was written."""
        return Known(_unpacked(self.points), _unpacked(self.whitening))

    def probabilities(self, logits: Array) -> tuple[tuple[str, ...], Array]:
        """The intents and (N, K) their probabilities; a label for what is out of scope is none of them."""
        columns = [i for i, label in enumerate(self.labels) if label != OUT_OF_SCOPE]
        return tuple(self.labels[i] for i in columns), softmax(logits[:, columns], self.temperature)

    def scope(self, known: Known, logits: Array, features: Array) -> tuple[list[bool], list[float]]:
        """(N,) whether each message is out of scope, and (N,) the share of messages in scope that are no nearer."""
        scores = scope_scores(self.method, known, logits, features)
        shares = np.searchsorted(np.asarray(self.quantiles), scores, side="right") / len(self.quantiles)
        return [bool(one) for one in scores < self.threshold], [float(one) for one in shares]


def evenly(scores: Array) -> list[float]:
    """Quantiles from the least to the greatest."""
    return [float(value) for value in np.quantile(scores, np.linspace(0, 1, _QUANTILES))]


def packed(array: Array | None) -> dict[str, Any] | None:
    """As the file keeps an array."""
    if array is None:
        return None
    raw = base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode()
    return {"shape": array.shape, "float32": raw}


def _unpacked(kept: _Packed | None) -> Array | None:
    if kept is None:
        return None
    flat = np.frombuffer(base64.b64decode(kept.float32, validate=True), dtype="<f4")
    return flat.reshape(kept.shape).astype(np.float32)


def write_calibration(folder: Path, calibration: Calibration) -> Path:
    """Write it beside the model in one step. Raises ModelError where it cannot be written."""
    replace_file(folder / FILE, json.dumps(calibration.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")
    return folder / FILE


def read_calibration(folder: Path, *, fingerprint: str, labels: tuple[str, ...]) -> Calibration:
    """The calibration of the model in `folder`. Raises ModelError where there is none, or it is another model's."""
    path = folder / FILE
    fit_again = "fit it: dialoop.understanding.fit(RUN)"
    if not path.is_file():
        what = "this classifier has not been fitted: what it is sure of, and what is out of scope, is not known"
        raise ModelError(what, where=folder, remedy=fit_again)
    try:
        calibration = Calibration.model_validate_json(path.read_bytes())
        known = calibration.known()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ModelError(
            f"it is not what was written: {place}: {first['msg']}", where=path, remedy=fit_again
        ) from error
    except ValueError as error:
        raise ModelError(f"its arrays are not what was written: {error}", where=path, remedy=fit_again) from error
    if calibration.fingerprint != fingerprint or calibration.labels != labels:
        raise ModelError("it was fitted to another model than lies beside it", where=path, remedy=fit_again)
    if not _whole(calibration.method, known):
        raise ModelError("its arrays do not go with its method", where=path, remedy=fit_again)
    return calibration


def _whole(method: Method, known: Known) -> bool:
    if method in ("softmax", "energy"):
        return True
    if known.points is None or known.points.ndim != 2 or not np.isfinite(known.points).all():
        return False
    if method == "neighbour":
        return True
    size = known.points.shape[1]
    return known.whitening is not None and known.whitening.shape == (size, size)
