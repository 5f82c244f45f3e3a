"""How labelled texts teach a head: which kind it learns from, what the head is to be, and the samples. `LESSONS` is the
seam for further heads, beside `dialoop.model.HEADS`.

It knows examples, heads and tokenizers; no weights, no loop.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dialoop.conversation import Example, Passage, documents
from dialoop.conversation.spans import without_overlaps
from dialoop.errors import DataError, SettingsError
from dialoop.model import Base, Head
from dialoop.model.windows import Reading, read_text, truth_of
from dialoop.training.batches import Batch, Sample, lay_tags, lay_texts
from dialoop.training.settings import TuneSettings
from dialoop.training.side import Counts, Side


@dataclass(frozen=True)
class Lesson:
    """How one kind of head is taught.

    `learns_from`: what texts have, each the same of these (`Example.kind`). `head`: kind, texts to train on, settings,
    their file → the head; raises DataError. `samples`: texts, base, tokens at most → samples and counts. `lay`:
    samples, id of the padding → a batch.
    """

    learns_from: tuple[str, ...]
    head: Callable[[str, Sequence[Example], TuneSettings, Path], Head]
    samples: Callable[[Sequence[Example], Base, int], Side]
    lay: Callable[[Sequence[Sample], int], Batch]


def lesson_for(wanted: str, kinds: Counter[str], where: Path) -> tuple[str, Lesson]:
    """The head's kind and its lesson, for texts of these kinds. Raises SettingsError, DataError."""
    if wanted != "auto" and wanted not in LESSONS:
        known = ", ".join(["auto", "generate", *LESSONS])
        raise SettingsError(f"no head is called {wanted!r}", remedy=f"known: {known}")
    told = ", ".join(f"{count} with {kind}" for kind, count in kinds.items())
    if len(kinds) == 1:
        (kind,) = kinds
        for name, lesson in LESSONS.items():
            if kind in lesson.learns_from and wanted in ("auto", name):
                return name, lesson
    needed = "one of label, labels, spans and score"
    if wanted != "auto":
        needed = " or ".join(LESSONS[wanted].learns_from)
    raise DataError(
        f"{'a head' if wanted == 'auto' else wanted} learns from texts that all have {needed}; here are {told}",
        where=where,
        remedy="give texts of one kind: `label`, `labels`, `spans` or `score`; a file and a run for each",
    )


def _no_tagger(kind: str, settings: TuneSettings) -> None:
    if settings.crf or settings.casing or settings.context:
        raise SettingsError(
            f"crf, casing and context belong to a tag head, and this data teaches {kind}",
            remedy="leave --crf, --casing and --context out",
        )


def _class_head(kind: str, train: Sequence[Example], settings: TuneSettings, where: Path) -> Head:
    _no_tagger(kind, settings)
    labels = {label for example in train for label in _labels(example)}
    if len(labels) < 2:
        only = next(iter(labels), "none")
        raise DataError(f"the only label is {only!r}", where=where, remedy="give texts of two or more labels")
    return Head(kind=kind, labels=tuple(sorted(labels)), multi_label=any(one.labels is not None for one in train))


def _tag_head(kind: str, train: Sequence[Example], settings: TuneSettings, where: Path) -> Head:
    labels = {span.label for example in train for span in example.spans or ()}
    if not labels:
        raise DataError("no text has a span", where=where, remedy="give texts with labelled spans among them")
    told = {name: getattr(settings, name) for name in ("crf", "casing", "context")}
    return Head(kind=kind, labels=tuple(sorted(labels)), **told)


def _score_head(kind: str, train: Sequence[Example], settings: TuneSettings, where: Path) -> Head:
    """Scores are standardised by the mean and standard deviation of those that are trained on."""
    _no_tagger(kind, settings)
    scores = np.array([example.score for example in train], dtype=np.float64)
    if scores.min() == scores.max():
        raise DataError(f"every score is {scores[0]:g}", where=where, remedy="give texts of different scores")
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(scores.mean()), float(scores.std())
    if not (math.isfinite(mean) and 0 < scale < math.inf):
        raise DataError(
            f"the scores from {scores.min():g} to {scores.max():g} have no mean and spread in 64 bits",
            where=where,
            remedy="give scores of ordinary size",
        )
    return Head(kind=kind, mean=mean, scale=scale)


def _labels(example: Example) -> tuple[str, ...]:
    return (example.label,) if example.label is not None else tuple(example.labels or ())


def _cut(text: str, base: Base, window: int, counts: Counts) -> list[int]:
    """The text's ids, cut at the window and counted where it is longer."""
    ids: list[int] = base.tokenizer(text, truncation=False, verbose=False)["input_ids"]
    if len(ids) > window:
        counts.texts_cut += 1
        ids = base.tokenizer(text, truncation=True, max_length=window)["input_ids"]
    counts.tokens += len(ids)
    return ids


def _class_samples(examples: Sequence[Example], base: Base, window: int) -> Side:
    side = Side(counts=Counts(records=len(examples)))
    counts = side.counts
    numbers = {label: number for number, label in enumerate(base.head.labels)}
    for example in examples:
        wanted = _labels(example)
        if any(label not in numbers for label in wanted):
            counts.unknown_labels += 1
            continue
        ids = np.asarray(_cut(example.text, base, window, counts), dtype=np.int32)
        if base.head.multi_label:
            truth = np.zeros(len(numbers), dtype=np.float32)
            truth[[numbers[label] for label in wanted]] = 1.0
            side.samples.append(Sample(ids, truth))
        else:
            side.samples.append(Sample(ids, np.asarray(numbers[wanted[0]], dtype=np.int64)))
    counts.samples = counts.targets = len(side.samples)
    return side


def _score_samples(examples: Sequence[Example], base: Base, window: int) -> Side:
    side = Side(counts=Counts(records=len(examples)))
    for example in examples:
        if example.score is None:
            raise DataError("this text has no score", where=example.place, remedy="give every text a `score`")
        ids = np.asarray(_cut(example.text, base, window, side.counts), dtype=np.int32)
        truth = np.asarray((example.score - base.head.mean) / base.head.scale, dtype=np.float32)
        side.samples.append(Sample(ids, truth))
    side.counts.samples = side.counts.targets = len(side.samples)
    return side


def _tag_samples(examples: Sequence[Example], base: Base, window: int) -> Side:
    side = Side(counts=Counts(records=len(examples)))
    counts = side.counts
    known = [one for one in examples if set(_labels_of_spans(one)) <= set(base.head.labels)]
    counts.unknown_labels = len(examples) - len(known)
    together = documents(known) if base.head.context else [[one] for one in known]
    for some in together:
        parted = [without_overlaps(one.spans or ()) for one in some]
        passage = Passage.of([one.text for one in some])
        alone = len(some) == 1
        reading = read_text(base.tokenizer, passage.text, window if alone else min(window, base.head.context))
        numbers, inexact = truth_of(reading, passage.joined([kept for kept, _ in parted]), base.head.labels)
        counts.spans_overlapping += sum(len(left_out) for _, left_out in parted)
        counts.spans_inexact += inexact
        counts.texts_in_windows += alone and len(reading.windows) > 1
        for sample in _tag_windows(reading, numbers, casing=base.head.casing):
            side.samples.append(sample)
            counts.tokens += len(sample.ids)
            counts.targets += sample.count
    counts.samples = len(side.samples)
    return side


def _labels_of_spans(example: Example) -> list[str]:
    if example.spans is None:
        raise DataError("this text has no spans", where=example.place, remedy="give every text `spans`, or []")
    return [span.label for span in example.spans]


def _tag_windows(
    reading: Reading, numbers: np.ndarray[tuple[int], np.dtype[np.int64]], *, casing: bool
) -> list[Sample]:
    """A sample for each window that has a unit of its own; a unit's tag counts in its own window only."""
    found = []
    for window in reading.windows:
        if window.places:
            truth = np.full(len(window.ids), -100, dtype=np.int64)
            truth[window.places] = numbers[window.first : window.first + len(window.places)]
            more = {"casing": np.asarray(window.casing, dtype=np.int64)} if casing else {}
            found.append(Sample(np.asarray(window.ids, dtype=np.int32), truth, more))
    return found


LESSONS: dict[str, Lesson] = {
    "classify": Lesson(("label", "labels"), _class_head, _class_samples, lay_texts),
    "tag": Lesson(("spans",), _tag_head, _tag_samples, lay_tags),
    "regress": Lesson(("score",), _score_head, _score_samples, lay_texts),
}
"""How each kind of head is taught, by name. Where several fit the data, `auto` takes the first."""
