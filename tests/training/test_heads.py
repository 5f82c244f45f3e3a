"""Taggers and scorers through the same loop: learnt, saved, gone on with, and what they are told of the data."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest

from dialoop.conversation import Example, SlotSpan, read_examples, scan
from dialoop.conversation.export import written
from dialoop.errors import DataError, SettingsError
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.evaluation.tag import evaluate_tagger
from dialoop.model import Head, load_base, tag_texts
from dialoop.model.scoring import score_texts
from dialoop.training import Job, Quiet, TuneSettings, resume, tune
from dialoop.training.batches import lay_tags
from dialoop.training.material import choose_head, read_records, samples_of

TOWNS, DAYS = ("York", "New York", "Ulm", "上海"), ("Monday", "today", "星期一")


def spans_file(folder: Path, count: int = 60, name: str = "spans.jsonl") -> Path:
    dice = Random(1)
    lines = []
    for number in range(count):
        town, day = dice.choice(TOWNS), dice.choice(DAYS)
        text = f"{number} rooms in {town} for {day}, please"
        spans = [(found, text.index(found), label) for found, label in ((town, "town"), (day, "day"))]
        marks = [{"label": label, "start": at, "end": at + len(found)} for found, at, label in spans]
        lines.append({"text": text, "spans": marks if number % 5 else marks[:1]} if number % 7 else
                     {"text": f"{number} rooms, please", "spans": []})  # fmt: skip
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder / name


def scores_file(folder: Path, count: int = 60) -> Path:
    lines = [
        {"text": f"very {'good' if number % 2 else 'bad'} room, {number}", "score": 40.0 + 10 * (number % 2)}
        for number in range(count)
    ]
    (folder / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder / "scores.jsonl"


def settings(**values: object) -> TuneSettings:
    fast = {"precision": "float32", "device": "cpu", "lr": 0.003, "epochs": 12, "patience": 20, "batch_size": 4}
    return TuneSettings.model_validate(fast | values)


class Lines(Quiet):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


@pytest.mark.parametrize(("kind", "crf"), [("bert", False), ("bert", True), ("qwen3", False), ("gpt2", True)])
def test_spans_teach_a_tagger(kind, crf, bases, tmp_path: Path):
    job = Job(data=str(spans_file(tmp_path)), base=str(bases[kind]), tune=settings(crf=crf, casing=crf, epochs=6))
    result = tune(job, run=tmp_path / "run")
    assert result.before is not None
    assert result.after is not None
    assert result.after < 0.5 * result.before
    tuned = load_base(result.folder)
    assert tuned.head == Head(kind="tag", labels=("day", "town"), crf=crf, casing=crf)
    text = "99 rooms in New York for 星期一, please"
    (found,) = tag_texts(tuned, [text])
    if kind == "bert":
        assert [(span.label, text[span.start : span.end]) for span in found] == [
            ("town", "New York"),
            ("day", "星期一"),
        ]


def test_neighbours_in_a_document_teach_what_a_text_alone_does_not_tell(bases, tmp_path: Path):
    lines = []
    for number in range(60):
        kind = ("town", "food")[number % 2]
        lines.append({"text": f"A list of each {kind}", "spans": [], "id": f"{number} list", "document": str(number)})
        spans = [{"label": kind, "start": 0, "end": 3}]
        lines.append({"text": "Ulm", "spans": spans, "id": f"{number} word", "document": str(number)})
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    f1 = {}
    for context in (0, 64):
        job = Job(data=str(tmp_path / "d.jsonl"), base=str(bases["bert"]), tune=settings(context=context, epochs=20))
        tuned = load_base(tune(job, run=tmp_path / f"run{context}").folder)
        assert tuned.head.context == context
        examples = list(read_examples(tmp_path / "d.jsonl"))
        evaluation = evaluate_tagger(tuned, examples, EvaluationSettings())
        f1[context] = evaluation.figures["all"]["span_f1"].value
        few = evaluate_tagger(tuned, examples, EvaluationSettings(limit=9))
        said = {one.conversation: one.said_labels for one in evaluation.answers}
        assert [one.said_labels for one in few.answers] == [said[one.conversation] for one in few.answers]
    assert f1[0] < 0.8
    assert f1[64] > 0.95


def test_columns_teach_the_same_as_spans_in_every_scheme(bases, tmp_path: Path):
    examples = [one for one in scan(spans_file(tmp_path)) if isinstance(one, Example)]
    base = load_base(bases["llama"], head=Head(kind="tag", labels=("day", "town")))
    wanted = samples_of(examples, base, base.window)
    for scheme in ("IOB1", "IOB2", "BILOU"):
        path = tmp_path / f"{scheme}.conll"
        path.write_text("\n".join(written(examples, "conll", "lines", scheme=scheme)) + "\n", encoding="utf-8")
        records = read_records(path)
        assert choose_head(records, "tag", records.examples) == base.head
        side = samples_of(records.examples, base, base.window)
        for one, other in zip(side.samples, wanted.samples, strict=True):
            np.testing.assert_array_equal(one.truth, other.truth)


def test_long_texts_are_learnt_in_windows_and_overlaps_and_inexact_spans_are_counted_and_told(bases, tmp_path: Path):
    base = load_base(bases["bert"], head=Head(kind="tag", labels=("a", "b")))
    long = Example(text="York and Ulm " * 30, spans=(SlotSpan(label="a", start=0, end=4),))
    overlap = Example(text="New York", spans=(SlotSpan(label="a", start=0, end=8), SlotSpan(label="b", start=4, end=8)))
    other = Example(text="Ulm", spans=(SlotSpan(label="c", start=0, end=3),))
    side = samples_of([long, overlap, other], base, 24)
    whole = samples_of([long, overlap], base, 512)
    counts = side.counts
    assert (counts.texts_in_windows, counts.spans_overlapping, counts.unknown_labels) == (1, 1, 1)
    assert counts.targets == whole.counts.targets == sum(one.count for one in side.samples)
    assert all(len(one.ids) <= 24 for one in side.samples)
    batch = lay_tags(side.samples, 0)
    assert batch.count == counts.targets
    assert int((batch.truth != -100).sum()) == batch.count
    lines = [{"text": "the library is closed", "spans": [{"label": "a", "start": 4, "end": 6}]}]
    lines += [{"text": "New York", "spans": [[0, 8, "a"], [4, 8, "b"]]}]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    said = Lines()
    tune(Job(data=str(tmp_path / "x.jsonl"), base=str(bases["bert"]), tune=settings(epochs=1)), run=tmp_path / "r",
         watch=said)  # fmt: skip
    assert "train: 1 spans begin or end within a token and are taught as the whole of it" in said.said
    assert any("1 spans overlap a longer one" in line for line in said.said)


@pytest.mark.parametrize("kind", ["bert", "llama"])
def test_scores_teach_a_scorer_in_their_own_unit(kind, bases, tmp_path: Path):
    job = Job(data=str(scores_file(tmp_path)), base=str(bases[kind]), tune=settings())
    result = tune(job, run=tmp_path / "run")
    assert result.before is not None
    assert result.after is not None
    assert result.after < 0.3 * result.before
    tuned = load_base(result.folder)
    assert tuned.head.kind == "regress"
    assert tuned.head.mean == pytest.approx(45, abs=0.5)
    good, bad = score_texts(tuned, ["very good room, 7", "very bad room, 8"])
    assert good == pytest.approx(50, abs=4)
    assert bad == pytest.approx(40, abs=4)


@pytest.mark.parametrize("crf", [False, True], ids=["plain", "crf"])
def test_a_tagger_that_was_interrupted_goes_on_to_the_same_model(crf, bases, tmp_path: Path, monkeypatch):
    job = Job(data=str(spans_file(tmp_path, 24)), base=str(bases["bert"]), tune=settings(epochs=2, crf=crf))
    whole = tune(job, run=tmp_path / "whole")
    from dialoop.training import tuning

    monkeypatch.setattr(tuning, "SAVE_EVERY", 0.0)
    real = tuning._Tuning._step

    def torn(self: tuning._Tuning) -> None:
        if self.progress.step == 5:
            raise KeyboardInterrupt
        real(self)
        self._save()

    monkeypatch.setattr(tuning._Tuning, "_step", torn)
    with pytest.raises(KeyboardInterrupt):
        tune(job, run=tmp_path / "torn")
    monkeypatch.setattr(tuning._Tuning, "_step", real)
    again = resume(tmp_path / "torn")
    assert load_base(again.folder).fingerprint == load_base(whole.folder).fingerprint


@pytest.mark.parametrize(
    ("lines", "wanted", "what"),
    [
        (
            [{"text": "a", "score": 1}, {"text": "b", "score": 2}],
            "tag",
            "tag learns from .* spans; here are 2 with score",
        ),
        ([{"text": "a", "spans": [[0, 9, "x"]]}], "auto", "off the text"),
        ([{"text": "a", "score": float("nan")}, {"text": "b", "score": 2}], "auto", "NaN|nan"),
        ([{"text": "a", "label": "x"}, {"text": "b", "labels": ["y"]}], "auto", "1 with label, 1 with labels"),
    ],
)
def test_bad_input_ends_in_a_clear_message(lines, wanted, what, bases, tmp_path: Path):
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(DataError, match=what) as error:
        tune(
            Job(data=str(tmp_path / "x.jsonl"), base=str(bases["bert"]), tune=settings(head=wanted)), run=tmp_path / "r"
        )
    assert error.value.remedy
    assert not (tmp_path / "r").exists()


def test_settings_of_another_head_and_unknown_heads_are_refused(bases, tmp_path: Path):
    data = str(scores_file(tmp_path))
    with pytest.raises(SettingsError, match="crf, casing and context belong to a tag head"):
        tune(Job(data=data, base=str(bases["bert"]), tune=settings(crf=True)), run=tmp_path / "r")
    with pytest.raises(SettingsError, match="no head is called 'tagger'"):
        tune(Job(data=data, base=str(bases["bert"]), tune=settings(head="tagger")), run=tmp_path / "r")
