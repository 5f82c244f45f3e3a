"""What lies beside a model that was converted to ONNX: the folder `onnx/` and the record of the conversion.

    onnx/model.onnx         the graph with its weights, int8 or float32
    onnx/tokenizer.json     the tokenizer, as the `tokenizers` library reads it
    onnx/conversion.json    whose weights these are, how the head is read, and how near both are to each other
    onnx/manifest.json      SHA-256 of each of them

The record is bound to one model by the fingerprint of its weights. It knows no session and loads no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dialoop.errors import ModelError
from dialoop.model.folder import verify_manifest

FOLDER = "onnx"
GRAPH = "model.onnx"
TOKENS = "tokenizer.json"
RECORD = "conversion.json"
Precision = Literal["int8", "int8-blocks", "float32"]
"""int8: one scale for all that is multiplied with a matrix at once. int8-blocks: one for each 128 numbers of each
token, so that it is nearer, the same whatever is read beside it, and slower by a quarter to a half."""
AGAIN = "convert it anew: dialoop export MODEL"


class Tried(BaseModel):
    """One precision on the texts that it was checked with.

    `accuracy` (0 to 1): by the truth, None where the texts have none. `agreement`: by the answers of the weights that
    it was converted from. `lost`: points (hundredths) of accuracy, or without truth of agreement. `same_scope`: the
    share of texts that are as much in scope as before, None for a model that was not fitted.
    """

    model_config = ConfigDict(extra="forbid")
    accuracy: float | None
    agreement: float
    lost: float
    same_scope: float | None = None
    size: int = Field(description="bytes of the graph")


class Conversion(BaseModel):
    """`conversion.json`. `measure`: what is called accuracy here; `accuracy`: that of the weights before conversion.

    `pad`: id of the padding; `window`: tokens that are read at most; `transitions` (K, K): those of a tagger's CRF.
    """

    model_config = ConfigDict(extra="forbid")
    version: Literal[1] = 1
    fingerprint: str
    kind: Literal["classify", "tag", "regress"]
    labels: tuple[str, ...] = ()
    multi_label: bool = False
    casing: bool = False
    transitions: list[list[float]] | None = None
    mean: float = 0.0
    scale: float = 1.0
    window: int = Field(ge=1)
    pad: int = Field(ge=0)
    precision: Precision
    measure: str
    texts: int
    most_lost: float
    accuracy: float | None
    tried: dict[Precision, Tried]
    made_with: dict[str, str]

    def told(self) -> str:
        """In a sentence what was kept, and why."""
        line = f"{self.precision} is kept: {self._change(self.tried[self.precision])}"
        for name, lost in self.tried.items():
            if lost.lost > self.most_lost:
                line += f"; {name} loses {lost.lost:.2f} points, more than {self.most_lost:g} ({self._change(lost)})"
        return line

    def _change(self, tried: Tried) -> str:
        same = f"agrees by {tried.agreement:.2%} on {self.texts:,} texts"
        if self.accuracy is None or tried.accuracy is None:
            return f"{same}, which have no truth to measure by"
        return f"{self.measure} {self.accuracy:.2%} → {tried.accuracy:.2%}, {same}"


def read_conversion(folder: Path) -> Conversion:
    """The record in a folder `onnx/`, whose files are whole. Raises ModelError."""
    verify_manifest(folder)
    path = folder / RECORD
    try:
        return Conversion.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelError(f"it is not what was written: {_first(error)}", where=path, remedy=AGAIN) from error


def _first(error: Any) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
