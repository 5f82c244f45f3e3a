"""Chooses conversations or texts by hash: the same few on every machine, whatever their order. Knows ids and texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from dialoop.conversation import Conversation, Example

Item = TypeVar("Item", Conversation, Example)


def by_hash(items: Sequence[Item], limit: int | None, seed: int) -> list[Item]:
    """At most `limit` of them, those whose seeded SHA-256 comes first, in their order in the file.

    What is hashed is the id; of a labelled text without one, the text.
    """
    if limit is None or limit >= len(items):
        return list(items)
    ranked = sorted(range(len(items)), key=lambda i: (_digest(seed, _key(items[i])), i))
    return [items[i] for i in sorted(ranked[:limit])]


def _key(item: Conversation | Example) -> str:
    return item.id or item.text if isinstance(item, Example) else item.id


def _digest(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
