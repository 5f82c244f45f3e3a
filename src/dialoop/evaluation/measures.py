"""The measures by name: which counts make each, and how it is written. Knows no model and no file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dialoop.evaluation import formulas
from dialoop.evaluation.calls import same_calls, same_names
from dialoop.evaluation.forced import Forced
from dialoop.evaluation.formulas import Formula, Sums
from dialoop.evaluation.results import Answer
from dialoop.evaluation.tallies import Tally, tally, type_tallies
from dialoop.evaluation.texts import (
    bleu_counts,
    chrf_counts,
    distinct_counts,
    repetition_counts,
    rouge_l,
)

Better = Literal["higher", "lower", "near one", "neither"]


@dataclass(frozen=True)
class Measure:
    """How a measure is shown: its label, its unit (`%` shares are kept as 0–1), which way is better, what it counts."""

    label: str
    unit: Literal["%", "", "0–100"]
    better: Better
    section: Literal["labels", "spans", "words", "scores", "calls", "texts", "pairs", "targets"]
    meaning: str


def _tag_measures() -> dict[str, Measure]:
    """Spans that are exactly right, and words with their tags, each in every average."""
    found = {"span_f1": Measure("F1", "%", "higher", "spans", "all labels together; label, begin and end are right")}
    found["span_precision"] = Measure("Precision", "%", "higher", "spans", "spans said that are right")
    found["span_recall"] = Measure("Recall", "%", "higher", "spans", "true spans that are said")
    found["span_texts"] = Measure("Texts all right", "%", "higher", "spans", "texts with all their spans and no other")
    found["word_accuracy"] = Measure("Word accuracy", "%", "higher", "words", "words with the right tag, O counts too")
    for unit, section in (("span", "spans"), ("word", "words")):
        for average, over in (
            ("macro", "mean over labels"),
            ("weighted", "mean over labels by how often each is true"),
        ):
            for figure, label in (("precision", "Precision"), ("recall", "Recall"), ("f1", "F1")):
                what = over if unit == "span" else over.replace("labels", "tags, O among them")
                shown = Measure(f"{label} ({average})", "%", "higher", section, what)  # type: ignore[arg-type]
                found[f"{unit}_{average}_{figure}"] = shown
    return found


MEASURES: dict[str, Measure] = {
    "perplexity": Measure(
        "Target perplexity", "", "lower", "targets", "exp of the mean negative log-likelihood of a target token"
    ),
    "bits_per_byte": Measure(
        "Bits per byte", "", "lower", "targets", "likelihood per UTF-8 byte of target text: compares across tokenizers"
    ),
    "token_accuracy": Measure(
        "Token accuracy", "%", "higher", "targets", "target tokens whose likeliest prediction is true"
    ),
    "token_precision": Measure(
        "Token precision (macro)", "%", "higher", "targets", "mean over token types, true or said"
    ),
    "token_recall": Measure("Token recall (macro)", "%", "higher", "targets", "mean over token types, true or said"),
    "token_f1": Measure("Token F1 (macro)", "%", "higher", "targets", "mean over token types, true or said"),
    "call_exact": Measure(
        "Exact call",
        "%",
        "higher",
        "calls",
        "turns whose calls equal the true ones, names and arguments as canonical JSON",
    ),
    "call_name": Measure(
        "Right tool", "%", "higher", "calls", "turns that call the true tools, whatever the arguments"
    ),
    "call_made": Measure(
        "Call made", "%", "higher", "calls", "turns with a well-formed call, among those whose truth is one"
    ),
    "call_malformed": Measure(
        "Malformed call", "%", "lower", "calls", "turns with a call that does not parse, over all turns"
    ),
    "call_false": Measure("False call", "%", "lower", "calls", "turns that call though the truth is text"),
    "bleu": Measure(
        "BLEU", "0–100", "higher", "texts", "sacrebleu, tokenizer zh for Chinese, char for Japanese and Thai, 13a else"
    ),
    "chrf": Measure("chrF", "0–100", "higher", "texts", "sacrebleu, chrF2"),
    "rouge_l": Measure("ROUGE-L", "%", "higher", "texts", "rouge-score F1, mean over turns; Chinese by characters"),
    "length_ratio": Measure("Length ratio", "", "near one", "texts", "characters said over characters true"),
    "repetition": Measure("Repeated 4-grams", "%", "lower", "texts", "share of an answer's 4-grams said before in it"),
    "distinct_1": Measure("Distinct-1", "%", "neither", "texts", "different words over words, within a conversation"),
    "preferred": Measure(
        "Preferred answer's share",
        "%",
        "higher",
        "pairs",
        "pairs whose chosen answer is likelier than the rejected one, by log-probability",
    ),
    "preferred_a_token": Measure(
        "Preferred, a token", "%", "higher", "pairs", "the same by the mean log-probability of a token"
    ),
    "label_accuracy": Measure("Accuracy", "%", "higher", "labels", "texts with all their labels right and no other"),
    "label_macro_f1": Measure("F1 (macro)", "%", "higher", "labels", "mean over labels, true or said"),
    "label_weighted_f1": Measure(
        "F1 (weighted)", "%", "higher", "labels", "mean over labels by how often each is true"
    ),
    "label_micro_f1": Measure("F1 (micro)", "%", "higher", "labels", "all labels together"),
    "label_calibration": Measure(
        "Calibration error", "%", "lower", "labels", "how far its probability is from being right, over 15 bins (ECE)"
    ),
    **_tag_measures(),
    "score_mse": Measure("Squared error", "", "lower", "scores", "mean, in the scores' unit squared (MSE)"),
    "score_mae": Measure("Absolute error", "", "lower", "scores", "mean, in the scores' unit (MAE)"),
    "score_pearson": Measure("Pearson", "", "higher", "scores", "correlation of scores said and true, -1 to 1"),
    "distinct_2": Measure(
        "Distinct-2", "%", "neither", "texts", "different word pairs over pairs, within a conversation"
    ),
}


HEAD_SECTIONS: dict[str, tuple[str, ...]] = {
    "generate": ("targets", "calls", "texts", "pairs"),
    "classify": ("labels",),
    "tag": ("spans", "words"),
    "regress": ("scores",),
}
"""Which sections of measures a head has."""


def target_tallies(scored: Sequence[Forced], chosen: Sequence[int]) -> dict[str, Tally]:
    """Measures of target tokens over the `chosen` conversations."""
    picked = [scored[number] for number in chosen]

    def pairs(above: Callable[[Forced], float], below: Callable[[Forced], float]) -> Sums:
        return np.array([[above(one), below(one)] for one in picked], dtype=np.float64).reshape(-1, 2)

    def tokens(one: Forced) -> int:
        return len(one.truth)

    macro: dict[str, Formula] = {
        "token_precision": formulas.macro_precision,
        "token_recall": formulas.macro_recall,
        "token_f1": formulas.macro_f1,
    }
    return {
        "perplexity": Tally(pairs(lambda one: one.nats, tokens), formulas.perplexity),
        "bits_per_byte": Tally(pairs(lambda one: one.nats, lambda one: one.utf8_bytes), formulas.bits),
        "token_accuracy": Tally(pairs(lambda one: len(one.by_type[0]), tokens), formulas.ratio),
        **type_tallies([one.by_type for one in picked], macro),
    }


def call_tallies(answers: Sequence[Answer], places: Sequence[int], conversations: int) -> dict[str, Tally]:
    """Measures of turns whose truth is a call. `places[i]`: the row of answer i's conversation."""
    calls = [(place, answer) for place, answer in zip(places, answers, strict=True) if answer.kind == "call"]

    def share(counts: Callable[[Answer], bool]) -> Tally:
        return tally(conversations, [(place, (counts(one), 1)) for place, one in calls], 2, formulas.ratio)

    return {
        "call_exact": share(lambda one: same_calls(one.said_calls, one.true_calls)),
        "call_name": share(lambda one: same_names(one.said_calls, one.true_calls)),
        "call_made": share(lambda one: bool(one.said_calls)),
    }


def other_tallies(answers: Sequence[Answer], places: Sequence[int], conversations: int) -> dict[str, Tally]:
    """Measures of turns whose truth is text, and of malformed calls over all turns. `places` as in `call_tallies`."""
    placed = list(zip(places, answers, strict=True))
    texts = [(place, one, one.said or "", one.truth or "") for place, one in placed if one.kind == "text"]
    by_place: dict[int, list[str]] = defaultdict(list)
    for place, _one, said, _truth in texts:
        by_place[place].append(said)

    def added(rows: Sequence[tuple[int, Sequence[float]]], width: int, formula: Formula) -> Tally:
        return tally(conversations, rows, width, formula)

    return {
        "call_malformed": added([(place, (bool(one.malformed), 1)) for place, one in placed], 2, formulas.ratio),
        "call_false": added([(place, (bool(one.said_calls), 1)) for place, one, _, _ in texts], 2, formulas.ratio),
        "bleu": added([(p, bleu_counts(said, truth, one.lang)) for p, one, said, truth in texts], 11, formulas.bleu),
        "chrf": added([(p, chrf_counts(said, truth)) for p, _, said, truth in texts], 19, formulas.chrf),
        "rouge_l": added([(p, (rouge_l(said, truth), 1)) for p, _, said, truth in texts], 2, formulas.ratio),
        "length_ratio": added([(p, (len(said), len(truth), 1)) for p, _, said, truth in texts], 3, formulas.ratio),
        "repetition": added([(p, repetition_counts(said)) for p, _, said, _ in texts], 3, formulas.ratio),
        "distinct_1": added([(p, distinct_counts(said, 1)) for p, said in by_place.items()], 3, formulas.ratio),
        "distinct_2": added([(p, distinct_counts(said, 2)) for p, said in by_place.items()], 3, formulas.ratio),
    }
