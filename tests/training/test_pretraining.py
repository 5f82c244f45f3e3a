"""Pretraining: a tiny recipe makes a base that loads; stopped and gone on with, its losses are the undisturbed ones."""

import json
from pathlib import Path

import pytest

from dialoop.errors import SettingsError
from dialoop.model import Base, load_base
from dialoop.scenarios.copying import make_copying
from dialoop.training.pretraining import Way, pretrain
from dialoop.training.recipe import read_recipe

from .trackers import tensorboard_steps

RECIPE = """
name: tiny
tokenizer: {pieces: 50, twins: 10}
model: {hidden: 16, layers: 1, heads: 2, key_value_heads: 1, head_width: 8, feed_forward: 32, window: 512}
optimiser: {name: muon, lr: 0.003, schedule: stable, warmup: 0.1, decay: 0.3}
watch_every: 4
phases:
  - {name: first, width: 384, rows: 2, tokens: 4000, mix: {copying: 1.0}}
  - {name: second, width: 512, rows: 1, tokens: 3000, targets: answers, mix: {copying: 0.7, other: 0.3}}
"""


def run(
    folder: Path, *, stop_after: int | None = None, start: Base | None = None, track: tuple[str, ...] = ()
) -> Path | None:
    """Pretrain in `folder`; stopped where so many lines have been said about steps."""
    (folder.parent / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    sources = {
        "copying": lambda: make_copying(24, lang="en", seed=0),
        "other": lambda: make_copying(8, lang="zh", seed=5),
    }
    watched = {"en": make_copying(3, lang="en", seed=1, part="test")}
    asked = iter(range(1000))
    stop = (lambda: next(asked) >= stop_after) if stop_after is not None else (lambda: False)
    way = Way(bf16=False, compiled=False, say=lambda line: None, stop=stop, track=track)
    return pretrain(read_recipe(folder.parent / "recipe.yaml"), sources, watched, folder, way, start)


def told(folder: Path) -> dict[int, dict]:
    """The copying tests of the log, by step."""
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return {entry["step"]: entry["copying"] for entry in entries if "copying" in entry}


def test_a_recipe_makes_a_base_and_a_stopped_run_goes_on_to_the_same_losses(tmp_path: Path):
    model = run(tmp_path / "whole")
    assert model is not None
    base = load_base(model)
    assert base.window == 512
    assert base.tokenizer.chat_template

    assert run(tmp_path / "stopped", stop_after=3) is None
    assert run(tmp_path / "stopped", stop_after=4) is None
    again = run(tmp_path / "stopped")
    assert again is not None
    whole, stopped = told(tmp_path / "whole"), told(tmp_path / "stopped")
    assert len(whole) >= 3
    assert whole.items() <= stopped.items()
    assert load_base(again).fingerprint == base.fingerprint


def test_a_run_can_start_from_a_base_and_keeps_its_tokenizer(tmp_path: Path):
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    made = run(tmp_path / "first" / "run")
    assert made is not None
    first = load_base(made, dtype="float32")
    again = run(tmp_path / "second" / "run", start=first)
    assert again is not None
    second = load_base(again, dtype="float32")
    assert second.tokenizer.get_vocab() == first.tokenizer.get_vocab()
    fresh, further = (told(tmp_path / name / "run") for name in ("first", "second"))
    assert further[4]["loss-en"] < fresh[4]["loss-en"]


def test_a_base_of_other_sizes_is_no_start(tmp_path: Path):
    (tmp_path / "first").mkdir()
    made = run(tmp_path / "first" / "run")
    assert made is not None
    recipe = read_recipe(tmp_path / "first" / "recipe.yaml")
    wider = recipe.model_copy(update={"model": recipe.model.model_copy(update={"hidden": 32})})
    way = Way(bf16=False, compiled=False, say=lambda line: None)
    sources = {name: lambda: make_copying(4, seed=0) for name in wider.sources}
    with pytest.raises(SettingsError, match="do not fit the recipe"):
        pretrain(wider, sources, {}, tmp_path / "wider", way, load_base(made, dtype="float32"))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: x\nphases: []\n", "phases"),
        (RECIPE.replace("watch_every", "look_every"), "look_every"),
        ("name: [\n", "no YAML"),
    ],
)
def test_a_recipe_that_is_none_is_refused(text, what, tmp_path: Path):
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=what):
        read_recipe(path)


def test_a_recipe_that_is_followed_and_gone_on_with_has_each_step_once(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("dialoop.training.pretraining._LOG_EVERY", 1)
    track = ("tensorboard",)
    assert run(tmp_path / "run", stop_after=3, track=track) is None
    assert run(tmp_path / "run", track=track) is not None
    found = tensorboard_steps(tmp_path / "run")
    steps = [step for step, _ in found["train/loss"]]
    assert steps == list(range(1, steps[-1] + 1))
    assert [step for step, _ in found["copying/en"]] == sorted(told(tmp_path / "run"))
    assert found["result/steps"][0][1] == steps[-1]
