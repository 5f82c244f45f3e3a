"""Measures a base with a `regress` head on texts with scores: squared and absolute error, Pearson's correlation."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from dialoop.conversation import Example, language_of
from dialoop.errors import DataError, ModelError
from dialoop.evaluation import formulas
from dialoop.evaluation.evaluate import ALL, figures_of, measuring, tokenizer_digest
from dialoop.evaluation.formulas import Sums
from dialoop.evaluation.progress import Progress, quiet
from dialoop.evaluation.results import Answer, Coverage, Evaluation
from dialoop.evaluation.sample import by_hash
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.evaluation.tallies import Tally
from dialoop.model import Base
from dialoop.model.scoring import score_texts


def evaluate_scorer(
    base: Base,
    examples: Sequence[Example],
    settings: EvaluationSettings,
    *,
    data: str = "",
    progress: Progress = quiet,
) -> Evaluation:
    """Every figure of a scorer on texts with scores, in the scores' own unit.

    Raises:
        DataError: no text, or texts without a score.
        ModelError: the base has no `regress` head.
    """
    if base.head.kind != "regress":
        what = f"{base.name} has a head of kind {base.head.kind}, not regress"
        raise ModelError(what, remedy="tune it with scored texts first")
    began = time.monotonic()
    used = by_hash(examples, settings.limit, settings.seed).chosen
    if not used:
        raise DataError("there is no text with a score", where=data or None, remedy="give texts with their scores")
    true = np.array([_score(one, data) for one in used], dtype=np.float64)
    progress("scoring", 0, len(used))
    with measuring(base):
        said = np.array(score_texts(base, [one.text for one in used], batch_size=settings.batch_size))
    languages = [language_of(one) for one in used]
    tallies = _tallies(true, said, languages)
    cut = sum(len(base.tokenizer(one.text, verbose=False)["input_ids"]) > base.window for one in used)
    return Evaluation(
        model=base.name,
        fingerprint=base.fingerprint,
        tokenizer=tokenizer_digest(base),
        data=data,
        settings=settings,
        coverage=_coverage(base, examples, used, languages, cut, settings),
        figures=figures_of(tallies, settings),
        answers=_answers(used, languages, true, said),
        seconds=round(time.monotonic() - began, 2),
        conversations=[_name(number, one) for number, one in enumerate(used)],
        tallies=tallies,
    )


def _score(example: Example, data: str) -> float:
    if example.score is None:
        raise DataError(
            "this text has no score",
            where=example.place or data or None,
            remedy="give texts with a `score`; labels and spans need other heads",
        )
    return example.score


def _tallies(true: Sums, said: Sums, languages: Sequence[str]) -> dict[str, dict[str, Tally]]:
    tongues = np.array(languages)
    spread = float(true.std()) or 1.0
    x, y = (true - true.mean()) / spread, (said - true.mean()) / spread  # so that no digits are lost in the sums
    groups: dict[str, dict[str, Tally]] = {}
    for lang in [None, *sorted(set(languages))] if len(set(languages)) > 1 else [None]:
        some = slice(None) if lang is None else tongues == lang
        gap, one = (said - true)[some], np.ones(len(true[some]))
        a, b = x[some], y[some]
        groups[lang or ALL] = {
            "score_mse": Tally(np.stack([gap**2, one], axis=1), formulas.ratio),
            "score_mae": Tally(np.stack([np.abs(gap), one], axis=1), formulas.ratio),
            "score_pearson": Tally(np.stack([a, b, a * a, b * b, a * b, one], axis=1), formulas.pearson),
        }
    return groups


def _name(number: int, example: Example) -> str:
    return example.id or f"text {number + 1}"


def _answers(used: Sequence[Example], languages: Sequence[str], true: Sums, said: Sums) -> list[Answer]:
    spread = float(true.std()) or 1.0
    return [
        Answer(
            conversation=_name(number, one),
            index=0,
            lang=languages[number],
            kind="score",
            asked=one.text,
            truth=f"{true[number]:.6g}",
            said=f"{said[number]:.6g}",
            score=float(1 / (1 + abs(said[number] - true[number]) / spread)),
        )
        for number, one in enumerate(used)
    ]


def _coverage(
    base: Base,
    given: Sequence[Example],
    used: Sequence[Example],
    languages: Sequence[str],
    cut: int,
    settings: EvaluationSettings,
) -> Coverage:
    notes = []
    if len(used) < len(given):
        notes.append(f"measured on {len(used)} of {len(given)} texts, chosen by hash (seed {settings.seed})")
    if cut:
        notes.append(f"{cut} texts are longer than the window of {base.window} tokens and were cut at their ends")
    return Coverage(
        given=len(given),
        used=len(used),
        unit="texts",
        languages={lang: languages.count(lang) for lang in sorted(set(languages))},
        notes=notes,
    )
