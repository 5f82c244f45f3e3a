"""Writes a base with a head that understands as an ONNX graph, and that graph once more with int8 weights.

The graph takes input_ids and attention_mask (B, T) int64, a tagger with casing also `casing`; it gives `logits`, and
for labels and scores `features` (B, D), which the head reads them from. It knows no texts.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dialoop.errors import ModelError, SettingsError
from dialoop.model import Base
from dialoop.model.adapter import merged
from dialoop.model.heads import last_layer, tag_scores
from dialoop.understanding.converted import INSTALL
from dialoop.understanding.reading import at_end

MOST = 1_900_000_000
"""Bytes of weights; one ONNX file holds no more than 2 GiB."""
BLOCK = 128
_TO_INT8 = 4
"""ONNX Runtime's `accuracy_level` of a product that is computed in int8, see MatMulNBits in its list of operators."""
_NEEDED = ("onnx", "onnxscript", "onnxruntime")


class _Reading(nn.Module):
    """Logits of a text, and the features that its head reads."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        caught: list[Tensor] = []
        hook = last_layer(self.model).register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
        logits: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        hook.remove()
        return logits, at_end(caught[-1], attention_mask)


class _Tagging(nn.Module):
    """Scores of each token's tags."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, casing: Tensor | None = None) -> Tensor:
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        return tag_scores(self.model, inputs if casing is None else inputs | {"casing": casing})


def check_installed() -> None:
    """Raises SettingsError where a package that converts is missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise SettingsError(f"a conversion to ONNX needs {', '.join(missing)}", remedy=INSTALL)


def write_graph(base: Base, path: Path) -> None:
    """Write the base as a float32 graph. Raises ModelError for a model that is too large or cannot be traced."""
    model = merged(base.model).float().eval()
    size = sum(weight.numel() * 4 for weight in model.parameters())
    if size > MOST:
        what = f"its weights take {size / 1e9:.1f} GB in float32, and an ONNX file holds 1.9"
        raise ModelError(what, where=base.name, remedy="read it with torch, or tune a smaller base")
    names = ["input_ids", "attention_mask", *(["casing"] if base.head.casing else [])]
    ids = torch.full((2, 7), int(base.tokenizer.pad_token_id or 0) + 1, dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[0, 4:] = 0
    given = (ids, mask, *([torch.ones_like(ids)] if base.head.casing else []))
    tagging = base.head.kind == "tag"
    whole = _Tagging(model) if tagging else _Reading(model)
    try:
        with _hushed(), torch.no_grad():
            program: Any = torch.onnx.export(
                whole.eval(),
                given,
                input_names=names,
                output_names=["logits"] if tagging else ["logits", "features"],
                dynamic_shapes={name: {0: "texts", 1: "tokens"} for name in names},
                dynamo=True,
                verbose=False,
            )
            program.save(path, external_data=False)
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, ValueError, TypeError) as error:
        what = f"a {type(model).__name__} cannot be converted to ONNX: {_cause(error)}"
        raise ModelError(what, where=base.name, remedy="read it with torch: nothing more is needed") from error


def quantise(graph: Path, to: Path) -> None:
    """Write `graph` with its matrices in int8, a scale for each column; what they are multiplied with becomes int8
    while it is read (dynamic quantisation), by one scale. Embeddings, norms and attention stay float32."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _hushed():
        quantize_dynamic(graph, to, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8)


def quantise_in_blocks(graph: Path, to: Path) -> None:
    """The same with a scale for each 128 numbers of a column, and of what a column is multiplied with."""
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    with _hushed():
        made = MatMulNBitsQuantizer(str(graph), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=_TO_INT8)
        made.model.replace_gemm_with_matmul()
        made.process()
        made.model.save_model_to_file(str(to))


def _cause(error: BaseException) -> str:
    deepest = error
    while deepest.__cause__ is not None:
        deepest = deepest.__cause__
    return (str(deepest).strip().splitlines() or [type(deepest).__name__])[0]


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep the exporter's notes to its own developers out of the terminal for the while."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
