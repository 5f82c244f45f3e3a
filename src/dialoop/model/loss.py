"""Negative log-likelihood at targets only, without the logits of a whole batch: exact, in chunks.

Only hidden states that predict a target meet the output matrix, a chunk at a time, and the gradient is taken in the
same pass (the idea of Liger Kernel's fused linear cross-entropy, Hsu et al. 2024, in plain PyTorch). It does not know
text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dialoop.model.segments import segment_states, takes_segments

CHUNK_LOGITS = 1 << 25
"""Logits at once: 128 MB in float32. A chunk has as many targets as fit, and at least one."""
CHUNK_TARGETS = 512
"""Targets of a chunk at most: with a small vocabulary their logits stay in the processor's cache."""


class _LinearNll(torch.autograd.Function):
    """Sum of -log softmax(hidden · weightᵀ + bias)[label]; gradients are made on the way forward."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        labels: Tensor,
        counts: Tensor | None,
        spared: Tensor | None,
    ) -> Tensor:
        """hidden (N, H), weight (V, H), bias (V,) or None, labels (N,), counts (N,) or None, spared (K,) or None →
        scalar in at least float32.
        """
        wide = torch.promote_types(hidden.dtype, torch.float32)
        wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        grad_hidden = torch.empty_like(hidden) if wants_hidden else None
        grad_weight = (
            torch.zeros_like(weight, dtype=torch.promote_types(weight.dtype, torch.float32)) if wants_weight else None
        )
        grad_bias = torch.zeros_like(bias, dtype=wide) if wants_bias and bias is not None else None
        total = torch.zeros((), dtype=wide, device=hidden.device)
        matrix = weight.to(hidden.dtype)
        chunk = _targets_at_once(weight)
        for start in range(0, hidden.shape[0], chunk):
            rows = hidden[start : start + chunk]
            wanted = labels[start : start + chunk, None]
            logits = F.linear(rows, matrix, None if bias is None else bias.to(hidden.dtype)).to(wide)
            chances = torch.log_softmax(logits, dim=1)
            said = chances.gather(1, wanted)
            each = None if counts is None else counts[start : start + chunk, None].to(wide)
            total -= (said if each is None else said * each).sum()
            if not (wants_hidden or wants_weight or wants_bias):
                continue
            slope = chances.exp_()
            slope.scatter_add_(1, wanted, torch.full_like(wanted, -1, dtype=wide))
            if each is not None:
                slope *= each
            if grad_bias is not None:
                grad_bias += slope.sum(0)
            slope = slope.to(hidden.dtype)
            if grad_hidden is not None:
                grad_hidden[start : start + chunk] = slope @ matrix
            if grad_weight is not None:
                grad_weight += slope.T @ rows
        for grad in (grad_weight, grad_bias):
            if grad is not None and spared is not None:
                grad[spared] = 0
        ctx.save_for_backward(grad_hidden, grad_weight, grad_bias)
        ctx.dtypes = (weight.dtype, None if bias is None else bias.dtype)
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor | None, ...]:
        """The kept gradients, times the gradient of the sum."""
        (factor,) = outputs
        grad_hidden, grad_weight, grad_bias = ctx.saved_tensors
        weight_dtype, bias_dtype = ctx.dtypes
        return (
            None if grad_hidden is None else grad_hidden * factor.to(grad_hidden.dtype),
            None if grad_weight is None else (grad_weight * factor).to(weight_dtype),
            None if grad_bias is None else (grad_bias * factor).to(bias_dtype),
            None,
            None,
            None,
        )


def _targets_at_once(weight: Tensor) -> int:
    return max(1, min(CHUNK_TARGETS, CHUNK_LOGITS // weight.shape[0]))


def linear_nll(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    labels: Tensor,
    counts: Tensor | None = None,
    spared: Tensor | None = None,
) -> Tensor:
    """Sum over N of -log softmax(hidden · weightᵀ + bias)[label], each `counts` times; a scalar, differentiable once.

    hidden (N, H); weight (V, H); bias (V,) or None; labels (N,) int64 in [0, V); counts (N,), or None: once. Never
    holds more than `CHUNK_LOGITS` logits. Without counts it equals `F.cross_entropy(F.linear(...), labels,
    reduction="sum")`; rows `spared` (K,) int64 of weight and bias get no gradient.
    """
    total = _LinearNll.apply(hidden, weight, bias, labels, counts, spared)  # type: ignore[no-untyped-call]
    assert isinstance(total, Tensor)
    return total


def target_nll(model: nn.Module, inputs: dict[str, Tensor], targets: Tensor, counts: Tensor | None = None) -> Tensor:
    """Sum of the negative log-likelihoods (nats) of the target tokens, a scalar; divide by their number for the mean.

    `inputs` as the model takes them: input_ids (B, T) and, where wanted, attention_mask, position_ids; or, where
    `takes_rows(model)`, a row of segments (`dialoop.model.segments`). targets (B, T) bool: True where input_ids[b, t]
    must be predicted from what is before it; the first column is never one, nor the first token of a segment. counts
    (B, T): how often a target is counted; None: once.
    """
    wanted = targets[:, 1:]
    labels = inputs["input_ids"][:, 1:][wanted]
    each = None if counts is None else counts[:, 1:][wanted]
    if not _is_plain(model):
        logits = model(**inputs, use_cache=False).logits[:, :-1][wanted]
        found = -_log_probs(logits, labels)
        return found.sum() if each is None else (found * each.to(found.dtype)).sum()
    causal = _causal(model)
    if "segments" in inputs:
        states = segment_states(causal, inputs)
    else:
        states = causal.base_model(**inputs, use_cache=False).last_hidden_state
    output = causal.get_output_embeddings()
    return linear_nll(states[:, :-1][wanted], output.weight, output.bias, labels, each, _spared.get(causal))


_spared: WeakKeyDictionary[nn.Module, Tensor] = WeakKeyDictionary()


def spare_rows(model: nn.Module, taught: Iterable[int]) -> int:
    """From now on `target_nll` moves no output row but those of the tokens `taught`; gives how many rows it spares.

    A token that is hardly ever a target is wrong at all others, each time by next to nothing; an optimiser that takes
    steps of one size for any gradient makes much of it, and a name that is spelt with the token can never be said
    again. Loss and all other gradients stay as they are. 0 where the output is not a plain matrix of the model, or is
    not trained.
    """
    if not _is_plain(model):
        return 0
    causal = _causal(model)
    weight = causal.get_output_embeddings().weight
    if not weight.requires_grad:
        return 0
    rows = torch.ones(weight.shape[0], dtype=torch.bool)
    rows[torch.tensor(sorted(set(taught)), dtype=torch.long)] = False
    _spared[causal] = rows.nonzero()[:, 0].to(weight.device)
    return int(rows.sum())


def takes_rows(model: nn.Module) -> bool:
    """Whether `target_nll` takes rows of segments for this model, which are exact and faster; tried once."""
    return _is_plain(model) and takes_segments(model, _causal(model))


def answer_log_probs(model: nn.Module, inputs: dict[str, Tensor], targets: Tensor) -> Tensor:
    """For each row the sum of log p (nats) of its target tokens, (B,), in at least float32.

    `inputs` and `targets` (B, T) as `target_nll` takes them; minus the sum over rows equals it. Only positions before
    a target meet the output matrix, and where these are many, their logits are made again on the way back.
    """
    wanted = targets[:, 1:]  # (B, T-1)
    labels = inputs["input_ids"][:, 1:][wanted]  # (N,)
    rows = wanted.nonzero()[:, 0]  # (N,)
    if _is_plain(model):
        causal = _causal(model)
        hidden = causal.base_model(**inputs, use_cache=False).last_hidden_state[:, :-1][wanted]  # (N, H)
        output = causal.get_output_embeddings()
        each = _in_chunks(hidden, output.weight, output.bias, labels)
    else:
        each = _log_probs(model(**inputs, use_cache=False).logits[:, :-1][wanted], labels)
    return torch.zeros(targets.shape[0], dtype=each.dtype, device=each.device).index_add(0, rows, each)


def _in_chunks(hidden: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor) -> Tensor:
    """hidden (N, H) → log p of each label, (N,); at most `CHUNK_LOGITS` logits are held at once."""
    chunk = _targets_at_once(weight)
    if len(labels) <= chunk:
        return _linear_log_probs(hidden, weight, bias, labels)
    parts = [
        checkpoint(
            _linear_log_probs,
            hidden[start : start + chunk],
            weight,
            bias,
            labels[start : start + chunk],
            use_reentrant=False,
        )
        for start in range(0, len(labels), chunk)
    ]
    return torch.cat(parts)


def _linear_log_probs(hidden: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor) -> Tensor:
    return _log_probs(F.linear(hidden, weight, bias), labels)


def _log_probs(logits: Tensor, labels: Tensor) -> Tensor:
    wide = torch.promote_types(logits.dtype, torch.float32)
    return -F.cross_entropy(logits.to(wide), labels, reduction="none")


def _causal(model: Any) -> Any:
    """The transformers model inside `model` (PEFT wraps it)."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


_plain: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def _is_plain(model: nn.Module) -> bool:
    """Whether the logits are the output matrix times the last hidden state and no more; tried once with two tokens.

    Models that cap or scale their logits, or whose output matrix is wrapped, are not; they take the full-logits way.
    """
    if model not in _plain:
        _plain[model] = _try_plain(model)
    return _plain[model]


def _try_plain(model: nn.Module) -> bool:
    causal = _causal(model)
    output = causal.get_output_embeddings()
    if type(output) is not nn.Linear:
        return False
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), torch.autocast(output.weight.device.type, enabled=False):
            ids = torch.tensor([[1, 2]], device=output.weight.device)
            hidden = causal.base_model(input_ids=ids, use_cache=False).last_hidden_state
            wide = torch.promote_types(output.weight.dtype, torch.float32)
            return torch.allclose(
                output(hidden).to(wide), model(input_ids=ids, use_cache=False).logits.to(wide), rtol=1e-3, atol=1e-5
            )
    finally:
        model.train(was_training)
