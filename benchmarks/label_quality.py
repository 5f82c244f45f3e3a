"""How right labels are: a tuned sentence encoder beside TF-IDF with logistic regression, on English intents.

    python benchmarks/label_quality.py few  --base ENCODER --data banking77/train.jsonl.gz [--shots 10]
    python benchmarks/label_quality.py full --base ENCODER --data banking77/train.jsonl.gz
    python benchmarks/label_quality.py scope --base ENCODER --data clinc150/train.jsonl.gz --test clinc150/dev.jsonl.gz

Files hold `text` and `label`, one JSON object a line. Without --test every tenth text, by hash, is the test and never
trained on. `few` learns from so many texts a label, `full` from all of them. `scope` takes texts labelled `oos` for
what is out of scope: they are never trained on; those of --data choose the score (`dialoop.understanding.fit`), those
of --test are told from the others. --run keeps the runs; one that is there is gone on with, or measured again.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from dialoop.conversation import Example
from dialoop.model import load_base
from dialoop.training import Job, TerminalWatch, TuneSettings, resume, tune
from dialoop.understanding import OUT_OF_SCOPE, fit
from dialoop.understanding.reading import read_texts
from dialoop.understanding.scores import scope_scores

KEPT = 0.95
"""Share of the texts in scope that stay, where the recall of those out of scope is taken."""
Scores = NDArray[np.floating]
MANY = {"contrastive": "on", "epochs": 4, "batch_size": 128, "lr": 3e-4, "freeze_embeddings": True}
SETTINGS = {
    "few": TuneSettings(held_out="0"),
    "full": TuneSettings.model_validate({"held_out": "0", **MANY}),
    "scope": TuneSettings.model_validate({"patience": 99, **MANY}),
}
"""What each part is tuned with; `scope` holds texts out, as `fit` needs them. All else: the defaults of `tune`."""


def read(path: Path) -> list[Example]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [Example(text=row["text"], label=OUT_OF_SCOPE if row["label"] == "oos" else row["label"]) for row in rows]


def number(text: str, seed: int = 0) -> int:
    """A number that depends on the text's letters and the seed alone."""
    return int(hashlib.sha256(f"{seed}\n{' '.join(text.lower().split())}".encode()).hexdigest()[:12], 16)


def parted(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """To learn from, and every tenth by hash to test with."""
    return [one for one in examples if number(one.text) % 10], [one for one in examples if not number(one.text) % 10]


def few_of(examples: Sequence[Example], shots: int, seed: int) -> list[Example]:
    """So many texts of each label, drawn by hash."""
    drawn: dict[str, list[Example]] = {}
    for one in sorted(examples, key=lambda one: number(one.text, seed + 1)):
        drawn.setdefault(str(one.label), []).append(one)
    return [one for label in sorted(drawn) for one in drawn[label][:shots]]


def baseline(train: Sequence[Example]) -> Pipeline:
    """TF-IDF of words and characters, logistic regression of strength 10."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    signs = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    model = make_pipeline(make_union(words, signs), LogisticRegression(C=10.0, max_iter=500))
    return model.fit([one.text for one in train], [one.label for one in train])


def accuracy(test: Sequence[Example], said: Sequence[str] | NDArray[np.str_]) -> float:
    return float(np.mean([label == one.label for label, one in zip(said, test, strict=True)]))


def tuned(train: Sequence[Example], base: str, run: Path, settings: TuneSettings) -> Path:
    """The run's folder, tuned where it was not."""
    if not (run / "run" / "model").is_dir():
        run.mkdir(parents=True, exist_ok=True)
        data = run / "train.jsonl"
        rows = [json.dumps({"text": one.text, "label": one.label}, ensure_ascii=False) + "\n" for one in train]
        data.write_text("".join(rows), encoding="utf-8")
        job, watch = Job(data=str(data), base=base, tune=settings), TerminalWatch(Console(stderr=True))
        begun = (run / "run").exists()
        result = resume(run / "run", watch=watch) if begun else tune(job, run=run / "run", watch=watch)
        if result.model is None:
            raise SystemExit(f"stopped after {result.steps} steps; give the same command again")
        print(f"tuned in {result.seconds:.0f} s, {result.steps} steps")
    return run / "run"


def labels_said(run: Path, test: Sequence[Example]) -> list[str]:
    base = load_base(run / "model")
    return [base.head.labels[i] for i in read_texts(base, [one.text for one in test]).logits.argmax(axis=1)]


def show_labels(options: argparse.Namespace, folder: Path) -> None:
    """`few` and `full`."""
    train, test = parted(read(options.data))
    if options.test:
        train, test = read(options.data), read(options.test)
    seeds = options.seeds if options.part == "few" else [0]
    found = []
    for seed in seeds:
        chosen = few_of(train, options.shots, seed) if options.part == "few" else train
        run = tuned(chosen, options.base, folder / f"{options.part}-{seed}", SETTINGS[options.part])
        plain = baseline(chosen).predict([one.text for one in test])
        found.append((accuracy(test, plain), accuracy(test, labels_said(run, test))))
        print(
            f"{options.part}, draw {seed}: {len(chosen)} texts to learn from, {len(test)} to test with:"
            f" TF-IDF {found[-1][0]:.1%}, dialoop {found[-1][1]:.1%}"
        )
    plain_mean, own_mean = np.mean(found, axis=0)
    print(f"mean of {len(found)}: TF-IDF {plain_mean:.1%}, dialoop {own_mean:.1%}")


def show_scope(options: argparse.Namespace, folder: Path) -> None:
    """`scope`: accuracy in scope, and how well what is out of scope is told."""
    train, test = read(options.data), read(options.test)
    inside, outside = ([one for one in test if (one.label == OUT_OF_SCOPE) == out] for out in (False, True))
    taught = [one for one in train if one.label != OUT_OF_SCOPE]
    plain = baseline(taught)
    sure = [plain.predict_proba([one.text for one in some]).max(axis=1) for some in (inside, outside)]
    told("TF-IDF", accuracy(inside, plain.predict([one.text for one in inside])), *sure)
    run = tuned(taught, options.base, folder / "scope", SETTINGS["scope"])
    calibration = fit(run, [one for one in train if one.label == OUT_OF_SCOPE])
    base, known = load_base(run / "model"), calibration.known()
    reads = [read_texts(base, [one.text for one in some]) for some in (inside, outside)]
    right = accuracy(inside, [base.head.labels[i] for i in reads[0].logits.argmax(axis=1)])
    scores = [scope_scores(calibration.method, known, one.logits, one.features) for one in reads]
    told(f"dialoop, {calibration.method}", right, *scores)


def told(name: str, right: float, inside: Scores, outside: Scores) -> None:
    auroc = roc_auc_score([1] * len(inside) + [0] * len(outside), np.concatenate([inside, outside]))
    recall = (outside < np.quantile(inside, 1 - KEPT)).mean()
    print(
        f"{name}: accuracy of {len(inside)} in scope {right:.1%}; {len(outside)} out of scope: AUROC {auroc:.3f},"
        f" {recall:.1%} found where {KEPT:.0%} in scope are kept"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("few", "full", "scope"))
    parser.add_argument("--base", required=True, help="a sentence encoder: its folder or name")
    parser.add_argument("--data", type=Path, required=True, help="labelled texts to learn from")
    parser.add_argument("--test", type=Path, help="labelled texts to test with; else every tenth of --data")
    parser.add_argument("--shots", type=int, default=10, help="few: texts a label")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="few: draws")
    parser.add_argument("--run", type=Path, help="folder that keeps the runs")
    options = parser.parse_args()
    if options.part == "scope" and not options.test:
        parser.error("scope needs --test")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        (show_scope if options.part == "scope" else show_labels)(options, options.run or Path(name))
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
