"""Chooses conversations or texts by hash: the same few on every machine, whatever their order. Knows ids and texts."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from dialoop.conversation import Conversation, Example

Item = TypeVar("Item", Conversation, Example)


@dataclass(frozen=True)
class Sample(Generic[Item]):
    """What was chosen, in its order in the file, and of how many."""

    chosen: list[Item]
    given: int


def by_hash(items: Iterable[Item], limit: int | None, seed: int) -> Sample[Item]:
    """At most `limit` of them, those whose seeded SHA-256 comes first; no more than so many are held in memory.

    What is hashed is the id; of a labelled text without one, the text.
    """
    kept: list[tuple[int, int, Item]] = []  # a heap, the last digest on top
    given = 0
    for number, item in enumerate(items):
        given += 1
        entry = (-_digest(seed, _key(item)), -number, item)
        if limit is None or len(kept) < limit:
            heapq.heappush(kept, entry)
        else:
            heapq.heappushpop(kept, entry)
    return Sample([item for _, _, item in sorted(kept, key=lambda entry: -entry[1])], given)


def _key(item: Conversation | Example) -> str:
    return item.id or item.text if isinstance(item, Example) else item.id


def _digest(seed: int, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest())
