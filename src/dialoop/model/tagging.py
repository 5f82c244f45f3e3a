"""Spans that a base with a `tag` head finds in texts. How texts become windows and tags spans, `windows` knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from dialoop.conversation import Passage, SlotSpan
from dialoop.errors import ModelError
from dialoop.model.heads import tag_scores, transitions_of
from dialoop.model.windows import Window, laid, read_text, tag_windows

if TYPE_CHECKING:
    from dialoop.model.base import Base


def tag_texts(base: Base, texts: Sequence[str], *, batch_size: int = 16) -> list[list[SlotSpan]]:
    """The spans that a base with a `tag` head finds in each text, in order; any length. The base keeps its mode.

    Raises ModelError for another head.
    """
    return tag_documents(base, [[text] for text in texts], batch_size=batch_size)


def tag_documents(base: Base, documents: Sequence[Sequence[str]], *, batch_size: int = 16) -> list[list[SlotSpan]]:
    """The same of all texts of all documents, in order; those of one are read together where the head has `context`."""
    if base.head.kind != "tag":
        raise ModelError(f"{base.name} has a head of kind {base.head.kind}, not tag", remedy="tune it with spans first")
    pad, casing, context = int(base.tokenizer.pad_token_id), base.head.casing, base.head.context
    together = documents if context else [[text] for texts in documents for text in texts]
    passages = [Passage.of(texts) for texts in together]

    def score(windows: list[Window]) -> NDArray[np.float64]:
        rows = laid(windows, pad, casing=casing)
        inputs = {name: torch.from_numpy(some).to(base.device) for name, some in rows.items()}
        with torch.inference_mode():
            found: NDArray[np.float64] = tag_scores(base.model, inputs).double().cpu().numpy()
        return found

    windows = [base.window if len(one.starts) == 1 else min(base.window, context) for one in passages]
    readings = [read_text(base.tokenizer, one.text, window) for one, window in zip(passages, windows, strict=True)]
    found = tag_windows(readings, base.head.labels, transitions_of(base.model), score, batch_size)
    return [spans for one, some in zip(passages, found, strict=True) for spans in one.parted(some)]
