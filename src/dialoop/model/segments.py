"""Many sentences in one row without padding, each blind to the others, and a beginning that several share computed
once.

Conversations of one agent begin with the same system message and tools. Such a lead lies in the row once, and every
sentence that goes on from it attends to it and, causally, to itself, so values and gradients are those of the sentences
apart. In bfloat16 on a processor this takes half the time of PyTorch's own attention. It knows attention, not text or
losses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

_NAME = "dialoop_segments"


BLOCK = 256
"""Queries of a block."""
KEPT_CHANCES = 1 << 24
"""Numbers of one layer's softmax that are kept for the way back; where there are more, they are made again."""


@dataclass(frozen=True)
class Family:
    """Segments [begin, end) of the row that belong together: the first is alone, or leads those that follow it."""

    segments: tuple[tuple[int, int], ...]

    def seen(self, whole: Tensor, segment: tuple[int, int]) -> Tensor:
        """Of keys or values (k, N, d) those that a segment looks at: its lead's, if it follows one, and its own."""
        own = whole[:, slice(*segment)]
        return own if segment == self.segments[0] else torch.cat([whole[:, slice(*self.segments[0])], own], 1)

    def add_to(self, whole: Tensor, segment: tuple[int, int], seen: Tensor) -> None:
        """Adds to `whole` (k, N, d) what stands in the places of `seen`."""
        own = segment[1] - segment[0]
        whole[:, slice(*segment)] += seen[:, -own:]
        if segment != self.segments[0]:
            whole[:, slice(*self.segments[0])] += seen[:, :-own]

    def blocks(self, segment: tuple[int, int]) -> Iterator[tuple[slice, int]]:
        """The blocks of a segment's queries, and how many of what `seen` gives each of them may look at."""
        begin, end = segment
        before = 0 if segment == self.segments[0] else self.segments[0][1] - self.segments[0][0]
        for first in range(begin, end, BLOCK):
            last = min(first + BLOCK, end)
            yield slice(first, last), before + last - begin

    @property
    def scores(self) -> int:
        """How many scores a head has in all blocks."""
        blocks = (one for segment in self.segments for one in self.blocks(segment))
        return sum((block.stop - block.start) * last for block, last in blocks)


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
    """Each segment looks at itself causally, and at all of its family's lead, a block of queries at a time.

    A block's scores fit the processor's cache and end where its last query stands, so half of what a causal mask would
    hide is never computed. In a long row the way back makes them again instead of keeping them.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, families: tuple[Family, ...], scale: float
    ) -> Tensor:
        """query (1, h, N, d), key and value (1, k, N, d) with h a multiple of k → (1, h, N, d)."""
        out = torch.empty_like(query, memory_format=torch.contiguous_format)
        grouped, said = _grouped(query, key), _grouped(out, key)
        keeps = query.shape[1] * sum(family.scores for family in families) <= KEPT_CHANCES
        kept = list[Tensor]()
        for family in families:
            for segment in family.segments:
                keys, values = (family.seen(one[0], segment) for one in (key, value))
                for block, last in family.blocks(segment):
                    chances = _chances(_rows(grouped, block), keys[:, :last], block, scale)
                    said[:, :, block] = (chances @ values[:, :last]).view(said[:, :, block].shape)
                    if keeps:
                        kept.append(chances)
        ctx.save_for_backward(query, key, value, *kept)
        ctx.families, ctx.scale = families, scale
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of keys and values are summed over what looks at them in at least float32."""
        query, key, value, *kept = ctx.saved_tensors
        before = iter(kept)
        to_query = torch.empty_like(query, memory_format=torch.contiguous_format)
        wide = torch.promote_types(query.dtype, torch.float32)
        to_key, to_value = (key.new_zeros(key.shape, dtype=wide) for _ in range(2))
        grouped, slopes, found = (_grouped(one, key) for one in (query, outputs[0], to_query))
        for family in ctx.families:
            for segment in family.segments:
                keys, values = (family.seen(one[0], segment) for one in (key, value))
                sums = [keys.new_zeros(keys.shape, dtype=wide) for _ in range(2)]
                for block, last in family.blocks(segment):
                    q, slope = _rows(grouped, block), _rows(slopes, block)
                    chances = next(before) if kept else _chances(q, keys[:, :last], block, ctx.scale)
                    sums[1][:, :last] += chances.mT @ slope
                    to_scores = torch._softmax_backward_data(slope @ values[:, :last].mT, chances, -1, chances.dtype)
                    sums[0][:, :last] += to_scores.mT @ (q * ctx.scale)
                    found[:, :, block] = (to_scores @ keys[:, :last]).mul_(ctx.scale).view(found[:, :, block].shape)
                for whole, part in zip((to_key, to_value), sums, strict=True):
                    family.add_to(whole[0], segment, part)
        return to_query, to_key.to(key.dtype), to_value.to(value.dtype), None, None


def _grouped(heads: Tensor, keys: Tensor) -> Tensor:
    """(1, h, N, d) → (k, h/k, N, d), a view: the heads that share keys side by side."""
    groups, (_, _, count, width) = keys.shape[1], heads.shape
    _, by_head, by_place, by_width = heads.stride()
    each = heads.shape[1] // groups
    return heads.as_strided((groups, each, count, width), (each * by_head, by_head, by_place, by_width))


def _rows(grouped: Tensor, block: slice) -> Tensor:
    """(k, h/k, N, d) → (k, h/k · m, d): a block's queries, those of all heads that share keys."""
    return grouped[:, :, block].flatten(1, 2)


def _chances(queries: Tensor, keys: Tensor, block: slice, scale: float) -> Tensor:
    """The softmax of a block's scores: queries (k, h/k · m, d), keys (k, L, d), of which the last m are the block's own
    → (k, h/k · m, L).
    """
    size = block.stop - block.start
    scores = torch.baddbmm(queries.new_zeros(()), queries, keys.mT, beta=0, alpha=scale)
    own = scores.view(len(scores), -1, size, scores.shape[2])[..., -size:]
    own.masked_fill_(_later(BLOCK)[:size, :size], -torch.inf)
    return torch.softmax(scores, -1)


@cache
def _later(size: int) -> Tensor:
    """(size, size) bool: True where a key of the block stands behind the query."""
    return torch.ones((size, size), dtype=torch.bool).triu_(1)


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
