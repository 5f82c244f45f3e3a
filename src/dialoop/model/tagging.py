"""Spans that a base with a `tag` head finds in texts. How texts become windows and tags spans, `windows` knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from dialoop.conversation import SlotSpan
from dialoop.errors import ModelError
from dialoop.model.heads import tag_scores, transitions_of
from dialoop.model.windows import Window, laid, read_text, tag_windows

if TYPE_CHECKING:
    from dialoop.model.base import Base


def tag_texts(base: Base, texts: Sequence[str], *, batch_size: int = 16) -> list[list[SlotSpan]]:
    """The spans that a base with a `tag` head finds in each text, in order; any length. The base keeps its mode.

    Raises ModelError for another head.
    """
    if base.head.kind != "tag":
        raise ModelError(f"{base.name} has a head of kind {base.head.kind}, not tag", remedy="tune it with spans first")
    pad, casing = int(base.tokenizer.pad_token_id), base.head.casing

    def score(windows: list[Window]) -> NDArray[np.float64]:
        rows = laid(windows, pad, casing=casing)
        inputs = {name: torch.from_numpy(some).to(base.device) for name, some in rows.items()}
        with torch.inference_mode():
            found: NDArray[np.float64] = tag_scores(base.model, inputs).double().cpu().numpy()
        return found

    readings = [read_text(base.tokenizer, text, base.window) for text in texts]
    return tag_windows(readings, base.head.labels, transitions_of(base.model), score, batch_size)
