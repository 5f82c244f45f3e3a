"""Sentiment, stars and several labels at once: tuned heads beside TF-IDF with linear models, and beside no model.

    python benchmarks/other_heads.py --lang en --base ENCODER
    python benchmarks/other_heads.py --lang zh --base mini

`mood`: made-up reviews (`reviews.yaml`) are negative, neutral or positive. `stars`: the same reviews have 1 to 5 stars,
a regression. `values`: which values (day, nights, name, …) a customer's message to the hotel gives, none to many. Tests
are of phrasings, things and hotels that no training text has.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MultiLabelBinarizer

from dialoop.conversation import Example
from dialoop.evaluation import EvaluationSettings, evaluate_labelled
from dialoop.model import load_base
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel import make_logs
from dialoop.training import Job, TerminalWatch, TuneSettings, tune

PHRASES = Path(__file__).with_name("reviews.yaml")
FIGURES = {
    "label": ("label_accuracy", "label_macro_f1"),
    "labels": ("label_accuracy", "label_micro_f1"),
    "score": ("score_mse", "score_mae", "score_pearson"),
}


def reviews(lang: str, part: str, count: int) -> list[tuple[str, float]]:
    """Texts of one to three sentences and their stars: 3 and the mean goodness of the words."""
    phrases: dict[str, Any] = yaml.safe_load(PHRASES.read_text(encoding="utf-8"))[lang]
    dice, made = Dice("reviews", lang, part), list[tuple[str, float]]()
    for _ in range(count):
        said, worth = list[str](), list[int]()
        leaning = dice.pick([-1, 0, 1])
        for thing in dice.some(phrases["things"][part], dice.number(1, 3)):
            good = max(-2, min(2, leaning * dice.number(0, 2) + dice.pick([-1, 0, 0, 1])))
            words = phrases["words"][good] + (phrases["more"][good] if part == "test" else [])
            said.append(dice.pick(phrases["sentences"][part]).format(thing=thing, word=dice.pick(words)))
            worth.append(good)
        text = ("" if lang == "zh" else " ").join(said)
        made.append((text[0].upper() + text[1:], round(3 + float(np.mean(worth)), 2)))
    return made


def mood(lang: str, part: str, count: int) -> list[Example]:
    def named(stars: float) -> str:
        return "positive" if stars > 3.4 else "negative" if stars < 2.6 else "neutral"

    return [Example(text=text, label=named(stars)) for text, stars in reviews(lang, part, count)]


def stars(lang: str, part: str, count: int) -> list[Example]:
    return [Example(text=text, score=score) for text, score in reviews(lang, part, count)]


def values(lang: str, part: str, count: int) -> list[Example]:
    made: list[Example] = []
    for talk in make_logs(count, lang=lang, part="test" if part == "test" else "train"):
        for note in talk.annotations.messages if talk.annotations else []:
            labels = tuple(sorted({span.label for span in note.slots or ()}))
            made.append(Example(text=talk.messages[note.index].content or "", labels=labels))
    return made[:count]


TASKS = {"mood": mood, "stars": stars, "values": values}


def truth(examples: Sequence[Example]) -> list[Any]:
    return [getattr(one, examples[0].kind) for one in examples]


def figures_of(kind: str, said: Sequence[Any], test: Sequence[Example]) -> dict[str, float]:
    """The same figures as dialoop's, of answers that come from elsewhere."""
    true = truth(test)
    if kind == "score":
        gap = np.asarray(said, dtype=float) - np.asarray(true)
        moves = float(np.std(said)) > 0
        pearson = float(np.corrcoef(said, true)[0, 1]) if moves else 0.0
        return {
            "score_mse": float(np.mean(gap**2)),
            "score_mae": float(np.mean(abs(gap))),
            "score_pearson": pearson,
        }
    sets = [
        (set(a) if kind == "labels" else {a}, set(b) if kind == "labels" else {b})
        for a, b in zip(said, true, strict=True)
    ]
    names = sorted(set.union(*(a | b for a, b in sets)))
    hits, guesses, needs = (
        Counter[str](name for some in lists for name in some)
        for lists in ([a & b for a, b in sets], [a for a, _ in sets], [b for _, b in sets])
    )
    each = [2 * hits[name] / max(1, guesses[name] + needs[name]) for name in names]
    micro = 2 * hits.total() / max(1, guesses.total() + needs.total())
    right = float(np.mean([a == b for a, b in sets]))
    return {"label_accuracy": right, "label_macro_f1": float(np.mean(each)), "label_micro_f1": micro}


def nothing_learnt(kind: str, train: Sequence[Example], test: Sequence[Example]) -> list[Any]:
    """The mean score, or the commonest label or set of labels, for every text."""
    known = truth(train)
    common = float(np.mean(known)) if kind == "score" else Counter(known).most_common(1)[0][0]
    return [common] * len(test)


def linear(kind: str, train: Sequence[Example], test: Sequence[Example]) -> list[Any]:
    """TF-IDF of words and characters with a linear model."""
    parts = make_union(TfidfVectorizer(ngram_range=(1, 2)), TfidfVectorizer(analyzer="char", ngram_range=(1, 4)))
    texts, asked = [one.text for one in train], [one.text for one in test]
    if kind == "score":
        return list(make_pipeline(parts, Ridge(alpha=0.3)).fit(texts, truth(train)).predict(asked))
    if kind == "label":
        return list(
            make_pipeline(parts, LogisticRegression(C=10, max_iter=500)).fit(texts, truth(train)).predict(asked)
        )
    names = MultiLabelBinarizer()
    wanted = names.fit_transform(truth(train))
    model = make_pipeline(parts, OneVsRestClassifier(LogisticRegression(C=10, max_iter=500))).fit(texts, wanted)
    return list(names.inverse_transform(model.predict(asked)))


def dialoop(kind: str, train: Sequence[Example], test: Sequence[Example], base: str, epochs: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "train.jsonl"
        rows = [json.dumps({"text": one.text, kind: getattr(one, kind)}, ensure_ascii=False) + "\n" for one in train]
        data.write_text("".join(rows), encoding="utf-8")
        settings = TuneSettings.model_validate({"epochs": epochs} if epochs else {})
        tune(
            Job(data=str(data), base=base, tune=settings),
            run=Path(name) / "run",
            watch=TerminalWatch(Console(stderr=True)),
        )
        model = load_base(Path(name) / "run" / "model")
        found = evaluate_labelled(model, test, EvaluationSettings(resamples=100)).figures["all"]
    return {figure: float(found[figure].value or 0.0) for figure in FIGURES[kind]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lang", choices=("en", "zh"), required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--train", type=int, default=2000, help="texts to learn from")
    parser.add_argument("--test", type=int, default=500, help="texts to test with")
    parser.add_argument("--epochs", type=float, default=0.0, help="0: the default of tune")
    options = parser.parse_args()
    for task in options.tasks:
        began = time.monotonic()
        train, test = (TASKS[task](options.lang, part, getattr(options, part)) for part in ("train", "test"))
        kind = train[0].kind
        rows = {
            "nothing learnt": figures_of(kind, nothing_learnt(kind, train, test), test),
            "TF-IDF": figures_of(kind, linear(kind, train, test), test),
            "dialoop": dialoop(kind, train, test, options.base, options.epochs),
        }
        for name, found in rows.items():
            told = ", ".join(f"{figure.split('_', 1)[1]} {found[figure]:.3f}" for figure in FIGURES[kind])
            print(f"{task}, {options.lang}, {name}: {told}", flush=True)
        print(
            f"{task}: {len(train)} texts to learn from, {len(test)} to test with, {time.monotonic() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
