"""A checkpoint gives back what it was given, refuses what is torn, and is never half-written."""

import copy
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from dialoop.errors import RunError
from dialoop.training.checkpoint import has_checkpoint, load_best, load_checkpoint, save_checkpoint, trained_weights
from dialoop.training.optimise import make_optimisers
from dialoop.training.schedule import OptimiserSettings

from ..tiny_models import tiny_network


def trained(name: str = "muon"):
    """A model and its optimisers after two steps."""
    model = tiny_network("qwen3", 50)
    optimisers = make_optimisers(model, OptimiserSettings(name=name))
    for seed in range(2):
        torch.manual_seed(seed)
        ids = torch.randint(0, 50, (2, 8))
        model(input_ids=ids, labels=ids).loss.backward()
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
    return model, optimisers


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to write further, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_all_of_it_comes_back(name, tmp_path: Path):
    model, optimisers = trained(name)
    best = trained_weights(model)
    torch.manual_seed(7)
    save_checkpoint(tmp_path / "c", model, optimisers, {"step": 2}, best=best)
    dice = torch.rand(3)
    other = tiny_network("qwen3", 50, seed=9)
    others = make_optimisers(other, OptimiserSettings(name=name))
    assert load_checkpoint(tmp_path / "c", other, others) == {"step": 2}
    assert torch.equal(torch.rand(3), dice)
    for (key, p), q in zip(model.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q), key
    for one, two in zip(optimisers, others, strict=True):
        assert one.state_dict()["param_groups"] == two.state_dict()["param_groups"]
        for index, state in one.state_dict()["state"].items():
            for key, value in state.items():
                assert torch.equal(value, two.state_dict()["state"][index][key])
    found = load_best(tmp_path / "c")
    assert found is not None
    assert all(torch.equal(found[key], best[key]) for key in best)


def test_a_new_one_takes_the_place_of_the_former(tmp_path: Path):
    model, optimisers = trained()
    save_checkpoint(tmp_path / "c", model, optimisers, {"step": 1})
    save_checkpoint(tmp_path / "c", model, optimisers, {"step": 2})
    assert load_checkpoint(tmp_path / "c", model, optimisers) == {"step": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_one_that_was_stopped_between_the_renames_is_found(tmp_path: Path):
    model, optimisers = trained()
    save_checkpoint(tmp_path / "c", model, optimisers, {"step": 1})
    (tmp_path / "c").rename(tmp_path / "c.old")
    assert has_checkpoint(tmp_path / "c")
    assert load_checkpoint(tmp_path / "c", model, optimisers) == {"step": 1}


@pytest.mark.parametrize("name", ["weights.safetensors", "optimiser-1.safetensors", "state.json"])
def test_a_torn_one_is_refused(name, tmp_path: Path):
    model, optimisers = trained()
    save_checkpoint(tmp_path / "c", model, optimisers, {"step": 1})
    torn = tmp_path / "c" / name
    torn.write_bytes(torn.read_bytes()[:-9] + b"         ")
    with pytest.raises(RunError, match=f"{name} is not what was written"):
        load_checkpoint(tmp_path / "c", model, optimisers)


def test_one_of_another_model_is_refused(tmp_path: Path):
    model, optimisers = trained()
    save_checkpoint(tmp_path / "c", model, optimisers, {"step": 1})
    other = tiny_network("qwen3", 50, hidden=64)
    with pytest.raises(RunError, match="cannot be resumed"):
        load_checkpoint(tmp_path / "c", other, make_optimisers(other, OptimiserSettings(name="muon")))


def test_a_full_disk_is_told_and_leaves_the_former_one_whole(tmp_path: Path):
    model, optimisers = trained()
    save_checkpoint(tmp_path / "c", model, optimisers, {"step": 1})
    kept = copy.deepcopy(trained_weights(model))
    with torch.no_grad():
        next(model.parameters()).add_(1.0)
    with files_of_at_most(1000), pytest.raises(RunError, match="the last whole checkpoint is kept"):
        save_checkpoint(tmp_path / "c", model, optimisers, {"step": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    assert load_checkpoint(tmp_path / "c", model, optimisers) == {"step": 1}
    assert all(torch.equal(value, kept[key]) for key, value in trained_weights(model).items())
