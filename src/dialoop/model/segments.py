"""Many sentences in one row without padding, each blind to the others, and a beginning that several share computed
once.

Conversations of one agent begin with the same system message and tools. Such a lead lies in the row once, and every
sentence that goes on from it attends to it and, causally, to itself: the softmax over both parts is put together from
their log-sum-exps, so values and gradients are those of the sentences apart (the identity behind FlashAttention, Dao et
al. 2022, and its parts over devices, Liu et al. 2023). On processors alone. It knows attention, not text or losses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

_NAME = "dialoop_segments"
_forward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True)
class Family:
    """Segments [begin, end) of the row that belong together: the first is alone, or leads those that follow it."""

    segments: tuple[tuple[int, int], ...]

    @property
    def lead(self) -> tuple[int, int]:
        """The first segment."""
        return self.segments[0]

    @property
    def followers(self) -> tuple[int, int] | None:
        """Where the segments that go on from the first lie, together."""
        return (self.segments[1][0], self.segments[-1][1]) if len(self.segments) > 1 else None


_row: ContextVar[tuple[Family, ...]] = ContextVar("row")


class _Unfit(Exception):
    """A model whose attention is more than a softmax over all that came before."""


def families_of(segments: Tensor) -> tuple[Family, ...]:
    """segments (S, 3) int64: begin, end, and 1 where the segment goes on from the family's first, else 0."""
    found: list[list[tuple[int, int]]] = []
    for begin, end, goes_on in segments.tolist():
        if goes_on:
            found[-1].append((begin, end))
        else:
            found.append([(begin, end)])
    return tuple(Family(tuple(one)) for one in found)


def segment_states(causal: Any, inputs: dict[str, Tensor]) -> Tensor:
    """The last hidden states (1, N, H) of a row: input_ids, position_ids (1, N), segments (S, 3)."""
    with _attending(causal, families_of(inputs["segments"])):
        states: Tensor = causal.base_model(
            input_ids=inputs["input_ids"], position_ids=inputs["position_ids"], use_cache=False
        ).last_hidden_state
    return states


_fit: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def takes_segments(model: nn.Module, causal: Any) -> bool:
    """Whether rows of segments give what the sentences give apart; tried once with few tokens.

    Not on accelerators, nor where attention has a window, a cap, sinks or dropout.
    """
    if model not in _fit:
        _fit[model] = next(model.parameters()).device.type == "cpu" and _try(causal)
    return _fit[model]


@contextmanager
def _attending(causal: Any, families: tuple[Family, ...]) -> Iterator[None]:
    from transformers import AttentionInterface

    AttentionInterface.register(_NAME, _attend)
    config = causal.base_model.config
    usual, config._attn_implementation = config._attn_implementation, _NAME
    token = _row.set(families)
    try:
        yield
    finally:
        _row.reset(token)
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
    """As transformers calls an attention: query (1, h, N, d), key and value (1, k, N, d) → (1, N, h, d)."""
    odd = [name for name in ("sliding_window", "softcap", "s_aux", "position_bias") if more.get(name) is not None]
    if odd or dropout or attention_mask is not None or not getattr(module, "is_causal", True):
        raise _Unfit(*odd)
    scale = 1 / math.sqrt(query.shape[-1]) if scaling is None else float(scaling)
    if torch.is_autocast_enabled("cpu"):
        query, key, value = (one.to(torch.get_autocast_dtype("cpu")) for one in (query, key, value))
    out = _Attention.apply(query, key, value, _row.get(), scale)  # type: ignore[no-untyped-call]
    return out.transpose(1, 2).contiguous(), None


class _Attention(torch.autograd.Function):
    """Each segment looks at itself causally, and at all of its family's lead."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, families: tuple[Family, ...], scale: float
    ) -> Tensor:
        """query (1, h, N, d), key and value (1, k, N, d) with h a multiple of k → (1, h, N, d)."""
        out = torch.empty(query.shape, dtype=query.dtype)
        norm = torch.empty(query.shape[:3], dtype=torch.promote_types(query.dtype, torch.float32))
        for family in families:
            for begin, end in family.segments:
                here = slice(begin, end)
                q, k, v = query[:, :, here], key[:, :, here], value[:, :, here]
                out[:, :, here], norm[:, :, here] = _forward(q, k, v, 0.0, True, scale=scale)
            if family.followers is not None:
                here, lead = slice(*family.followers), slice(*family.lead)
                folded = _fold(query[:, :, here], key.shape[1])
                seen, seen_norm = _forward(folded, key[:, :, lead], value[:, :, lead], 0.0, False, scale=scale)
                seen, seen_norm = seen.reshape(out[:, :, here].shape), seen_norm.reshape(norm[:, :, here].shape)
                both = torch.logaddexp(norm[:, :, here], seen_norm)
                own_share, seen_share = (norm[:, :, here] - both).exp_(), (seen_norm - both).exp_()
                out[:, :, here] = out[:, :, here] * own_share[..., None] + seen * seen_share[..., None]
                norm[:, :, here] = both
        ctx.save_for_backward(query, key, value, out, norm)
        ctx.families, ctx.scale = families, scale
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor | None, ...]:
        """With the norms over both parts, each part's backward gives its share of the gradients."""
        (slope,) = outputs
        query, key, value, out, norm = ctx.saved_tensors
        slope = slope.contiguous()
        to_query, to_key, to_value = (torch.empty(one.shape, dtype=one.dtype) for one in (query, key, value))
        for family in ctx.families:
            for begin, end in family.segments:
                here = slice(begin, end)
                parts = [one[:, :, here] for one in (slope, query, key, value, out)]
                found = _backward(*parts, norm[:, :, here].contiguous(), 0.0, True, scale=ctx.scale)
                for whole, part in zip((to_query, to_key, to_value), found, strict=True):
                    whole[:, :, here] = part
            if family.followers is not None:
                here, lead = slice(*family.followers), slice(*family.lead)
                groups = key.shape[1]
                found = _backward(
                    _fold(slope[:, :, here], groups),
                    _fold(query[:, :, here], groups),
                    key[:, :, lead],
                    value[:, :, lead],
                    _fold(out[:, :, here], groups),
                    norm[:, :, here].reshape(1, groups, -1),
                    0.0,
                    False,
                    scale=ctx.scale,
                )
                to_query[:, :, here] += found[0].reshape(query[:, :, here].shape)
                to_key[:, :, lead] += found[1]
                to_value[:, :, lead] += found[2]
        return to_query, to_key, to_value, None, None


def _fold(heads: Tensor, groups: int) -> Tensor:
    """(1, h, M, d) → (1, k, h/k · M, d): heads that share keys become more queries of them, since no order counts."""
    return heads.reshape(1, groups, -1, heads.shape[-1])


_PROBE = torch.tensor([[0, 3, 0], [3, 5, 1], [5, 8, 1], [8, 11, 0]])
"""A lead of three tokens with two followers, and a sentence alone."""


def _try(causal: Any) -> bool:
    was_training = causal.training
    weight = next(causal.parameters())
    ids = torch.arange(11) % 7 % causal.config.vocab_size
    positions = torch.tensor([0, 1, 2, 3, 4, 3, 4, 5, 0, 1, 2])
    row = {"input_ids": ids[None], "position_ids": positions[None], "segments": _PROBE}
    wide = torch.promote_types(weight.dtype, torch.float32)
    near = 1e-3 if weight.dtype.itemsize >= 4 else 5e-2
    try:
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            causal.train()
            segment_states(causal, row)  # with its dropout, if it has one
            causal.eval()
            together = segment_states(causal, row)[0].to(wide)
            for begin, end, goes_on in _PROBE.tolist():
                apart = torch.cat([ids[:3], ids[begin:end]]) if goes_on else ids[begin:end]
                alone = causal.base_model(input_ids=apart[None], use_cache=False).last_hidden_state[0].to(wide)
                if not torch.allclose(alone[len(apart) - (end - begin) :], together[begin:end], rtol=near, atol=near):
                    return False
    except (_Unfit, TypeError, AttributeError, KeyError, ValueError, RuntimeError):
        return False
    finally:
        causal.train(was_training)
    return True
