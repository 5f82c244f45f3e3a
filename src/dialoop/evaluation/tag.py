"""Measures a base with a `tag` head: spans that are exactly right, and words with their tags, label by label.

A span is right where label, begin and end are (as in seqeval's strict mode and conlleval). Words are runs of letters
and digits, single signs, single Chinese characters; they do not depend on the model's tokenizer. Tags are O, B- and I-.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dialoop.conversation import Example, SlotSpan, documents, language_of
from dialoop.conversation.spans import without_overlaps, word_tags
from dialoop.errors import DataError, ModelError
from dialoop.evaluation import formulas
from dialoop.evaluation.evaluate import ALL, figures_of, measuring, tokenizer_digest
from dialoop.evaluation.formulas import Formula
from dialoop.evaluation.labels import label_figures, label_figures_of_sets
from dialoop.evaluation.progress import Progress, quiet
from dialoop.evaluation.results import Answer, Coverage, Evaluation
from dialoop.evaluation.sample import by_hash
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.evaluation.tallies import Tally, type_tallies
from dialoop.model import Base, tag_documents

_Spans = set[tuple[str, int, int]]
_AVERAGES: dict[str, Formula] = {
    "precision": formulas.micro_precision,
    "recall": formulas.micro_recall,
    "f1": formulas.micro_f1,
    "macro_precision": formulas.macro_precision,
    "macro_recall": formulas.macro_recall,
    "macro_f1": formulas.macro_f1,
    "weighted_precision": formulas.weighted_precision,
    "weighted_recall": formulas.weighted_recall,
    "weighted_f1": formulas.weighted_f1,
}


def evaluate_tagger(
    base: Base,
    examples: Sequence[Example],
    settings: EvaluationSettings,
    *,
    data: str = "",
    progress: Progress = quiet,
) -> Evaluation:
    """Every figure of a tagger on texts with spans. Of true spans that overlap the longest is kept; the notes count.

    Raises:
        DataError: no text, or texts without `spans`.
        ModelError: the base has no `tag` head.
    """
    if base.head.kind != "tag":
        raise ModelError(f"{base.name} has a head of kind {base.head.kind}, not tag", remedy="tune it with spans first")
    began = time.monotonic()
    used = by_hash(examples, settings.limit, settings.seed).chosen
    if not used:
        raise DataError("there is no text with spans", where=data or None, remedy="give texts with their spans")
    parted = [without_overlaps(_spans(one, data)) for one in used]
    true = [kept for kept, _ in parted]
    with measuring(base):
        said = _tagged(base, examples, used, settings.batch_size, progress)
    languages = [language_of(one) for one in used]
    true_sets, said_sets = [_set(one) for one in true], [_set(one) for one in said]
    true_tags = [word_tags(one.text, spans) for one, spans in zip(used, true, strict=True)]
    said_tags = [word_tags(one.text, spans) for one, spans in zip(used, said, strict=True)]
    tallies = _tallies(true_sets, said_sets, true_tags, said_tags, languages)
    return Evaluation(
        model=base.name,
        fingerprint=base.fingerprint,
        tokenizer=tokenizer_digest(base),
        data=data,
        settings=settings,
        coverage=_coverage(base, examples, used, true, sum(len(left) for _, left in parted), languages, settings),
        figures=figures_of(tallies, settings),
        answers=[_answer(n, one, languages[n], true[n], said[n]) for n, one in enumerate(used)],
        seconds=round(time.monotonic() - began, 2),
        conversations=[_name(number, one) for number, one in enumerate(used)],
        labels={
            "spans": label_figures_of_sets(true_sets, said_sets),
            "words": label_figures(true_tags, said_tags),
        },
        tallies=tallies,
    )


def _tagged(
    base: Base, examples: Sequence[Example], used: Sequence[Example], batch_size: int, progress: Progress
) -> list[list[SlotSpan]]:
    """The spans that are found in each text that is used, with its document around it where the head reads it."""
    wanted = {id(one) for one in used}
    together = documents(examples if base.head.context else used)
    read = [some for some in together if any(id(one) in wanted for one in some)]
    found: dict[int, list[SlotSpan]] = {}
    for start in range(0, len(read), 8 * batch_size):
        progress("tagging", start, len(read))
        some = read[start : start + 8 * batch_size]
        spans = tag_documents(base, [[one.text for one in texts] for texts in some], batch_size=batch_size)
        found |= zip((id(one) for texts in some for one in texts), spans, strict=True)
    return [found[id(one)] for one in used]


def _spans(example: Example, data: str) -> tuple[SlotSpan, ...]:
    if example.spans is None:
        raise DataError(
            "this text has no spans",
            where=example.place or data or None,
            remedy="give texts with `spans`, [] where there is none; labels and scores need other heads",
        )
    return example.spans


def _set(spans: Sequence[SlotSpan]) -> _Spans:
    return {(one.label, one.start, one.end) for one in spans}


def _tallies(
    true: Sequence[_Spans],
    said: Sequence[_Spans],
    true_tags: Sequence[list[str]],
    said_tags: Sequence[list[str]],
    languages: Sequence[str],
) -> dict[str, dict[str, Tally]]:
    names = {label: i for i, label in enumerate(sorted({span[0] for one in (*true, *said) for span in one}))}
    tags = {tag: i for i, tag in enumerate(sorted({tag for one in (*true_tags, *said_tags) for tag in one}))}

    def ids(values: Sequence[str], numbers: dict[str, int]) -> NDArray[np.int64]:
        return np.array([numbers[value] for value in values], dtype=np.int64)

    groups: dict[str, dict[str, Tally]] = {}
    tongues = sorted(set(languages))
    for lang in [None, *tongues] if len(tongues) > 1 else [None]:
        chosen = [number for number, other in enumerate(languages) if lang in (None, other)]
        spans = [
            tuple(ids([span[0] for span in some], names) for some in (true[n] & said[n], said[n], true[n]))
            for n in chosen
        ]
        words = []
        for n in chosen:
            hits = [one for one, other in zip(true_tags[n], said_tags[n], strict=True) if one == other]
            words.append((ids(hits, tags), ids(said_tags[n], tags), ids(true_tags[n], tags)))
        exact = np.array([[true[n] == said[n], 1.0] for n in chosen], dtype=np.float64)
        right = np.array([[len(hits), len(all_)] for hits, _, all_ in words], dtype=np.float64)
        averages = {name: formula for name, formula in _AVERAGES.items() if name.startswith(("macro", "weighted"))}
        groups[lang or ALL] = {
            **type_tallies(spans, {f"span_{name}": formula for name, formula in _AVERAGES.items()}),
            "span_texts": Tally(exact, formulas.ratio),
            "word_accuracy": Tally(right, formulas.ratio),
            **type_tallies(words, {f"word_{name}": formula for name, formula in averages.items()}),
        }
    return groups


def _name(number: int, example: Example) -> str:
    return example.id or f"text {number + 1}"


def _answer(number: int, example: Example, lang: str, true: Sequence[SlotSpan], said: Sequence[SlotSpan]) -> Answer:
    one, other = _set(true), _set(said)

    def told(spans: Sequence[SlotSpan]) -> list[str]:
        return [f"{span.label}: {example.text[span.start : span.end]}" for span in spans]

    return Answer(
        conversation=_name(number, example),
        index=0,
        lang=lang,
        kind="spans",
        asked=example.text,
        truth=None,
        said=None,
        true_labels=told(true),
        said_labels=told(said),
        score=2 * len(one & other) / (len(one) + len(other)) if one or other else 1.0,
    )


def _coverage(
    base: Base,
    given: Sequence[Example],
    used: Sequence[Example],
    true: Sequence[Sequence[SlotSpan]],
    overlapping: int,
    languages: Sequence[str],
    settings: EvaluationSettings,
) -> Coverage:
    notes = []
    if len(used) < len(given):
        notes.append(f"measured on {len(used)} of {len(given)} texts, chosen by hash (seed {settings.seed})")
    if overlapping:
        notes.append(f"{overlapping} true spans overlap a longer one, or one that begins before, and are not measured")
    unknown = sorted({span.label for one in true for span in one} - set(base.head.labels))
    if unknown:
        notes.append(f"{len(unknown)} labels that the model does not have count as missed: {', '.join(unknown[:10])}")
    return Coverage(
        given=len(given),
        used=len(used),
        unit="texts",
        languages={lang: languages.count(lang) for lang in sorted(set(languages))},
        notes=notes,
    )
