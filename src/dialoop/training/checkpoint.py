"""What a run needs to go on after it was stopped: weights, optimisers' state, random state and where it stood.

safetensors and JSON only. A checkpoint is written beside, synced and renamed, so a folder by the final name is whole.
It knows tensors and folders, not what they mean.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dialoop.errors import Place, RunError


def save_checkpoint(
    folder: Path, model: nn.Module, optimisers: list[torch.optim.Optimizer], state: dict[str, Any]
) -> None:
    """Write `folder` anew; `state` is JSON data of the caller (step, tokens, …)."""
    beside = folder.with_name(folder.name + ".writing")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    weights = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    _save(weights, beside / "weights.safetensors")
    outlines = []
    for number, optimiser in enumerate(optimisers):
        tensors, outline = _flatten(optimiser.state_dict())
        _save(tensors, beside / f"optimiser-{number}.safetensors")
        outlines.append(outline)
    _save({"torch": torch.get_rng_state()}, beside / "random.safetensors")
    text = json.dumps({"state": state, "optimisers": outlines})
    with (beside / "state.json").open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    old = folder.with_name(folder.name + ".old")
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder: Path, model: nn.Module, optimisers: list[torch.optim.Optimizer]) -> dict[str, Any]:
    """Put weights, optimisers and random state back; gives the caller's `state`. Raises RunError if it does not fit."""
    if not folder.exists() and folder.with_name(folder.name + ".old").exists():
        folder = folder.with_name(folder.name + ".old")  # stopped between the two renames
    try:
        data = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "weights.safetensors")
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(weights[name])
        for number, optimiser in enumerate(optimisers):
            tensors = load_file(folder / f"optimiser-{number}.safetensors")
            optimiser.load_state_dict(_unflatten(tensors, data["optimisers"][number]))
        torch.set_rng_state(load_file(folder / "random.safetensors")["torch"])
    except (OSError, KeyError, ValueError, RuntimeError, IndexError) as error:
        raise RunError(
            f"the checkpoint cannot be resumed: {error}",
            where=Place(str(folder)),
            remedy="start the run again in a new folder, or put the checkpoint back as it was written",
        ) from error
    state: dict[str, Any] = data["state"]
    return state


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    save_file(tensors, path)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _flatten(state: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimiser's state dict as named tensors, and the rest as JSON data."""
    tensors: dict[str, Tensor] = {}
    plain: dict[str, dict[str, Any]] = {}
    for index, entry in state["state"].items():
        plain[str(index)] = {}
        for key, value in entry.items():
            if isinstance(value, Tensor):
                tensors[f"{index}/{key}"] = value.detach().contiguous()
            else:
                plain[str(index)][key] = value
    return tensors, {"plain": plain, "groups": state["param_groups"]}


def _unflatten(tensors: dict[str, Tensor], outline: dict[str, Any]) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {int(index): dict(entry) for index, entry in outline["plain"].items()}
    for name, tensor in tensors.items():
        index, key = name.split("/", 1)
        state[int(index)][key] = tensor
    groups = [{k: tuple(v) if k == "betas" else v for k, v in g.items()} for g in outline["groups"]]
    return {"state": state, "param_groups": groups}
