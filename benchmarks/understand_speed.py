"""One utterance, and 64 at once: dialoop's understander beside transformers' pipeline and TF-IDF, on the same texts.

    python benchmarks/understand_speed.py TEXTS --base FOLDER --run FOLDER

TEXTS: labelled texts, one label each; every tenth, by the SHA-256 of its text, is held out here, and neither trained on
nor used to check the conversion. The folder of --run keeps the run and takes it up where it is there; Ctrl-C stops the
tuning, and the same command goes on. All ways are timed in one process, in turns. dialoop and the pipeline read with
the same weights; dialoop's `understand` also calibrates and scores the scope.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from transformers import AutoTokenizer, pipeline

from dialoop.conversation import Example
from dialoop.model.backbone import quietly
from dialoop.training import Job, TuneSettings, resume, tune
from dialoop.training.material import read_records
from dialoop.understanding import Understander, convert, fit
from dialoop.understanding.conversion import read_conversion

TOKENS = 12
"""Of the one utterance, control tokens among them; all held-out texts of this length take turns."""
AT_ONCE = 64
WARM = 10


@dataclass
class Way:
    """One way to label texts. `many`: by what it is called → how it labels 64 texts at once.

    `alone`: seconds of a call with one text. `together`: seconds of 64 texts, by the same names as `many`.
    """

    name: str
    one: Callable[[str], str]
    many: dict[str, Callable[[list[str]], list[str]]]
    alone: list[float] = field(default_factory=list)
    together: dict[str, list[float]] = field(default_factory=dict)


def parted(texts: Path) -> tuple[list[Example], list[Example]]:
    """What is trained on, and every tenth by hash."""
    train: list[Example] = []
    held_out: list[Example] = []
    for one in read_records(texts).examples:
        tenth = int(hashlib.sha256(one.text.encode()).hexdigest(), 16) % 10 == 0
        (held_out if tenth else train).append(one)
    return train, held_out


def tuned(train: Sequence[Example], base: str, run: Path, epochs: float) -> Path:
    """The model of the run: tuned, fitted and converted, as far as it was not."""
    if not (run / "settings.yaml").exists():
        data = run.with_name(f"{run.name}.train.jsonl")
        data.parent.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps({"text": one.text, "label": one.label}, ensure_ascii=False) + "\n" for one in train)
        data.write_text("".join(lines), encoding="utf-8")
        # own: stock transformers, which the pipeline is, cannot read the mean of the tokens
        settings = TuneSettings(epochs=epochs, batch_size=32, lr=2e-4, pooling="own")
        result = tune(Job(data=str(data), base=base, tune=settings), run=run)
    elif not (run / "model").is_dir():
        result = resume(run)
    if not (run / "model").is_dir():
        sys.exit(f"stopped after step {result.steps}; the same command goes on")
    if not (run / "model" / "understanding.json").exists():
        fit(run)
    if not (run / "model" / "onnx").exists():
        convert(run)
    return run / "model"


def threaded(one: Callable[[str], str], texts: list[str]) -> list[str]:
    """Each text asked for by a thread of its own, all at the same moment."""
    found = [""] * len(texts)
    start = threading.Barrier(len(texts))

    def ask(number: int) -> None:
        start.wait()
        found[number] = one(texts[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def of_dialoop(model: Path, way: Any) -> Way:
    understander = Understander.load(model, way=way)

    def one(text: str) -> str:
        return next(iter(understander.understand(text).intents))

    def many(texts: list[str]) -> list[str]:
        return [next(iter(found.intents)) for found in understander.understand_all(texts)]

    return Way(f"dialoop, {understander.way}", one, {"batch": many, "threads": partial(threaded, one)})


def of_transformers(model: Path) -> Way:
    with quietly():
        reads = pipeline("text-classification", model=str(model), device="cpu")

    def many(texts: list[str]) -> list[str]:
        return [found["label"] for found in reads(texts, batch_size=AT_ONCE)]

    return Way("transformers pipeline", lambda text: reads(text)[0]["label"], {"batch": many})


def of_counts(train: Sequence[Example]) -> Way:
    """TF-IDF of words and characters with logistic regression."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    signs = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2)
    model = make_pipeline(make_union(words, signs), LogisticRegression(C=30.0, max_iter=200))
    model.fit([one.text for one in train], [str(one.label) for one in train])

    def many(texts: list[str]) -> list[str]:
        return [str(label) for label in model.predict(texts)]

    return Way("TF-IDF, logistic regression", lambda text: many([text])[0], {"batch": many})


def timed(ways: Sequence[Way], short: list[str], batches: list[list[str]], rounds: int, calls: int) -> None:
    """Every way in turn, `rounds` times: `calls` single texts, then each batch once by each of its `many`."""
    for way in ways:
        for number in range(WARM):
            way.one(short[number % len(short)])
        for label in way.many.values():
            label(batches[0])
    for turn in range(rounds):
        for way in ways:
            for number in range(calls):
                text = short[(turn * calls + number) % len(short)]
                began = time.perf_counter()
                way.one(text)
                way.alone.append(time.perf_counter() - began)
            for name, label in way.many.items():
                for batch in batches:
                    began = time.perf_counter()
                    label(batch)
                    way.together.setdefault(name, []).append(time.perf_counter() - began)


def show(ways: Sequence[Way], beside: Way, held_out: Sequence[Example]) -> None:
    truth = [str(one.label) for one in held_out]
    said = {way.name: way.many["batch"]([one.text for one in held_out]) for way in ways}
    usual = float(np.median(beside.alone))
    per_second = AT_ONCE / float(np.median(beside.together["batch"]))
    print(f"of the {beside.name}'s in brackets")
    for way in ways:
        right = float(np.mean([one == other for one, other in zip(said[way.name], truth, strict=True)]))
        same = float(np.mean([one == other for one, other in zip(said[way.name], said[beside.name], strict=True)]))
        p50, p99 = np.quantile(way.alone, [0.5, 0.99]) * 1e3
        rates = ", ".join(
            f"{name} {AT_ONCE / np.median(some):,.0f} a second ({AT_ONCE / np.median(some) / per_second:.2f})"
            for name, some in way.together.items()
        )
        print(
            f"{way.name:28} p50 {p50:6.2f} ms ({p50 / usual / 1e3:.3f})  p99 {p99:6.2f} ms   {AT_ONCE} at once: {rates}"
            f"   accuracy {right:.2%}, agrees by {same:.2%}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path, help="labelled texts, one label each")
    parser.add_argument("--base", required=True, help="what is tuned: a folder, mini, a hub name")
    parser.add_argument("--run", type=Path, required=True, help="folder that keeps the run")
    parser.add_argument("--epochs", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=60, help="single texts in a round")
    options = parser.parse_args()
    train, held_out = parted(options.texts)
    model = tuned(train, options.base, options.run, options.epochs)
    print(read_conversion(model / "onnx").told())
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    texts = [one.text for one in held_out]
    short = [text for text in texts if len(tokenizer(text)["input_ids"]) == TOKENS]
    batches = [texts[start : start + AT_ONCE] for start in range(0, 4 * AT_ONCE, AT_ONCE)]
    beside = of_transformers(model)
    ways = [of_dialoop(model, "onnx"), of_dialoop(model, "torch"), beside, of_counts(train)]
    print(f"{len(train):,} texts to learn from, {len(held_out):,} held out, {len(short)} of them of {TOKENS} tokens")
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}; {options.rounds} × {options.calls} calls")
    timed(ways, short, batches, options.rounds, options.calls)
    show(ways, beside, held_out)


if __name__ == "__main__":
    main()
