"""What one side of the split has become: samples, and counts of all that is not taught as it stood. Plain data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dialoop.conversation import Conversation
from dialoop.errors import DataError, ModelError
from dialoop.training.batches import Sample


@dataclass
class Counts:
    """What became of one side of the data. `tokens` and `targets` are of all samples together.

    Of the samples: `pairs` hold an answer against another; `liked` and `disliked` are answers that people judged, of
    them `unmatched` without another prompt's answer beside them.
    """

    records: int = 0
    samples: int = 0
    pairs: int = 0
    liked: int = 0
    disliked: int = 0
    unmatched: int = 0
    tokens: int = 0
    targets: int = 0
    turns_left_out: int = 0
    answers_lost: int = 0
    without_targets: int = 0
    texts_cut: int = 0
    unknown_labels: int = 0
    texts_in_windows: int = 0
    spans_overlapping: int = 0
    spans_inexact: int = 0


@dataclass(frozen=True)
class Side:
    """The samples of one side of the split, and what became of its records.

    `origins`: for each sample of `generate`, its conversation and the sample's number among that conversation's.
    """

    samples: list[Sample] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    origins: list[tuple[Conversation, int]] = field(default_factory=list)


@contextmanager
def naming(conversation: Conversation) -> Iterator[None]:
    """What is refused within names the conversation."""
    try:
        yield
    except (DataError, ModelError) as error:
        what = f"conversation {conversation.id}: {error.what}"
        raise type(error)(what, where=error.where, remedy=error.remedy) from error
