"""What a round trains on: old data, what earlier rounds learnt, and what is new; and what of the new it measures on.

Old data keeps a model from forgetting what it could (rehearsal, Robins 1995). Nothing that stands in the frozen test is
in it. It knows records and files of them, no store and no model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dialoop.conversation import Conversation, read_conversations
from dialoop.conversation.likeness import conversation_key
from dialoop.learning.protecting import Protection, protected_record

FEWEST_FRESH = 10
"""New conversations, never learnt from before, from which on a part of them is measured on."""


@dataclass(frozen=True)
class Old:
    """The old data that is mixed in, protected; of how many; how many stand in the test; how many messages changed."""

    conversations: list[Conversation]
    of: int
    in_test: int
    protected_now: int


@dataclass(frozen=True)
class Mixture:
    """What is trained on and what is measured on; `counts` by where it comes from."""

    train: list[Conversation]
    fresh: list[Conversation]
    counts: dict[str, int]


def old_data(
    paths: Iterable[Path], most: int, protection: Protection, test_ids: frozenset[str], test_keys: frozenset[str]
) -> Old:
    """The old data: at most `most` conversations, chosen by hash. Raises DataError for a file that cannot be used."""
    found: dict[str, Conversation] = {}
    count = in_test = 0
    for path in paths:
        for conversation in read_conversations(path):
            count += 1
            key = conversation_key(conversation)
            if conversation.id in test_ids or key in test_keys:
                in_test += 1
            else:
                found.setdefault(key, conversation)
    chosen = sorted(found.values(), key=lambda one: _rank(one.id))[:most]
    house = Protection(finders=protection.finders, house=protection.house, keys=protection.keys)
    done = [protected_record(conversation, house) for conversation in chosen]
    return Old([one for one, _ in done], count, in_test, sum(changed for _, changed in done))


def mixed(
    old: Sequence[Conversation],
    learnt: Mapping[str, Conversation],
    new: Sequence[Conversation],
    fresh: float,
    known: Collection[str] = (),
) -> Mixture:
    """All together, each id and each text once: what is new stands before what was learnt, and that before old data.

    `known`: the ids of what any round learnt from before; such a one may be new again, and is not measured on.
    """
    fresh_ids = _fresh([one for one in new if one.id not in known], fresh)
    chosen: dict[str, Conversation] = {}
    ids = {conversation.id for conversation in new}
    counts = {"new": len(new) - len(fresh_ids), "fresh": len(fresh_ids), "earlier rounds": 0, "old": 0}
    held = {conversation_key(conversation) for conversation in new if conversation.id in fresh_ids}
    for conversation in new:
        if conversation.id not in fresh_ids:
            chosen[conversation_key(conversation)] = conversation
    for name, some in (("earlier rounds", list(learnt.values())), ("old", old)):
        for conversation in some:
            key = conversation_key(conversation)
            if conversation.id in ids or key in chosen or key in held:
                continue
            ids.add(conversation.id)
            chosen[key] = conversation
            counts[name] += 1
    return Mixture(list(chosen.values()), [one for one in new if one.id in fresh_ids], counts)


def _fresh(new: Sequence[Conversation], share: float) -> set[str]:
    if len(new) < FEWEST_FRESH or not share:
        return set()
    ordered = sorted(new, key=lambda conversation: _rank(conversation.id))
    return {conversation.id for conversation in ordered[: round(len(new) * share)]}


def _rank(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
