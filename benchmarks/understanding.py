"""Intents and what is out of scope: a tuned `mini` beside TF-IDF with logistic regression, on wordings never seen.

    python benchmarks/understanding.py [--run FOLDER]      # FOLDER: keeps the run, and takes it up where it is there
    python benchmarks/understanding.py --base runs/hotel   # an agent's own model in the place of `mini`
    python benchmarks/understanding.py --baseline          # the baseline alone, in half a minute

User turns of the hotel's logs: 400 conversations of the part "train" to learn from, 100 others of it held out, 300 of
the part "test", whose phrasings and names stand nowhere in training. Turns labelled `out_of_scope` and the sentences of
`out_of_scope.yaml` are never trained on; `fitting` chooses score and threshold, `figure` is measured. AUROC: how well
the score tells messages in scope from those out of it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from dialoop.conversation import Example
from dialoop.model import load_base
from dialoop.scenarios.hotel import make_logs
from dialoop.training import Job, TuneSettings, tune
from dialoop.understanding import OUT_OF_SCOPE, Understander, fit, labelled
from dialoop.understanding.calibration import Calibration
from dialoop.understanding.fitting import calibration_error, threshold_between
from dialoop.understanding.reading import read_texts
from dialoop.understanding.scores import METHODS, know, scope_scores

LANGUAGES = ("en", "zh")
SENTENCES = yaml.safe_load((Path(__file__).parent / "out_of_scope.yaml").read_text(encoding="utf-8"))


@dataclass
class Material:
    """Messages in scope and out of it, by what they are for."""

    train: list[Example]
    held_out: list[Example]
    held_out_others: list[Example]
    test: list[Example]
    test_others: list[Example]


@dataclass
class Outcome:
    """What a way of understanding says of the test: right or not, scores in and out of scope, and its threshold."""

    right: NDArray[np.bool_]
    sure: NDArray[np.floating]
    inside: NDArray[np.floating]
    outside: NDArray[np.floating]
    threshold: float


def material() -> Material:
    def turns(n: int, seed: int, part: str) -> tuple[list[Example], list[Example]]:
        found = list(labelled(make_logs(n, seed=seed, part="test" if part == "test" else "train")))
        return [one for one in found if one.label != OUT_OF_SCOPE], [one for one in found if one.label == OUT_OF_SCOPE]

    def sentences(kind: str) -> list[Example]:
        made = [(lang, text) for lang in LANGUAGES for text in SENTENCES[lang][kind].splitlines()]
        return [Example(text=text, label=OUT_OF_SCOPE, lang=lang) for lang, text in made]

    train, train_others = turns(400, 0, "train")
    held_out, held_out_others = turns(100, 1, "train")
    test, test_others = turns(300, 0, "test")
    others = [*train_others, *held_out_others, *sentences("fitting")]
    return Material(train, held_out, others, test, [*test_others, *sentences("figure")])


def baseline(given: Material) -> Outcome:
    """TF-IDF of words and characters, logistic regression; strength and n-grams chosen on the held-out turns."""
    texts, labels = [one.text for one in given.train], [str(one.label) for one in given.train]
    held = [one.text for one in given.held_out], np.array([one.label for one in given.held_out])
    tried: list[tuple[float, Pipeline]] = []
    for longest in (3, 5):
        for strength in (1.0, 10.0, 100.0):
            words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"[a-z0-9]+|[\u3400-\u9fff]", sublinear_tf=True)
            signs = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, longest), sublinear_tf=True)
            model = make_pipeline(make_union(words, signs), LogisticRegression(C=strength, max_iter=2000))
            model.fit(texts, labels)
            tried.append((float((model.predict(held[0]) == held[1]).mean()), model))
    model = max(tried, key=lambda pair: pair[0])[1]

    def sure(examples: Sequence[Example]) -> NDArray[np.floating]:
        return np.asarray(model.predict_proba([one.text for one in examples]).max(axis=1))

    said = model.predict([one.text for one in given.test])
    right = np.asarray(said == np.array([one.label for one in given.test]))
    threshold = threshold_between(
        sure(given.held_out).astype(np.float32), sure(given.held_out_others).astype(np.float32)
    )
    return Outcome(right, sure(given.test), sure(given.test), sure(given.test_others), threshold)


def tuned(given: Material, base: str, run: Path) -> Path:
    """The run's folder, tuned where it was not."""
    if not (run / "run" / "model").is_dir():
        run.mkdir(parents=True, exist_ok=True)
        for name, examples in (("train", given.train), ("held_out", given.held_out)):
            lines = [json.dumps({"text": one.text, "label": one.label, "lang": one.lang}) + "\n" for one in examples]
            (run / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        settings = TuneSettings(epochs=4, held_out=str(run / "held_out.jsonl"))
        result = tune(Job(data=str(run / "train.jsonl"), base=base, tune=settings), run=run / "run")
        print(f"tuned in {result.seconds:.0f} s")
    return run / "run"


def ours(given: Material, run: Path) -> Outcome:
    began = time.monotonic()
    calibration = fit(run, given.held_out_others)
    told = calibration.figures
    print(
        f"fitted in {time.monotonic() - began:.0f} s: {calibration.method}, temperature {calibration.temperature:.2f}"
    )
    print(f"  held out: {told.model_dump_json()}")
    understander = Understander.load(run / "model")
    made = understander.understand_all([one.text for one in given.test])
    right = np.array([next(iter(one.intents)) == true.label for one, true in zip(made, given.test, strict=True)])
    sure = np.array([next(iter(one.intents.values())) for one in made])
    inside, outside = by_method(given, run, calibration)
    print("  AUROC on the test by score:")
    for name in METHODS:
        print(
            f"    {name:12}" + "".join(f" {lang} {value:.3f}" for lang, value in aurocs(given, inside, outside, name))
        )
    return Outcome(right, sure, inside[calibration.method], outside[calibration.method], calibration.threshold)


Scores = dict[str, NDArray[np.floating]]


def by_method(given: Material, run: Path, calibration: Calibration) -> tuple[Scores, Scores]:
    """The scores of every method on the test, in scope and out of it."""
    base = load_base(run / "model")
    trained = read_texts(base, [one.text for one in given.train])
    inside: Scores = {}
    outside: Scores = {}
    reads = [read_texts(base, [one.text for one in some]) for some in (given.test, given.test_others)]
    for name in METHODS:
        known = know(name, trained.features, [str(one.label) for one in given.train])
        inside[name], outside[name] = (scope_scores(name, known, read.logits, read.features) for read in reads)
    return inside, outside


def aurocs(given: Material, inside: Scores, outside: Scores, name: str) -> list[tuple[str, float]]:
    return [(lang, auroc(given, lang, inside[name], outside[name])) for lang in LANGUAGES]


def auroc(given: Material, lang: str, inside: NDArray[np.floating], outside: NDArray[np.floating]) -> float:
    own = inside[[one.lang == lang for one in given.test]], outside[[one.lang == lang for one in given.test_others]]
    return float(roc_auc_score([1] * len(own[0]) + [0] * len(own[1]), np.concatenate(own)))


def show(title: str, given: Material, outcome: Outcome) -> None:
    for lang in LANGUAGES:
        mine = np.array([one.lang == lang for one in given.test])
        others = np.array([one.lang == lang for one in given.test_others])
        two = np.stack([outcome.sure[mine], 1 - outcome.sure[mine]], axis=1).astype(np.float32)
        error = calibration_error(two, (~outcome.right[mine]).astype(np.int64))
        print(
            f"{title:28}{lang}  accuracy {outcome.right[mine].mean():6.1%} of {mine.sum()}"
            f"   AUROC {auroc(given, lang, outcome.inside, outcome.outside):.3f} ({others.sum()} out of scope)"
            f"   kept {(outcome.inside[mine] >= outcome.threshold).mean():6.1%}"
            f"   refused {(outcome.outside[others] < outcome.threshold).mean():6.1%}   calibration error {error:.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="mini", help="what is tuned: mini, or a model that was tuned from it")
    parser.add_argument("--run", type=Path, help="folder that keeps the run")
    parser.add_argument("--baseline", action="store_true", help="the baseline alone")
    options = parser.parse_args()
    given = material()
    show("TF-IDF, logistic regression", given, baseline(given))
    if not options.baseline:
        with tempfile.TemporaryDirectory() as name:
            run = tuned(given, options.base, options.run or Path(name))
            show(f"{Path(options.base).name}, tuned and fitted", given, ours(given, run))


if __name__ == "__main__":
    main()
