"""Chooses conversations by hash: the same few on every machine, whatever their order. Knows only ids."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from dialoop.conversation import Conversation


def by_hash(conversations: Sequence[Conversation], limit: int | None, seed: int) -> list[Conversation]:
    """At most `limit` conversations, those whose seeded SHA-256 comes first, in their order in the file."""
    if limit is None or limit >= len(conversations):
        return list(conversations)
    ranked = sorted(range(len(conversations)), key=lambda i: (_digest(seed, conversations[i].id), i))
    return [conversations[i] for i in sorted(ranked[:limit])]


def _digest(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
