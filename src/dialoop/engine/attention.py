"""Attention on a processor for models that share keys among heads: each key and value is read once, never copied.

PyTorch's own repeats keys and values for the heads that share them before it begins, which for an answer that grows by
one token is most of the work; and it computes what a causal mask hides. Here the queries of the heads that share keys
are the rows of one matrix product, a block of queries at a time. It knows tensors and transformers' interface, not
rows, text or sampling.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

_NAME = "dialoop_grouped"
_BLOCK = 256
"""Queries of a block: its scores stay in the processor's cache."""
_OTHER = ("softcap", "s_aux", "position_bias")
"""What a model may ask of its attention beyond a softmax of q · k: that is left to PyTorch's."""


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
    """As transformers calls an attention: query (B, h, T, d), key and value (B, k, L, d) → (B, T, h, d)."""
    windowed = attention_mask is None and more.get("sliding_window") is not None
    bidirectional = not more.get("is_causal", getattr(module, "is_causal", True))
    if dropout or windowed or bidirectional or any(more.get(name) is not None for name in _OTHER):
        usual: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **more
        )
        return usual
    scale = 1 / math.sqrt(query.shape[-1]) if scaling is None else float(scaling)
    return grouped(query * scale, key, value, attention_mask).transpose(1, 2).contiguous(), None


def grouped(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(query · keyᵀ + mask) · value: query (B, h, T, d), the last T of L places; key and value (B, k, L, d), h a
    multiple of k; mask (B or 1, 1, T, L) that hides at least what comes later, or None for that alone → (B, h, T, d).
    """
    (rows, heads, count, width), (_, groups, length, _) = query.shape, key.shape
    parted = query.reshape(rows, groups, heads // groups, count, width)
    out = torch.empty_like(parted)
    for first in range(0, count, _BLOCK):
        last = min(first + _BLOCK, count)
        seen = length - count + last
        scores = parted[:, :, :, first:last].reshape(rows, groups, -1, width) @ key[:, :, :seen].mT
        each = scores.view(rows, groups, heads // groups, last - first, seen)
        if mask is not None:
            each += mask[:, :, None, first:last, :seen]
        elif last - first > 1:
            own = each[..., seen - (last - first) :]
            own.masked_fill_(torch.ones(own.shape[-2:], dtype=torch.bool).triu_(1), -torch.inf)
        chances = torch.softmax(scores, -1)
        out[:, :, :, first:last] = (chances @ value[:, :, :seen]).view(rows, groups, -1, last - first, width)
    return out.view(rows, heads, count, width)
