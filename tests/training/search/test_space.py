"""The space of a search: what it takes, what it refuses, and that the default one holds what tune would take."""

from pathlib import Path

import pytest

from dialoop.errors import SettingsError
from dialoop.training import checked
from dialoop.training.search import Range, read_space
from dialoop.training.search.space import default_space, is_whole
from dialoop.training.search.study import distributions


def written(folder: Path, text: str) -> Path:
    path = folder / "space.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_tells_ranges_and_lists(tmp_path: Path):
    text = "lr: {low: 1.0e-5, high: 1.0e-3, log: true}\nbatch_size: [8, 16]\nlora_rank: {low: 4, high: 16, step: 4}\n"
    space = read_space(written(tmp_path, text))
    assert space["lr"] == Range(low=1e-5, high=1e-3, log=True)
    assert space["batch_size"] == [8, 16]
    assert {name: type(one).__name__ for name, one in distributions(space).items()} == {
        "lr": "FloatDistribution",
        "batch_size": "CategoricalDistribution",
        "lora_rank": "IntDistribution",
    }


def test_a_project_file_is_read_as_well(tmp_path: Path):
    assert read_space(written(tmp_path, "search:\n  space:\n    warmup: {low: 0.0, high: 0.2}\n")) == {
        "warmup": Range(low=0.0, high=0.2)
    }


def test_a_range_of_whole_bounds_is_whole_only_where_the_setting_is():
    assert is_whole("batch_size", Range(low=1, high=4))
    assert not is_whole("weight_decay", Range(low=0, high=1))
    assert is_whole("epochs", Range(low=2, high=6, step=1))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lrr: [0.1, 0.2]", "lr"),
        ("lr: {low: 0.1, high: 7}", "lr"),
        ("lr: {low: 0.2, high: 0.1}", "lr"),
        ("weight_decay: {low: 0, high: 0.1, log: true}", "weight_decay"),
        ("optimiser: [adamw, sgdd]", "optimiser"),
        ("seed: [1, 2]", "cannot be searched"),
        ("batch_size: []", "no values"),
        ("lr: 0.1", "no range and no list"),
        ("{}", "empty"),
        ("lr: [", "no YAML"),
    ],
)
def test_what_is_no_space_is_refused(tmp_path: Path, text: str, told: str):
    with pytest.raises(SettingsError, match=told):
        read_space(written(tmp_path, text))


@pytest.mark.parametrize("head", ["generate", "classify"])
@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_the_default_space_is_of_values_that_tune_takes(head: str, adapter: str):
    decided = {"lr": 5e-4, "epochs": 3, "batch_size": 1}
    space = default_space(head, decided, has_dropout=True, adapter=adapter)
    for name, dimension in space.items():
        values = [dimension.low, dimension.high] if isinstance(dimension, Range) else dimension
        for value in values:
            checked({"adapter": adapter, name: value})
        if name in decided:
            assert dimension.holds(decided[name]) if isinstance(dimension, Range) else decided[name] in dimension
    assert ("lora_rank" in space) == (adapter == "lora")
    assert ("dropout" in space) == (head != "generate")
