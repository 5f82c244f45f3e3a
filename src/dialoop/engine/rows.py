"""The keys and values of running answers, one row an answer, and the model that extends them.

Each row stands at the left of its buffer and grows to the right, so nothing is padded and nothing moves when an answer
joins or leaves. Answers that are being said are rows 0 to `active - 1`; one more row may be filling with its prompt;
the rows behind are of answers that have ended: a new prompt that begins as any of the rows does copies that beginning
instead of computing it. It knows token ids and logits, not text, requests or sampling.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

from dialoop.errors import ModelError

KEPT_ROWS = 4
"""How many rows are held beyond those that run, for the beginnings that they share with prompts to come."""


class _Spot:
    """Where the next forward pass writes and how far it reads: rows [first, last), `positions` (B, T), `length`."""

    def __init__(self) -> None:
        self.first, self.last, self.length = 0, 0, 0
        self.positions = torch.zeros(0, 0, dtype=torch.long)
        self.rows, self.tokens = 1, 1  # the size of the buffers


class _Layer(CacheLayerMixin):  # type: ignore[no-untyped-call]  # transformers leaves __init_subclass__ untyped
    """One layer's keys and values, (rows, heads, tokens, width) each."""

    is_sliding = False

    def __init__(self, spot: _Spot) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.spot = spot
        self.buffers: list[Tensor] = []  # keys, values

    def reserve(self, *like: Tensor) -> None:
        """Makes the buffers as large as the spot asks for; `like`: keys and values of any length, if there are none."""
        size = (self.buffers[0].shape[0], self.buffers[0].shape[2]) if self.buffers else (0, 0)
        if (like or self.buffers) and (size[0] < self.spot.rows or size[1] < self.spot.tokens):
            self.lazy_initialization(*(like or self.buffers))

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Makes or enlarges the buffers to the size that the spot asks for."""
        old, self.buffers = self.buffers, []
        for number, like in enumerate((key_states, value_states)):
            new = like.new_zeros(self.spot.rows, like.shape[1], self.spot.tokens, like.shape[3])
            if old:
                new[: old[number].shape[0], :, : old[number].shape[2]] = old[number]
            self.buffers.append(new)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Writes the new keys and values (B, heads, T, width) and gives all of these rows up to the spot's length."""
        spot = self.spot
        self.reserve(key_states, value_states)
        found = []
        for buffer, new in zip(self.buffers, (key_states, value_states), strict=True):
            rows = buffer[spot.first : spot.last]
            if new.shape[2] == 1:
                rows[torch.arange(len(rows), device=rows.device), :, spot.positions[:, 0]] = new[:, :, 0]
            else:
                start = spot.length - new.shape[2]
                rows[:, :, start : spot.length] = new
            found.append(rows[:, :, : spot.length])
        return found[0], found[1]

    def get_seq_length(self) -> int:
        """The length that the running forward pass reads."""
        return self.spot.length

    def get_max_length(self) -> int:
        """No bound of its own."""
        return -1

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """The whole length, from the first token on."""
        return self.spot.length, 0

    def copy(self, source: int, target: int, length: int) -> None:
        """Copies the first `length` tokens of a row to another row."""
        for buffer in self.buffers:
            buffer[target, :, :length] = buffer[source, :, :length]

    def swap(self, one: int, other: int, length: int) -> None:
        """Exchanges the first `length` tokens of two rows."""
        for buffer in self.buffers:
            here, there = buffer[one, :, :length], buffer[other, :, :length]
            kept = here.clone()
            here.copy_(there)
            there.copy_(kept)


class Rows:
    """Rows of one model. `align`: a beginning is shared in steps of so many tokens (1: as far as it goes)."""

    def __init__(self, model: nn.Module, max_rows: int, *, align: int = 1) -> None:
        config: Any = model.config
        if getattr(config, "is_encoder_decoder", False):
            raise ModelError(f"{type(model).__name__} is an encoder-decoder: the engine serves decoder-only models")
        self.model = model
        self.max_rows = max_rows
        self.align = align
        self.active = 0
        self.filling = False
        self._spot = _Spot()
        self._layers = [_Layer(self._spot) for _ in range(config.num_hidden_layers)]
        self._cache = Cache(layers=[*self._layers])
        self._held: list[list[int]] = [[] for _ in range(max_rows + KEPT_ROWS)]
        self._last_used = [0] * len(self._held)
        self._clock = 0
        self._device = next(model.parameters()).device
        self._dtype = next(model.parameters()).dtype
        self._sliding = _sliding_window(config)
        self._kinds = sorted(set(getattr(config, "layer_types", None) or ()))
        if not set(self._kinds) <= {"full_attention", "sliding_attention"}:
            raise ModelError(f"the layers {self._kinds} of {type(model).__name__} are not served: only attention is")

    def begin(self, ids: list[int]) -> int:
        """Takes a row for a prompt; gives how many of its first tokens need not be computed (at most all but one)."""
        if self.filling or self.active >= self.max_rows:
            raise RuntimeError("no row is free")
        source, shared = self._longest_shared(ids)
        shared = min(shared, len(ids) - 1) // self.align * self.align
        target = self.active
        taken = self._row_to_take(source, shared)
        self._reserve(max(taken, target) + 1, max(len(ids), self._spot.length))
        if taken != target:
            self._swap(taken, target)
            source = target if source == taken else taken if source == target else source
        if shared and source != target:
            for layer in self._layers:
                layer.copy(source, target, shared)
        self._clock += 1
        self._last_used[source] = self._last_used[target] = self._clock
        self._held[target] = ids[:shared]
        self.filling = True
        return shared

    def fill(self, ids: list[int]) -> Tensor:
        """Extends the row that `begin` took; gives the logits (V,) after the last of `ids`."""
        row, start = self.active, len(self._held[self.active])
        positions = torch.arange(start, start + len(ids), device=self._device)[None]
        logits = self._forward(row, row + 1, torch.tensor([ids], device=self._device), positions)
        self._held[row] += ids
        return logits[0]

    def admit(self) -> int:
        """The filled row becomes active; gives its number."""
        self.filling = False
        self.active += 1
        return self.active - 1

    def abandon(self) -> None:
        """Gives up the row that is filling."""
        self.filling = False

    def step(self, tokens: list[int]) -> Tensor:
        """Appends one token to each active row; gives the logits (active, V)."""
        positions = torch.tensor([[len(held)] for held in self._held[: self.active]], device=self._device)
        logits = self._forward(0, self.active, torch.tensor(tokens, device=self._device)[:, None], positions)
        for held, token in zip(self._held, tokens, strict=False):
            held.append(token)
        return logits

    def drop(self, row: int) -> None:
        """Ends an active row: the last active row takes its number."""
        last = self.active - 1
        if row != last:
            self._swap(row, last)
        if self.filling:
            self._swap(last, last + 1)
        self._clock += 1
        self._last_used[last + 1 if self.filling else last] = self._clock
        self.active = last

    def _row_to_take(self, source: int, shared: int) -> int:
        """The row that a new prompt may overwrite: the source if most of it is shared, an empty one, or the oldest."""
        if source >= self.active and 2 * shared >= len(self._held[source]) > 0:
            return source
        rows = range(self.active, len(self._held))
        return min(rows, key=lambda row: (bool(self._held[row]), self._last_used[row]))

    def _reserve(self, rows: int, length: int) -> None:
        """Enlarges the buffers to hold `rows` rows of `length` tokens, by doubling."""
        spot = self._spot
        spot.rows = max(spot.rows, min(1 << (rows - 1).bit_length(), len(self._held)))
        spot.tokens = max(spot.tokens, 1 << (length - 1).bit_length())
        for layer in self._layers:
            layer.reserve()

    def _longest_shared(self, ids: list[int]) -> tuple[int, int]:
        """The row that begins most like `ids`, and how many tokens they share."""
        lengths = [_shared(held, ids) for held in self._held]
        row = max(range(len(lengths)), key=lengths.__getitem__)
        return row, lengths[row]

    def _swap(self, one: int, other: int) -> None:
        length = max(len(self._held[one]), len(self._held[other]))
        if length:
            for layer in self._layers:
                layer.swap(one, other, length)
        self._held[one], self._held[other] = self._held[other], self._held[one]
        self._last_used[one], self._last_used[other] = self._last_used[other], self._last_used[one]

    def _forward(self, first: int, last: int, ids: Tensor, positions: Tensor) -> Tensor:
        """The logits (B, V) after the last of `ids` (B, T), which stand at `positions` (B, T) of rows [first, last)."""
        spot = self._spot
        length = int(positions.max()) + 1
        spot.first, spot.last, spot.length, spot.positions = first, last, length, positions
        self._reserve(last, length)
        output = self.model(
            input_ids=ids,
            attention_mask=self._mask(positions, length),
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[:, -1]
        return logits

    def _mask(self, positions: Tensor, length: int) -> Any:
        """What is added to attention (B, 1, T, length): 0 where a token sees, the lowest number where it does not."""
        keys = torch.arange(length, device=self._device)
        seen = keys[None, None, :] <= positions[:, :, None]
        near = seen & (keys[None, None, :] > positions[:, :, None] - self._sliding) if self._sliding else seen
        if "sliding_attention" in self._kinds:
            return {"full_attention": self._added(seen), "sliding_attention": self._added(near)}
        return self._added(seen if self._kinds else near)

    def _added(self, seen: Tensor) -> Tensor:
        hidden = torch.zeros(seen.shape, dtype=self._dtype, device=self._device)
        return hidden.masked_fill(~seen, torch.finfo(self._dtype).min)[:, None]


def _sliding_window(config: Any) -> int:
    """How many tokens back a sliding layer sees; 0: all."""
    return int(getattr(config, "sliding_window", None) or 0) if getattr(config, "use_sliding_window", True) else 0


def _shared(one: list[int], other: list[int]) -> int:
    """How many tokens two lists have in common at their beginnings; by halving, since slices compare fast."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
