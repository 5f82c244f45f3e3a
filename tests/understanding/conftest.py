"""A tiny classifier, tuned and fitted once for each file of tests."""

import json
from pathlib import Path

import pytest
import torch

from dialoop.conversation import Example
from dialoop.training import Job, TuneSettings, tune
from dialoop.understanding import OUT_OF_SCOPE, fit
from tests.tiny_models import tiny_model
from tests.understanding.intents import OTHERS, examples


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a tiny decoder on three intents."""
    folder = tmp_path_factory.mktemp("intents")
    base = tiny_model("qwen3", folder / "base")
    data = folder / "intents.jsonl"
    data.write_text("".join(json.dumps({"text": e.text, "label": e.label}) + "\n" for e in examples(120, 0)), "utf-8")
    torch.manual_seed(0)
    settings = TuneSettings(epochs=4, lr=3e-3, batch_size=8, precision="float32", device="cpu", held_out="0.2")
    result = tune(Job(data=str(data), base=str(base), tune=settings), run=folder / "run")
    assert result.model is not None
    return folder / "run"


@pytest.fixture(scope="module")
def fitted(run: Path) -> Path:
    fit(run, [Example(text=text, label=OUT_OF_SCOPE) for text in OTHERS])
    return run / "model"
