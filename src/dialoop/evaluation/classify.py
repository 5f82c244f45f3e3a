"""Measures a base with a `classify` head on labelled texts: accuracy, macro and weighted F1, label by label.

One label a text or any number of them. Knows nothing of conversations; figures, intervals and pages are those of all
evaluations, with a text in the place of a conversation.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from dialoop.conversation import Example, language_of
from dialoop.errors import DataError, ModelError
from dialoop.evaluation import formulas
from dialoop.evaluation.evaluate import ALL, figures_of, measuring, tokenizer_digest
from dialoop.evaluation.formulas import Formula, Sums
from dialoop.evaluation.labels import confusions, label_figures_of_sets, sureness, sureness_sums
from dialoop.evaluation.progress import Progress, quiet
from dialoop.evaluation.results import Answer, Coverage, Evaluation
from dialoop.evaluation.sample import by_hash
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.evaluation.tallies import Tally, type_tallies
from dialoop.model import Base

LIKELY = 0.5  # multi-label: a label is said where its probability is above this


def evaluate_classifier(
    base: Base,
    examples: Sequence[Example],
    settings: EvaluationSettings,
    *,
    data: str = "",
    progress: Progress = quiet,
) -> Evaluation:
    """Every figure of a classifier on labelled texts.

    Labels that the base does not have count as missed; the notes name them. Texts longer than the window are cut at
    their ends, and counted.

    Raises:
        DataError: no text, or texts without labels.
        ModelError: the base has no `classify` head.
    """
    if base.head.kind != "classify":
        raise ModelError(
            f"{base.name} has a head of kind {base.head.kind}, not classify",
            remedy="tune it with labelled texts first, or give conversations",
        )
    began = time.monotonic()
    used = by_hash(examples, settings.limit, settings.seed).chosen
    true = [_labels(one, data) for one in used]
    if not used:
        raise DataError("there is no labelled text", where=data or None, remedy="give texts with their labels")
    said, sums, cut = _said(base, used, true, settings, progress)
    languages = [language_of(one) for one in used]
    tallies = _tallies(true, said, sums, languages)
    single = not base.head.multi_label and all(len(one) == 1 for one in true)
    return Evaluation(
        model=base.name,
        fingerprint=base.fingerprint,
        tokenizer=tokenizer_digest(base),
        data=data,
        settings=settings,
        coverage=_coverage(base, examples, used, true, languages, cut, settings),
        figures=figures_of(tallies, settings),
        answers=[
            _answer(number, one, languages[number], true[number], said[number]) for number, one in enumerate(used)
        ],
        seconds=round(time.monotonic() - began, 2),
        conversations=[_name(number, one) for number, one in enumerate(used)],
        labels={
            "labels": label_figures_of_sets(*([{(x, 0, 0) for x in one} for one in side] for side in (true, said)))
        },
        sureness=sureness(sums.sum(axis=0)),
        confused=confusions([one[0] for one in true], [one[0] for one in said]) if single else [],
        tallies=tallies,
    )


def _labels(example: Example, data: str) -> list[str]:
    if example.label is not None:
        return [example.label]
    if example.labels is not None:
        return sorted(set(example.labels))
    raise DataError(
        "this text has neither a label nor labels",
        where=example.place or data or None,
        remedy="give texts with labels; scores and spans need other heads",
    )


def _said(
    base: Base,
    examples: Sequence[Example],
    true: Sequence[list[str]],
    settings: EvaluationSettings,
    progress: Progress,
) -> tuple[list[list[str]], Sums, int]:
    """The labels said of each text, (N, 3 * BINS + 1) how sure and how right, how many texts were cut at the window."""
    said: list[list[str]] = [[] for _ in examples]
    sums = np.zeros((len(examples), 3 * formulas.BINS + 1))
    ids = [base.tokenizer(one.text, truncation=False, verbose=False)["input_ids"] for one in examples]
    order = sorted(range(len(examples)), key=lambda number: len(ids[number]))
    labels = base.head.labels
    with measuring(base):
        for start in range(0, len(order), settings.batch_size):
            progress("classifying", start, len(order))
            numbers = order[start : start + settings.batch_size]
            batch = base.tokenizer(
                [examples[number].text for number in numbers],
                truncation=True,
                max_length=base.window,
                padding=True,
                return_tensors="pt",
            ).to(base.device)
            logits = base.model(**batch).logits.float()  # (B, L)
            for number, row in zip(numbers, logits, strict=True):
                if base.head.multi_label:
                    said[number] = sorted(labels[i] for i in torch.nonzero(row.sigmoid() > LIKELY)[:, 0].tolist())
                    right = np.array([label in true[number] for label in labels], dtype=np.float64)
                    sums[number] = sureness_sums(row.sigmoid().double().cpu().numpy(), right)
                else:
                    said[number] = [labels[int(row.argmax())]]
                    right = np.array([said[number] == true[number]], dtype=np.float64)
                    sums[number] = sureness_sums(row.softmax(0).max().double().cpu().numpy().reshape(1), right)
    return said, sums, sum(len(one) > base.window for one in ids)


def _tallies(
    true: Sequence[list[str]], said: Sequence[list[str]], sums: Sums, languages: Sequence[str]
) -> dict[str, dict[str, Tally]]:
    number = {label: i for i, label in enumerate(sorted({label for one in (*true, *said) for label in one}))}

    def ids(labels: set[str]) -> NDArray[np.int64]:
        return np.array(sorted(number[label] for label in labels), dtype=np.int64)

    named: dict[str, Formula] = {
        "label_macro_f1": formulas.macro_f1,
        "label_weighted_f1": formulas.weighted_f1,
        "label_micro_f1": formulas.micro_f1,
    }
    groups: dict[str, dict[str, Tally]] = {}
    tongues = sorted(set(languages))
    for lang in [None, *tongues] if len(tongues) > 1 else [None]:
        pairs = [(set(t), set(s)) for t, s, other in zip(true, said, languages, strict=True) if lang in (None, other)]
        right = np.array([[t == s, 1.0] for t, s in pairs], dtype=np.float64)
        some = [number for number, other in enumerate(languages) if lang in (None, other)]
        groups[lang or ALL] = {
            "label_accuracy": Tally(right, formulas.ratio),
            "label_calibration": Tally(sums[some], formulas.calibration_error),
            **type_tallies([(ids(t & s), ids(s), ids(t)) for t, s in pairs], named),
        }
    return groups


def _name(number: int, example: Example) -> str:
    return example.id or f"text {number + 1}"


def _answer(number: int, example: Example, lang: str, true: list[str], said: list[str]) -> Answer:
    return Answer(
        conversation=_name(number, example),
        index=0,
        lang=lang,
        kind="label",
        asked=example.text,
        truth=None,
        said=None,
        true_labels=true,
        said_labels=said,
        score=float(true == said),
    )


def _coverage(
    base: Base,
    given: Sequence[Example],
    used: Sequence[Example],
    true: Sequence[list[str]],
    languages: Sequence[str],
    cut: int,
    settings: EvaluationSettings,
) -> Coverage:
    notes = []
    if len(used) < len(given):
        notes.append(f"measured on {len(used)} of {len(given)} texts, chosen by hash (seed {settings.seed})")
    if cut:
        notes.append(f"{cut} texts are longer than the window of {base.window} tokens and were cut at their ends")
    unknown = sorted({label for one in true for label in one} - set(base.head.labels))
    if unknown:
        notes.append(f"{len(unknown)} labels that the model does not have count as missed: {', '.join(unknown[:10])}")
    return Coverage(
        given=len(given),
        used=len(used),
        unit="texts",
        languages={lang: languages.count(lang) for lang in sorted(set(languages))},
        notes=notes,
    )
