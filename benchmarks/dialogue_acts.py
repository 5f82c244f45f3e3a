"""What users say to an agent, as slots and intents: tuned heads beside linear models without any neural net.

    python benchmarks/dialogue_acts.py slots --base ENCODER --data sgd/train.jsonl.gz --test sgd/dev.jsonl.gz
    python benchmarks/dialogue_acts.py intents --base mini --data crosswoz/train.jsonl.gz --test crosswoz/dev.jsonl.gz

Files hold conversations with `annotations.messages`. A text is one message of a user, without what came before it.

`slots`: spans, with the labels that the data has (SGD: the slot; CrossWOZ: domain and slot). A span is right where
label, start and end are. The linear model labels each word (or Chinese character) by those around it and by what words
the text has.

`intents`: SGD: the texts that say a new intent (act INFORM_INTENT; a "yes" to an offer says none), one label a text:
the intent without its service, for a text cannot tell two services of one intent apart. CrossWOZ: any number of acts a
text: act and domain, of a request its slot too, up to the first "-", so that all facilities of hotels are one; 43
labels. The linear model is logistic regression on TF-IDF of words and characters.

Services, tools and intents that training has not are told apart. Intervals: 95 %, whole conversations are drawn. --run
keeps the runs; one that is there is gone on with, or measured again.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from label_quality import baseline
from numpy.typing import NDArray
from rich.console import Console
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MultiLabelBinarizer

from dialoop.conversation import Example, MessageAnnotation, SlotSpan, dump_line, read_conversations
from dialoop.conversation.spans import runs_of, without_overlaps, words
from dialoop.evaluation import Difference, Figure
from dialoop.evaluation.formulas import micro_f1, ratio
from dialoop.evaluation.sample import by_hash
from dialoop.evaluation.tallies import Draws, Tally, tally
from dialoop.model import load_base, tag_texts
from dialoop.training import Job, TerminalWatch, TuneSettings, resume, tune
from dialoop.training.settings import read_job
from dialoop.understanding.reading import read_texts

SETTINGS: dict[str, dict[str, Any]] = {
    "slots": {"crf": True, "casing": True, "average": "tail", "patience": 99},
    "intents": {"patience": 99},
}
"""What each part is tuned with; all else that is not asked for: the defaults of `tune`."""
NEIGHBOURS = 3
"""Words that the linear tagger sees on each side."""
FEATURES = 2**18
"""Columns that its clues are hashed into."""
F1, EDGES, RIGHT = "micro F1", "micro F1 whatever the label", "all of a text right"
MEASURES = {"spans": [F1, EDGES], "label": [RIGHT], "labels": [F1, RIGHT]}
Found = set[tuple[str, int, int]]
"""Label, start and end; of an intent or act start and end are 0."""


class Turn(NamedTuple):
    """A user's message with what is to be found in it, and its conversation's id.

    `tools`: the services that the message speaks of, as SERVICE; of an intent the tool, as SERVICE__INTENT.
    """

    example: Example
    talk: str
    tools: frozenset[str]

    @property
    def truth(self) -> Found:
        one = self.example
        spans = {(span.label, span.start, span.end) for span in one.spans or ()}
        return spans | {(label, 0, 0) for label in one.labels or ([one.label] if one.label else ())}


def turns(path: Path, part: str, limit: int | None = None) -> list[Turn]:
    """The users' messages of all conversations of a file, or of so many, chosen by hash."""
    made = []
    for talk in by_hash(read_conversations(path), limit, 0).chosen:
        for note in talk.annotations.messages if talk.annotations else []:
            message = talk.messages[note.index]
            wanted = (slots_of if part == "slots" else intents_of)(note) if message.role == "user" else None
            if wanted:
                made.append(Turn(Example(text=message.content or "", **wanted[0]), talk.id, wanted[1]))
    return made


def slots_of(note: MessageAnnotation) -> tuple[dict[str, Any], frozenset[str]]:
    services = frozenset(act["service"] for act in note.acts or () if act.get("service"))
    return {"spans": tuple(without_overlaps(note.slots or ())[0])}, services


def intents_of(note: MessageAnnotation) -> tuple[dict[str, Any], frozenset[str]] | None:
    """The intent that is new in a message, None where none is; where the data has no intents, the acts."""
    acts = note.acts or []
    if note.intents is None:
        return {"labels": tuple(sorted({act_name(act) for act in acts}))}, frozenset()
    new = [act for act in acts if act["act"] == "INFORM_INTENT"]
    return ({"label": new[0]["values"][0]}, frozenset({f"{new[0]['service']}__{new[0]['values'][0]}"})) if new else None


def act_name(act: dict[str, Any]) -> str:
    slot = act["slot"].split("-")[0] if act["act"] == "Request" else None
    return "+".join(part for part in (act["act"], act.get("service"), slot) if part)


def shape(word: str) -> str:
    return re.sub(r"(.)\1+", r"\1", re.sub(r"\d", "0", re.sub(r"[A-Z]", "A", re.sub(r"[a-z]", "a", word))))


def clues(text: str) -> list[list[str]]:
    """What the linear tagger knows of each word: it and its neighbours, pairs, shapes, beginnings, ends; all words and
    pairs of the text, wherever they stand.
    """
    edge = [""] * NEIGHBOURS
    row = edge + [text[start:end] for start, end in words(text)] + edge
    lower = [one.lower() for one in row]
    whole = sorted({f"has {one}" for one in lower} | {f"has {one} {other}" for one, other in pairwise(lower)})
    known = []
    for at in range(NEIGHBOURS, len(row) - NEIGHBOURS):
        near = row[at - NEIGHBOURS : at + NEIGHBOURS + 1]
        small, word = lower[at - NEIGHBOURS : at + NEIGHBOURS + 1], lower[at]
        known.append(
            whole
            + [f"{place} {one}" for place, one in enumerate(small)]
            + [f"{place} {one} {other}" for place, (one, other) in enumerate(pairwise(small))]
            + [f"{place} shape {shape(one)}" for place, one in enumerate(near)]
            + [f"begins {word[:size]}" for size in (1, 2, 3)]
            + [f"ends {word[-size:]}" for size in (1, 2, 3)]
        )
    return known


def tags(example: Example, labels: Sequence[str]) -> list[int]:
    """Of each word: 0 outside, 2i+1 where a span of label i begins, 2i+2 where it goes on."""
    spans, begun, found = example.spans or (), set[int](), []
    for start, end in words(example.text):
        over = next((n for n, span in enumerate(spans) if start < span.end and span.start < end), None)
        found.append(0 if over is None else 2 * labels.index(spans[over].label) + 1 + (over in begun))
        begun |= set() if over is None else {over}
    return found


def linear_spans(train: Sequence[Example], test: Sequence[Example]) -> list[Found]:
    """Logistic regression, one tag against all others, on hashed clues; each word by itself."""
    labels = sorted({span.label for one in train for span in one.spans or ()})
    hasher = FeatureHasher(FEATURES, input_type="string", dtype=np.float32)
    model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=10, tol=None, average=True, random_state=0)
    known, asked = (hasher.transform(row for one in some for row in clues(one.text)) for some in (train, test))
    model.fit(known, [tag for one in train for tag in tags(one, labels)])
    said = model.predict(asked)
    found, at = list[Found](), 0
    for one in test:
        places = words(one.text)
        runs = runs_of(said[at : at + len(places)].tolist(), labels)
        found.append({(label, places[first][0], places[last][1]) for label, first, last in runs})
        at += len(places)
    return found


def linear_labels(train: Sequence[Example], test: Sequence[Example]) -> list[Found]:
    """TF-IDF of words and characters, logistic regression for each label."""
    names, signs = MultiLabelBinarizer(), TfidfVectorizer(analyzer="char", ngram_range=(1, 4))
    heads = OneVsRestClassifier(LogisticRegression(C=100.0, max_iter=500))
    model = make_pipeline(make_union(TfidfVectorizer(ngram_range=(1, 2)), signs), heads)
    model.fit([one.text for one in train], names.fit_transform([one.labels for one in train]))
    said = names.inverse_transform(model.predict([one.text for one in test]))
    return [{(label, 0, 0) for label in some} for some in said]


Answers = tuple[list[Found], NDArray[np.floating] | None]
"""What is found in each text, and how sure that is where one label is said."""


def linear_said(train: Sequence[Example], test: Sequence[Example]) -> Answers:
    if test[0].kind == "spans":
        return linear_spans(train, test), None
    if test[0].kind == "labels":
        return linear_labels(train, test), None
    model = baseline(train)
    chances = model.predict_proba([one.text for one in test])
    return [{(label, 0, 0)} for label in model.classes_[chances.argmax(axis=1)]], chances.max(axis=1)


def dialoop_said(run: Path, test: Sequence[Example]) -> Answers:
    base, texts = load_base(run / "model"), [one.text for one in test]
    if base.head.kind == "tag":
        return [{(span.label, span.start, span.end) for span in spans} for spans in tag_texts(base, texts)], None
    logits, labels = read_texts(base, texts).logits.astype(np.float64), base.head.labels
    if base.head.multi_label:
        return [{(labels[i], 0, 0) for i in np.flatnonzero(row > 0)} for row in logits], None
    sure = 1 / np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)
    return [{(labels[i], 0, 0)} for i in logits.argmax(axis=1)], sure


def row_of(example: Example) -> dict[str, Any]:
    def plain(span: SlotSpan) -> dict[str, Any]:
        return {"label": span.label, "start": span.start, "end": span.end}

    kind = example.kind
    return {"text": example.text, kind: list(map(plain, example.spans)) if example.spans else getattr(example, kind)}


def tuned(train: Sequence[Example], base: str, folder: Path, settings: TuneSettings) -> Path:
    """The run's folder, tuned where it was not. Raises SystemExit where a run of other texts or settings is there."""
    run, data, watch = folder / "run", folder / "train.jsonl", TerminalWatch(Console(stderr=True))
    job = Job(data=str(data), base=base, tune=settings)
    text = "".join(dump_line(row_of(one)) + "\n" for one in train)
    begun = run.exists()
    if begun and (read_job(run / "settings.yaml") != job or data.read_text(encoding="utf-8") != text):
        raise SystemExit(f"{run} is of other texts or settings: name another folder with --run")
    if not begun:
        folder.mkdir(parents=True, exist_ok=True)
        data.write_text(text, encoding="utf-8")
    if not (run / "model").is_dir():
        result = resume(run, watch=watch) if begun else tune(job, run=run, watch=watch)
        if result.model is None:
            raise SystemExit(f"stopped after {result.steps} steps; give the same command again")
        print(f"tuned in {result.seconds:.0f} s, {result.steps} steps", flush=True)
    return run


def grouped(taught: Sequence[Turn], test: Sequence[Turn], part: str) -> dict[str, list[int]]:
    """The places of all texts to test with, and of those whose services, tools or intents training has or has not."""
    tools = frozenset[str]().union(*(one.tools for one in taught))
    labels = {one.example.label for one in taught}
    noun = "services" if part == "slots" else "tools"
    groups: dict[str, list[int]] = {"all": list(range(len(test)))}
    for place, one in enumerate(test):
        name = f"{noun} unseen" if one.tools - tools else f"{noun} seen"
        if one.example.label not in labels and one.example.label is not None:
            name = "intents unseen"
        groups.setdefault(name, []).append(place)
    return groups if len(groups) > 2 else {"all": groups["all"]}


def tallied(test: Sequence[Turn], said: Sequence[Found], places: Sequence[int], measure: str) -> Tally:
    """Sums by conversation of the texts at these places, for one of the measures."""
    numbers = {talk: number for number, talk in enumerate(dict.fromkeys(test[place].talk for place in places))}
    rows: list[tuple[int, tuple[int, ...]]] = []
    for place in places:
        true, found = test[place].truth, said[place]
        if measure == EDGES:
            true, found = ({("", start, end) for _, start, end in some} for some in (true, found))
        sums = (int(true == found), 1) if measure == RIGHT else (len(true & found), len(found), len(true))
        rows.append((numbers[test[place].talk], sums))
    return tally(len(numbers), rows, len(rows[0][1]), ratio if measure == RIGHT else micro_f1)


def show(name: str, before: Tally, after: Tally) -> None:
    """One line: what the linear model has, what dialoop has, and by how much dialoop has more; with intervals."""
    draws = Draws.make(len(before.units), 1000, 0)
    figures: dict[str, Figure | Difference] = {
        "linear": before.figure(draws, 0.95),
        "dialoop": after.figure(draws, 0.95),
        "difference": before.difference(after, draws, 0.95),
    }
    told = ", ".join(
        f"{what} {one.value or 0:.1%} ({one.low or 0:.1%} to {one.high or 0:.1%})" for what, one in figures.items()
    )
    print(f"{name} of {int(before.units.sum()):,}: {told}", flush=True)


def told_unseen(taught: Sequence[Turn], test: Sequence[Turn], answers: dict[str, Answers]) -> None:
    """Labels to test with that training has not, and whether the surest label's probability tells their texts."""
    labels = {label for one in taught for label, _, _ in one.truth}
    missed = [[label for label, _, _ in one.truth if label not in labels] for one in test]
    new, names = list(map(bool, missed)), sorted({label for some in missed for label in some})
    print(f"unseen labels, {len(names)}: {sum(map(len, missed)):,} times in {sum(new):,} texts: {', '.join(names)}")
    for who, (_, sure) in answers.items():
        if sure is not None and any(new):
            print(
                f"{who}: AUROC of the surest label's probability, to tell these texts: {roc_auc_score(new, -sure):.3f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=SETTINGS)
    parser.add_argument("--base", required=True, help="mini, or an encoder: its folder or name")
    parser.add_argument("--data", type=Path, required=True, help="conversations to learn from")
    parser.add_argument("--test", type=Path, required=True, help="conversations to test with")
    parser.add_argument("--limit", type=int, help="conversations to learn from, chosen by hash; else all")
    parser.add_argument("--epochs", type=float, default=0.0, help="0: the default of tune")
    parser.add_argument("--lr", type=float, default=0.0, help="0: the default of tune")
    parser.add_argument("--run", type=Path, help="folder that keeps the run; another one for other options")
    options = parser.parse_args()
    taught, test = turns(options.data, options.part, options.limit), turns(options.test, options.part)
    train, asked = [one.example for one in taught], [one.example for one in test]
    print(f"{len(train):,} texts to learn from, {len(test):,} to test with", flush=True)
    asked_for = {name: value for name in ("epochs", "lr") if (value := getattr(options, name))}
    settings = TuneSettings.model_validate(SETTINGS[options.part] | asked_for)
    with tempfile.TemporaryDirectory() as name:
        began = time.monotonic()
        plain = linear_said(train, asked)
        print(f"linear: {time.monotonic() - began:.0f} s", flush=True)
        began = time.monotonic()
        folder = tuned(train, options.base, options.run or Path(name), settings)
        own = dialoop_said(folder, asked)
        print(f"dialoop: {time.monotonic() - began:.0f} s", flush=True)
    for group, places in grouped(taught, test, options.part).items():
        for measure in MEASURES[asked[0].kind]:
            before, after = (tallied(test, said, places, measure) for said, _ in (plain, own))
            show(f"{group}, {measure}", before, after)
    told_unseen(taught, test, {"linear": plain, "dialoop": own})


if __name__ == "__main__":
    main()
