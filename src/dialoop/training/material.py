"""What a run learns from: a file is read and parted, and its records become samples of the head that fits them.

Whatever is not taught (turns beyond the window, answers that do not fit, texts that are cut) is counted. It knows
files, heads and tokenizers; no weights.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, overload

import numpy as np

from dialoop.conversation import (
    Conversation,
    Example,
    Fault,
    Split,
    scan,
    split_conversations,
    split_examples,
    what_is,
)
from dialoop.errors import DataError, SettingsError
from dialoop.model import Base, Head, Sentence, sentences
from dialoop.training.batches import Sample
from dialoop.training.fresh_values import FreshValues
from dialoop.training.settings import MOST_HELD_OUT


@dataclass(frozen=True)
class Records:
    """What a file holds: conversations or labelled texts, never both. `sha256` of the file's bytes."""

    path: Path
    form: str
    sha256: str
    conversations: list[Conversation]
    examples: list[Example]

    def __len__(self) -> int:
        return len(self.conversations) + len(self.examples)


@dataclass
class Counts:
    """What became of one side of the data. `tokens` and `targets` are of all samples together."""

    records: int = 0
    samples: int = 0
    tokens: int = 0
    targets: int = 0
    turns_left_out: int = 0
    answers_lost: int = 0
    without_targets: int = 0
    texts_cut: int = 0
    unknown_labels: int = 0


@dataclass(frozen=True)
class Side:
    """The samples of one side of the split, and what became of its records.

    `origins`: for each sample of `generate`, its conversation and the sample's number among that conversation's.
    """

    samples: list[Sample] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    origins: list[tuple[Conversation, int]] = field(default_factory=list)


def read_records(path: Path) -> Records:
    """All records of a file. Raises DataError at its first fault, or where it holds both kinds or none."""
    form = str(what_is(path))
    conversations: list[Conversation] = []
    examples: list[Example] = []
    for record in scan(path):
        if isinstance(record, Fault):
            if record.level == "error":
                raise DataError(
                    record.reason,
                    where=record.place,
                    remedy=f"{record.remedy}; `dialoop check {path}` names every fault",
                )
        elif isinstance(record, Conversation):
            conversations.append(record)
        else:
            examples.append(record)
    if conversations and examples:
        what = f"{len(conversations)} conversations and {len(examples)} labelled texts in one file"
        raise DataError(what, where=path, remedy="give each kind a file and a run of its own")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Records(path, form, digest, conversations, examples)


def part(records: Records, held_out: str | None, seed: int) -> tuple[Split[Any], Records | None]:
    """The records to train on and those held out: a share by hash, or those of a file (then given as well)."""
    items: Sequence[Any] = records.conversations or records.examples
    share = _share(held_out, len(items))
    if share is not None:
        if records.conversations:
            return split_conversations(records.conversations, held_out=share, seed=seed), None
        return split_examples(records.examples, held_out=share, seed=seed), None
    assert held_out is not None
    other = read_records(Path(held_out))
    kind = "conversations" if records.conversations else "labelled texts"
    others = other.conversations if records.conversations else other.examples
    if not others:
        raise DataError(f"it holds no {kind}, and {records.path} does", where=held_out, remedy="give the same kind")
    return Split(list(items), list(others)), other


def choose_head(records: Records, wanted: str, train: Sequence[Any]) -> Head:
    """The head that the data calls for, or the one that was asked for if the data can teach it. Raises DataError."""
    found = "generate" if records.conversations else "classify"
    if wanted not in ("auto", found):
        kind = "conversations" if records.conversations else "labelled texts"
        needed = "labelled texts" if records.conversations else "conversations"
        raise DataError(
            f"the head {wanted} learns from {needed}, and this file holds {kind}",
            where=records.path,
            remedy=f"leave --head out, or give {needed}",
        )
    if found == "generate":
        return Head()
    kinds = Counter(example.kind for example in train)
    if set(kinds) - {"label", "labels"} or len(kinds) > 1:
        told = ", ".join(f"{count} with {kind}" for kind, count in kinds.items())
        raise DataError(
            f"classify learns from a label, or from labels, of every text; here are {told}",
            where=records.path,
            remedy="give texts with `label` (one each) or `labels` (any number each)",
        )
    multi = "labels" in kinds
    labels = {label for example in train for label in _labels(example)}
    if len(labels) < 2:
        only = next(iter(labels), "none")
        raise DataError(f"the only label is {only!r}", where=records.path, remedy="give texts of two or more labels")
    return Head(kind="classify", labels=tuple(sorted(labels)), multi_label=multi)


def samples_of(records: Sequence[Any], base: Base, window: int) -> Side:
    """The samples of `records` for the base's head, each at most `window` tokens."""
    if base.head.kind == "generate":
        return _sentences(records, base, window)
    return _texts(records, base, window)


def _sentences(conversations: Sequence[Conversation], base: Base, window: int) -> Side:
    side = Side(counts=Counts(records=len(conversations)))
    counts = side.counts
    for conversation in conversations:
        made = sentences(conversation.messages, conversation.tools, base.tokenizer, window=window)
        counts.turns_left_out += max((sentence.left_out for sentence in made), default=0)
        counts.answers_lost += sum(sentence.lost for sentence in made)
        taught = [sentence for sentence in made if any(sentence.targets)]
        counts.without_targets += not taught
        for number, sentence in enumerate(taught):
            sample = _sample(sentence)
            side.samples.append(sample)
            side.origins.append((conversation, number))
            counts.tokens += len(sample.ids)
            counts.targets += sample.count
    counts.samples = len(side.samples)
    return side


def _sample(sentence: Sentence) -> Sample:
    return Sample(np.asarray(sentence.ids, dtype=np.int32), np.asarray(sentence.targets, dtype=np.bool_))


class FreshSamples(Sequence[Sample]):
    """The samples of one epoch, each with fresh values, made when it is asked for.

    Drawn by seed, epoch and number alone, so a resumed run meets the same ones. A conversation that with other values
    comes apart into another number of samples stays as it is.
    """

    def __init__(self, side: Side, base: Base, window: int, values: FreshValues, *, seed: int, epoch: int) -> None:
        self._side, self._base, self._window, self._values = side, base, window, values
        self._drawn = f"{seed}/{epoch}"

    def __len__(self) -> int:
        return len(self._side.samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        conversation, number = self._side.origins[index]
        fresh = self._values.give(conversation, Random(f"{self._drawn}/{conversation.id or index}"))
        if fresh is conversation:
            return self._side.samples[index]
        made = sentences(fresh.messages, fresh.tools, self._base.tokenizer, window=self._window)
        taught = [sentence for sentence in made if any(sentence.targets)]
        if len(taught) != sum(one is conversation for one, _ in self._around(index)):
            return self._side.samples[index]
        return _sample(taught[number])

    def _around(self, index: int) -> list[tuple[Conversation, int]]:
        """The origins of all samples of this sample's conversation, which lie side by side."""
        conversation, number = self._side.origins[index]
        begin, end = index - number, index + 1
        while end < len(self._side.origins) and self._side.origins[end][0] is conversation:
            end += 1
        return self._side.origins[begin:end]


def _texts(examples: Sequence[Example], base: Base, window: int) -> Side:
    side = Side(counts=Counts(records=len(examples)))
    counts = side.counts
    numbers = {label: number for number, label in enumerate(base.head.labels)}
    for example in examples:
        wanted = _labels(example)
        if any(label not in numbers for label in wanted):
            counts.unknown_labels += 1
            continue
        ids = base.tokenizer(example.text, truncation=False, verbose=False)["input_ids"]
        if len(ids) > window:
            counts.texts_cut += 1
            ids = base.tokenizer(example.text, truncation=True, max_length=window)["input_ids"]
        if base.head.multi_label:
            truth = np.zeros(len(numbers), dtype=np.float32)
            truth[[numbers[label] for label in wanted]] = 1.0
            side.samples.append(Sample(np.asarray(ids, dtype=np.int32), truth))
        else:
            side.samples.append(Sample(np.asarray(ids, dtype=np.int32), np.asarray(numbers[wanted[0]], dtype=np.int64)))
        counts.tokens += len(ids)
    counts.samples = counts.targets = len(side.samples)
    return side


def _labels(example: Example) -> tuple[str, ...]:
    return (example.label,) if example.label is not None else tuple(example.labels or ())


def _share(held_out: str | None, records: int) -> float | None:
    """The share of records to hold out; None: `held_out` names a file."""
    if held_out is None:
        return min(0.1, MOST_HELD_OUT / max(1, records))
    try:
        share = float(held_out)
    except ValueError:
        if Path(held_out).is_file():
            return None
        raise SettingsError(
            f"held_out is {held_out!r}, which is neither a share nor a file",
            remedy="give a share from 0 to 0.9, or the path of a file",
        ) from None
    if not 0 <= share <= 0.9:
        raise SettingsError(f"held_out is {held_out}", remedy="give a share from 0 to 0.9, e.g. 0.1")
    return share
