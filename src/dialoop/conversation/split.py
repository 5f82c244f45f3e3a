"""Parts data into what is trained on and what is held out: by hash, so that it comes out the same each time.

What belongs together stays on one side: a conversation, all conversations of a customer, all records that count as the
same text. A record's side depends on the seed and on what it belongs to, not on its place in the file or on how many
others there are. It knows nothing of files.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dialoop.conversation.example import Example
from dialoop.conversation.likeness import conversation_key, text_key
from dialoop.conversation.record import Conversation
from dialoop.errors import SettingsError

FEWEST = 20
"""Below this many records all are trained on: one or two held out would measure nothing."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Split(Generic[Item]):
    """Both sides in the order in which they were given, and what a person should be told of it."""

    train: list[Item]
    held_out: list[Item]
    note: str | None = None


def split_conversations(
    conversations: Sequence[Conversation], *, held_out: float = 0.1, seed: int = 0
) -> Split[Conversation]:
    """Holds out about the share `held_out` (0–0.9) of the groups; at least one group if it is above 0.

    Below 20 conversations, or where all belong together, all are trained on and `note` says so.
    """
    _check_share(held_out)
    whole = _too_few(conversations, held_out, "conversations")
    if whole:
        return whole
    groups = _groups(conversations, _conversation_names)
    if len(set(groups)) == 1:
        reason = "all conversations belong to one customer or say the same"
        return Split(list(conversations), [], f"nothing is held out: {reason}, so a part of them would measure nothing")
    ranks = {group: _rank(group, seed) for group in groups}
    out = {group for group, rank in ranks.items() if rank < held_out}
    note = None
    if not out or len(out) == len(ranks):
        ordered = sorted(ranks, key=lambda group: (ranks[group], group))
        out = {ordered[0]} if not out else set(ordered[:-1])
        note = f"{len(ranks)} groups are too few to part by hash alone; {len(out)} held out"
    return _parted(conversations, [group in out for group in groups], note)


def split_examples(examples: Sequence[Example], *, held_out: float = 0.1, seed: int = 0) -> Split[Example]:
    """Like `split_conversations`, with each label, or set of labels, parted for itself, so that both sides are alike.

    Those too rare to have a text of their own held out are parted together. A label's only text is trained on.
    """
    _check_share(held_out)
    whole = _too_few(examples, held_out, "examples")
    if whole:
        return whole
    groups = _groups(examples, _example_names)
    strata: dict[Hashable, dict[str, None]] = defaultdict(dict)
    seen: set[str] = set()
    for example, group in zip(examples, groups, strict=True):
        if group not in seen:  # a text with two labels counts for the first, and stays whole
            seen.add(group)
            strata[_stratum(example)][group] = None
    out: set[str] = set()
    rare: dict[Hashable, list[str]] = {}
    for stratum, members in strata.items():
        ordered = sorted(members, key=lambda group: (_rank(group, seed), group))
        if len(ordered) * held_out < 1:
            rare[stratum] = ordered
        else:
            out.update(ordered[: min(round(len(ordered) * held_out), len(ordered) - 1)])
    out.update(_of_rare(rare, held_out, seed))
    if not out:
        return Split(list(examples), [], "nothing is held out: every label has one text only")
    return _parted(examples, [group in out for group in groups], _unmeasured(strata, out))


def _of_rare(rare: dict[Hashable, list[str]], held_out: float, seed: int) -> list[str]:
    """The share of all texts whose label, or set of labels, has too few for a share of its own: one of a label at most,
    and never its only one."""
    open_to = [
        group
        for stratum, ordered in rare.items()
        for group in (ordered if isinstance(stratum, tuple) else ordered[: min(1, len(ordered) - 1)])
    ]
    many = sum(map(len, rare.values()))
    count = min(max(1, round(many * held_out)), max(0, many - 1))
    return sorted(open_to, key=lambda group: (_rank(group, seed), group))[:count]


def _unmeasured(strata: dict[Hashable, dict[str, None]], out: set[str]) -> str | None:
    """How many labels have no text held out, and why."""
    without = [members for stratum, members in strata.items() if isinstance(stratum, str) and not members.keys() & out]
    single = sum(len(members) == 1 for members in without)
    told = [f"{single} labels have one text only"] if single else []
    told += [f"{len(without) - single} labels have too few texts for a share"] if len(without) > single else []
    return f"{' and '.join(told)} and are not measured" if told else None


def _check_share(held_out: float) -> None:
    if not 0 <= held_out <= 0.9:
        raise SettingsError(f"held_out is {held_out}", remedy="give a share from 0 to 0.9, e.g. 0.1")


def _too_few(items: Sequence[Item], held_out: float, noun: str) -> Split[Item] | None:
    if held_out == 0:
        return Split(list(items), [], "nothing is held out, as asked")
    if len(items) < FEWEST:
        return Split(list(items), [], f"all {len(items)} {noun} are trained on: nothing is held out below {FEWEST}")
    return None


def _parted(items: Sequence[Item], out: Sequence[bool], note: str | None) -> Split[Item]:
    train = [item for item, away in zip(items, out, strict=True) if not away]
    return Split(train, [item for item, away in zip(items, out, strict=True) if away], note)


def _stratum(example: Example) -> Hashable:
    if example.spans is not None:
        return tuple(sorted({span.label for span in example.spans}))
    return example.label if example.label is not None else example.labels


def _conversation_names(conversation: Conversation) -> list[str]:
    names = ["text " + conversation_key(conversation)]
    if conversation.customer is not None:
        names.append("customer " + conversation.customer)
    return names


def _example_names(example: Example) -> list[str]:
    names = ["text " + text_key(example.text)]
    if example.customer is not None:
        names.append("customer " + example.customer)
    if example.document is not None:
        names.append("document " + example.document)
    return names


def _groups(items: Sequence[Item], names_of: Callable[[Item], list[str]]) -> list[str]:
    """For each item the least name of all that is joined with it, directly or through others (union-find)."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    named = [names_of(item) for item in items]
    for names in named:
        roots = sorted({root(name) for name in names})
        for other in roots[1:]:
            parent[other] = roots[0]
    return [root(names[0]) for names in named]


def _rank(group: str, seed: int) -> float:
    """A number in [0, 1) that depends on the group and the seed alone."""
    digest = hashlib.sha256(f"{seed}\n{group}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)
