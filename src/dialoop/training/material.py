"""What a run learns from: a file is read and parted, and its records become samples of the head that fits them.

Whatever is not taught (turns beyond the window, answers that do not fit, texts that are cut) is counted. It knows
files, heads and tokenizers; no weights.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, overload

import numpy as np

from dialoop.conversation import (
    OUT_OF_SCOPE,
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
from dialoop.training.lessons import LESSONS, lesson_for
from dialoop.training.settings import MOST_HELD_OUT, TuneSettings
from dialoop.training.side import Counts, Side, naming


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
    """The records to train on and those held out: a share by hash, or those of a file (then given as well).

    Texts labelled `out_of_scope` are all held out: there is no end to what an agent is not for, and a class of it would
    learn the few that are here.
    """
    items: Sequence[Any] = records.conversations or records.examples
    share = _share(held_out, len(items))
    if share is not None:
        if records.conversations:
            return split_conversations(records.conversations, held_out=share, seed=seed), None
        return _without_others(split_examples(records.examples, held_out=share, seed=seed)), None
    assert held_out is not None
    other = read_records(Path(held_out))
    kind = "conversations" if records.conversations else "labelled texts"
    others = other.conversations if records.conversations else other.examples
    if not others:
        raise DataError(f"it holds no {kind}, and {records.path} does", where=held_out, remedy="give the same kind")
    parted: Split[Any] = Split(list(items), list(others))
    return (parted if records.conversations else _without_others(parted)), other


def _without_others(split: Split[Example]) -> Split[Example]:
    strange = [one for one in split.train if one.label == OUT_OF_SCOPE]
    if not strange:
        return split
    told = f"{len(strange)} texts labelled {OUT_OF_SCOPE} are held out and not learnt: they are to choose a threshold"
    return Split(
        [one for one in split.train if one.label != OUT_OF_SCOPE],
        [*split.held_out, *strange],
        f"{split.note}; {told}" if split.note else told,
    )


def choose_head(records: Records, wanted: str, train: Sequence[Any], settings: TuneSettings | None = None) -> Head:
    """The head that the data calls for, or the one that was asked for if the data can teach it. Raises DataError."""
    if records.conversations:
        if wanted not in ("auto", "generate"):
            raise _other(records, wanted, "labelled texts", "conversations")
        return Head()
    if wanted == "generate":
        raise _other(records, wanted, "conversations", "labelled texts")
    if settings is not None and (settings.fresh_values or settings.look_answers or settings.template != "auto"):
        what = "fresh_values, look_answers and template belong to conversations, and this file holds labelled texts"
        raise SettingsError(what, where=records.path, remedy="leave --fresh-values, --look-answers and --template out")
    kinds = Counter(example.kind for example in train)
    name, lesson = lesson_for(wanted, kinds, records.path)
    return lesson.head(name, train, settings or TuneSettings(), records.path)


def _other(records: Records, wanted: str, needed: str, held: str) -> DataError:
    what = f"the head {wanted} learns from {needed}, and this file holds {held}"
    return DataError(what, where=records.path, remedy=f"leave --head out, or give {needed}")


def samples_of(records: Sequence[Any], base: Base, window: int) -> Side:
    """The samples of `records` for the base's head, each at most `window` tokens."""
    if base.head.kind == "generate":
        return _sentences(records, base, window)
    return LESSONS[base.head.kind].samples(records, base, window)


def _sentences(conversations: Sequence[Conversation], base: Base, window: int) -> Side:
    side = Side(counts=Counts(records=len(conversations)))
    counts = side.counts
    for conversation in conversations:
        with naming(conversation):
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
    truth = np.asarray(sentence.targets, dtype=np.bool_)
    begins = truth & ~np.concatenate([[False], truth[:-1]])
    deeds = truth & (begins | np.asarray(sentence.calls, dtype=np.bool_))
    return Sample(np.asarray(sentence.ids, dtype=np.int32), truth, deeds=deeds)


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
