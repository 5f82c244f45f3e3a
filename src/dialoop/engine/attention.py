"""Attention of answers that grow by one token, on a processor, for models whose heads share keys.

The heads that share keys and values ask them as if they were so many tokens. PyTorch's attention then reads each key
once; asked head by head it is given them copied for each, which takes several times as long as attending does. It knows
tensors and transformers' interface, not rows, text or sampling.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

_NAME = "dialoop_grouped"
_OTHER = ("softcap", "s_aux", "position_bias")
"""What a model may ask of its attention beyond a softmax of q · k."""


@contextmanager
def grouped_attention(model: nn.Module) -> Iterator[None]:
    """For the block a model that attends by PyTorch's attention does it so; not on accelerators."""
    config: Any = model.config
    usual = config._attn_implementation
    if usual != "sdpa" or next(model.parameters()).device.type != "cpu":
        yield
        return
    AttentionInterface.register(_NAME, _attend)
    config._attn_implementation = _NAME
    try:
        yield
    finally:
        config._attn_implementation = usual


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """As transformers calls an attention: query (B, h, T, d), key and value (B, k, L, d), mask (B, 1, T, L) →
    (B, T, h, d).
    """
    (rows, heads, count, width), groups = query.shape, key.shape[1]
    if count > 1 or heads == groups or attention_mask is None or any(more.get(name) is not None for name in _OTHER):
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **more
        )
        return found
    asked = query.reshape(rows, groups, heads // groups, width)
    out = F.scaled_dot_product_attention(asked, key, value, attn_mask=attention_mask, dropout_p=dropout, scale=scaling)
    return out.reshape(rows, 1, heads, width), None
