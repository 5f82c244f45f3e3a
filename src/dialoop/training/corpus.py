"""The text of pretraining as token ids: conversations encoded whole, cut at turns where too long, drawn in a mixture.

It knows conversations and a tokenizer; not the model. What is drawn depends on the recipe's seed alone, so a resumed
run sees the batches that it would have seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dialoop.conversation import Conversation
from dialoop.training.packing import Packed, lay_out, pack

Ids = NDArray[np.uint16]


def plain_messages(conversation: Conversation) -> list[dict[str, object]]:
    """The messages as chat templates want them: call arguments as objects, absent fields left out."""
    messages = []
    for message in conversation.messages:
        plain = message.model_dump(exclude_none=True, exclude={"weight", "rejected"})
        for call in plain.get("tool_calls", []):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        messages.append(plain)
    return messages


def first_turns(ids: Ids, starts: list[int], width: int) -> Ids:
    """As many turns from the beginning as fit `width` tokens. Later turns are left out: they lean on earlier ones.

    `starts` are the offsets of turns. A first turn that does not fit is cut, the one place where a turn is broken.
    """
    if len(ids) <= width:
        return ids
    fitting = [start for start in starts[1:] if start <= width]
    return ids[: fitting[-1] if fitting else width]


def answers(ids: Ids, begin: int, end: int) -> list[bool]:
    """Which tokens an assistant writes: those behind each `begin`, up to and with the next `end`."""
    inside, marks = False, []
    for token in ids.tolist():
        marks.append(inside)
        inside = token == begin or (inside and token != end)
    return marks


class Mixture:
    """Draws packed batches from several sources, each by its weight in tokens, in a new shuffled order every epoch."""

    def __init__(
        self, sources: dict[str, list[Ids]], mix: dict[str, float], *, width: int, rows: int, seed: str
    ) -> None:
        total = sum(mix.values())
        self._shares = {name: weight / total for name, weight in mix.items() if weight > 0}
        self._sources = sources
        self._width, self._rows, self._seed = width, rows, seed
        self._drawn = dict.fromkeys(self._shares, 0)
        self._orders = {name: self._order(name) for name in self._shares}
        self._waiting: list[Ids] = []

    def __iter__(self) -> Iterator[list[list[Ids]]]:
        """Endless batches, each as rows of sentences; `batch()` lays one out."""
        wanted = self._rows * self._width
        while True:
            pool = self._waiting
            size = sum(map(len, pool))
            while size < 1.3 * wanted:
                piece = self._draw()
                pool.append(piece)
                size += len(piece)
            rows = pack([len(piece) for piece in pool], self._width)
            rows.sort(key=lambda row: -sum(len(pool[i]) for i in row))
            chosen = [[pool[i] for i in row] for row in rows[: self._rows]]
            self._waiting = [pool[i] for row in rows[self._rows :] for i in row]
            yield chosen

    def batch(self, rows: list[list[Ids]], targets: Callable[[Ids], list[bool]] | None = None) -> Packed:
        """The rows as a batch; targets are what `targets` says, else every token but the first of a sentence."""
        marks = targets or (lambda ids: [True] * len(ids))
        return lay_out([[(ids.tolist(), marks(ids)) for ids in row] for row in rows], self._width)

    def _draw(self) -> Ids:
        done = sum(self._drawn.values()) + 1
        name = max(self._shares, key=lambda n: self._shares[n] - self._drawn[n] / done)
        piece = next(self._orders[name])
        self._drawn[name] += len(piece)
        return piece

    def _order(self, name: str) -> Iterator[Ids]:
        epoch = 0
        while True:
            order = list(range(len(self._sources[name])))
            Random(f"{self._seed}/{name}/{epoch}").shuffle(order)
            yield from (self._sources[name][i] for i in order)
            epoch += 1


def encode_all(
    conversations: Iterable[Conversation], tokenizer: Any, start_ids: set[int]
) -> Iterator[tuple[Ids, list[int]]]:
    """For each conversation its ids and the offsets where turns other than the system's begin.

    `tokenizer` is a transformers tokenizer with a chat template; `start_ids` are the ids that open such a turn.
    """
    waiting = iter(conversations)
    while some := list(islice(waiting, 256)):
        texts = [
            tokenizer.apply_chat_template(plain_messages(one), tools=one.tools or None, tokenize=False) for one in some
        ]
        for one in tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]:
            ids = np.asarray(one, dtype=np.uint16)
            yield ids, [int(i) for i in np.flatnonzero(np.isin(ids, list(start_ids)))]
