"""Held-out figures during a run: as `dialoop evaluate` takes them; any of them can decide."""

import json
from pathlib import Path

import numpy as np
import pytest

from dialoop.errors import SettingsError
from dialoop.evaluation import EvaluationSettings, evaluate_classifier, evaluate_model
from dialoop.model import load_base
from dialoop.training import Job, TuneSettings, tune
from dialoop.training.looks import FIGURES, accuracy, macro_f1
from dialoop.training.material import read_records
from dialoop.training.stopping import Patience

from .talks import calls_file, talks_file, texts_file

FAST = {"precision": "float32", "device": "cpu", "lr": 0.01, "batch_size": 4}


def looks(run: Path) -> list[dict]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if "held_out" in line]


def test_macro_f1_is_the_mean_over_labels_that_are_true_or_said():
    true, said = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1])
    assert accuracy(true, said) == 0.5
    assert macro_f1(true, said) == pytest.approx((2 / 3 + 0.5 + 0) / 3)
    many = np.array([[1, 0, 0], [1, 1, 0]], dtype=np.float32)
    none = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    assert accuracy(many, none) == 0.5
    assert macro_f1(many, none) == pytest.approx((2 / 3 + 1) / 2)


def test_more_can_be_better():
    patience = Patience(2, higher=True)
    assert [patience.look(figure, step) for step, figure in enumerate([0.1, 0.3, 0.3, 0.2])] == [1, 1, 0, 0]
    assert patience.over
    assert (patience.best, patience.best_step) == (0.3, 1)


@pytest.mark.parametrize("multi", [False, True], ids=["one label", "any labels"])
def test_a_classifier_stops_on_a_figure_and_it_is_that_of_evaluate(multi, bases, tmp_path: Path):
    data = texts_file(tmp_path, 10, multi=multi)
    asked = TuneSettings(**FAST, epochs=4, stop_on="macro_f1", patience=2, held_out=str(data))
    result = tune(Job(data=str(data), base=str(bases["bert"]), tune=asked), run=tmp_path / "run")
    _, *taken = looks(result.folder)  # the first is of a head that has learnt nothing
    best = max(line["macro_f1"] for line in taken)
    assert result.figures["macro_f1"] == best
    kept = min((line for line in taken if line["macro_f1"] == best), key=lambda line: line["held_out"])
    assert result.best_step == kept["step"]
    assert result.after == kept["held_out"]
    measured = evaluate_classifier(
        load_base(result.folder), read_records(data).examples, EvaluationSettings(resamples=100)
    ).figures["all"]
    assert measured["label_macro_f1"].value == pytest.approx(result.figures["macro_f1"], abs=1e-6)
    assert measured["label_accuracy"].value == pytest.approx(result.figures["accuracy"], abs=1e-6)


@pytest.mark.parametrize(
    ("multi", "held_out", "decides"), [(False, "0.3", "accuracy"), (False, "0", "loss"), (True, "0.3", "loss")]
)
def test_where_nothing_is_asked_accuracy_decides_between_labels(multi, held_out, decides, bases, tmp_path: Path):
    data = texts_file(tmp_path, 10, multi=multi)
    asked = TuneSettings(**FAST, epochs=1, held_out=held_out)
    run = tune(Job(data=str(data), base=str(bases["bert"]), tune=asked), run=tmp_path / "run").folder
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["chosen"]["stop_on"] == decides


def test_a_head_that_has_learnt_nothing_is_not_kept(bases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    guessed = iter([1.0, 0.5, 0.4, 0.3])
    monkeypatch.setitem(FIGURES["classify"], "accuracy", lambda true, said: next(guessed))
    asked = TuneSettings(**FAST, epochs=2, held_out="0.3")
    result = tune(Job(data=str(texts_file(tmp_path, 10)), base=str(bases["bert"]), tune=asked), run=tmp_path / "run")
    assert looks(result.folder)[0]["accuracy"] == 1.0
    assert (result.figures["accuracy"], result.best_step) == (0.5, looks(result.folder)[1]["step"])


@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_answers_are_written_at_looks_and_calls_can_decide(adapter, bases, tmp_path: Path):
    data = calls_file(tmp_path, 12)
    asked = TuneSettings(
        **FAST,
        epochs=8,
        stop_on="call_exact",
        look_answers=4,
        patience=9,
        look_every=12,
        held_out=str(data),
        adapter=adapter,
    )
    result = tune(Job(data=str(data), base=str(bases["llama"]), tune=asked), run=tmp_path / "run")
    taken = looks(result.folder)
    assert all({"call_exact", "call_name", "reply_chrf"} <= set(line) for line in taken)
    assert result.figures["call_exact"] == max(line["call_exact"] for line in taken) == 1.0
    conversations = list(read_records(data).conversations)
    measured = evaluate_model(
        load_base(result.folder), conversations, EvaluationSettings(resamples=100, limit=4, max_new_tokens=128)
    ).figures["all"]
    assert measured["call_exact"].value == pytest.approx(result.figures["call_exact"])


def test_steps_are_the_same_whether_answers_are_written_or_not(bases, tmp_path: Path):
    losses = []
    for count in (0, 3):
        asked = TuneSettings(**FAST, epochs=1, look_answers=count, look_every=2, held_out="0.3")
        job = Job(data=str(talks_file(tmp_path, 20)), base=str(bases["gpt2"]), tune=asked)
        run = tune(job, run=tmp_path / f"{count}").folder
        lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
        losses.append([json.loads(line).get("loss") for line in lines])
        assert ("reply_chrf" in looks(run)[-1]) == (count > 0)
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"stop_on": "accuracy"}, "the head is generate"),
        ({"stop_on": "reply_chrf", "held_out": "0"}, "nothing is held out"),
        ({"stop_on": "call_exact", "held_out": "0.5"}, "none of the"),
    ],
)
def test_a_figure_that_cannot_be_had_is_refused_before_anything_is_written(values, said, bases, tmp_path: Path):
    job = Job(data=str(talks_file(tmp_path, 24)), base=str(bases["llama"]), tune=TuneSettings(**FAST, **values))
    with pytest.raises(SettingsError, match=said):
        tune(job, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
