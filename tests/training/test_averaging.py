"""Averages are those of their formulas; looks and the model take them, the steps go on from the raw weights."""

import json
import signal
from pathlib import Path

import pytest
import torch

from dialoop.errors import SettingsError
from dialoop.model import load_base
from dialoop.training import Job, TuneSettings, resume, tune, tuning
from dialoop.training.averaging import Average
from dialoop.training.settings import checked

from .talks import talks_file, texts_file


def walk(kind, steps: int, **values) -> tuple[Average, list[torch.Tensor]]:
    """An average over the steps of one weight, and where the weight was."""
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 2, bias=False).double()
    average = Average(model, kind, **{"decay": 0.6, "start": 1} | values)
    course = [model.weight.detach().clone()]
    for step in range(1, steps + 1):
        with torch.no_grad():
            model.weight.add_(torch.randn(2, 2))
        average.add(step)
        course.append(model.weight.detach().clone())
    return average, course


def test_a_moving_average():
    average, course = walk("ema", 12)
    wanted = course[0]
    for count, weight in enumerate(course[1:], start=1):
        kept = min(0.6, (1 + count) / (10 + count))
        wanted = kept * wanted + (1 - kept) * weight
    assert average.weights is not None
    torch.testing.assert_close(average.weights["weight"], wanted, rtol=1e-12, atol=0)


def test_the_mean_of_the_last_weights():
    average, course = walk("tail", 9, start=5)
    assert average.weights is not None
    assert average.count == 5
    torch.testing.assert_close(average.weights["weight"], torch.stack(course[5:]).mean(0), rtol=1e-12, atol=1e-15)
    early, _ = walk("tail", 4, start=5)
    assert early.weights is None


@pytest.mark.parametrize("kind", ["none", "ema", "tail"])
def test_the_base_keeps_its_share_of_what_is_taken(kind):
    average, course = walk(kind, 6, base_share=0.25)
    mine = course[-1] if average.weights is None else average.weights["weight"]
    taken = average.taken()
    assert taken is not None
    torch.testing.assert_close(taken["weight"], 0.25 * course[0] + 0.75 * mine, rtol=1e-12, atol=1e-15)
    plain, _ = walk(kind, 6)
    assert plain.taken() is plain.weights


@pytest.mark.parametrize("held_out", ["0", "0.3"])
def test_a_model_is_saved_with_its_bases_share(held_out, bases, tmp_path: Path):
    data, made = talks_file(tmp_path, 12), {}
    for share in (0.0, 0.4):
        asked = TuneSettings(device="cpu", precision="float32", epochs=1, held_out=held_out, base_share=share)
        run = tune(Job(data=str(data), base=str(bases["llama"]), tune=asked), run=tmp_path / str(share)).folder
        made[share] = load_base(run).model.state_dict()
    base = load_base(bases["llama"]).model.state_dict()
    for name, weight in made[0.4].items():
        torch.testing.assert_close(weight, base[name].lerp(made[0.0][name], 0.6), rtol=1e-4, atol=1e-6)


def test_a_resumed_run_knows_its_base(bases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = TuneSettings(device="cpu", precision="float32", epochs=2, held_out="0", base_share=0.4)
    job = Job(data=str(talks_file(tmp_path, 12)), base=str(bases["llama"]), tune=asked)
    whole = load_base(tune(job, run=tmp_path / "whole").folder).model.state_dict()
    stopped = iter([None, None, None, signal.SIGTERM])
    monkeypatch.setattr(tuning, "agreed", lambda accelerator, number: next(stopped, None))
    assert tune(job, run=tmp_path / "parted").stopped_by == signal.SIGTERM
    monkeypatch.undo()
    parted = load_base(resume(tmp_path / "parted").folder).model.state_dict()
    assert all(torch.equal(weight, parted[name]) for name, weight in whole.items())


@pytest.mark.parametrize(
    ("kind", "more", "what"),
    [("bert", {}, "head's are new"), ("llama", {"adapter": "lora"}, "base_share needs adapter none")],
)
def test_a_share_of_a_base_that_has_no_such_weights_is_refused(kind, more, what, bases, tmp_path: Path):
    data = texts_file(tmp_path, 4) if kind == "bert" else talks_file(tmp_path, 4)

    def refused() -> None:
        asked = checked({"device": "cpu", "base_share": 0.2, **more})
        tune(Job(data=str(data), base=str(bases[kind]), tune=asked), run=tmp_path / "run")

    with pytest.raises(SettingsError, match=what):
        refused()


def test_the_models_own_weights_come_back_bit_by_bit():
    model = torch.nn.Linear(3, 3)
    average = Average(model, "ema", decay=0.5, start=1)
    with torch.no_grad():
        model.weight.add_(1.0)
    average.add(1)
    raw = model.weight.detach().clone()
    with average.in_place():
        assert not torch.equal(model.weight, raw)
    assert torch.equal(model.weight, raw)


@pytest.mark.parametrize("kind", ["ema", "tail"])
def test_steps_are_as_without_and_looks_and_model_are_of_the_average(kind, bases, tmp_path: Path):
    def run(name: str, **values):
        asked = {"epochs": 3, "lr": 0.01, "batch_size": 4, "look_every": 3, "device": "cpu", "precision": "float32"}
        settings = TuneSettings.model_validate(asked | {"patience": 50} | values)
        job = Job(data=str(talks_file(tmp_path, 24)), base=str(bases["llama"]), tune=settings)
        result = tune(job, run=tmp_path / name)
        lines = [json.loads(line) for line in (result.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        return result, [line["loss"] for line in lines if "loss" in line], lines[-1].get("held_out")

    averaged = {"average": kind} | ({"average_tail": 0.5} if kind == "tail" else {})
    _, losses, held = run("plain")
    _, same_losses, other = run("averaged", **averaged)
    assert same_losses == losses
    assert other != held
    file = str(talks_file(tmp_path, 24))
    whole, _, _ = run("all held out", **averaged, held_out=file)
    again = TuneSettings(epochs=1, held_out=file, device="cpu", precision="float32")
    found = tune(Job(data=file, base=str(whole.folder), tune=again), run=tmp_path / "again").before
    assert found == pytest.approx(whole.after, rel=1e-5)


def test_where_nothing_is_held_out_the_average_is_the_model(bases, tmp_path: Path):
    models = {}
    for kind in ("none", "tail"):
        asked = TuneSettings(
            epochs=2, lr=0.01, batch_size=4, average=kind, held_out="0", device="cpu", precision="float32"
        )
        job = Job(data=str(talks_file(tmp_path, 8)), base=str(bases["llama"]), tune=asked)
        models[kind] = load_base(tune(job, run=tmp_path / kind).folder).model.state_dict()
    assert any(not torch.equal(weight, models["tail"][name]) for name, weight in models["none"].items())
