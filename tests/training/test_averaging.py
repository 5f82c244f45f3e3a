"""Averages are those of their formulas; looks and the model take them, the steps go on from the raw weights."""

import json
from pathlib import Path

import pytest
import torch

from dialoop.model import load_base
from dialoop.training import Job, TuneSettings, tune
from dialoop.training.averaging import Average

from .talks import talks_file


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
