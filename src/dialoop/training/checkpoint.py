"""What a run needs to go on after it was stopped: weights, optimisers' state, random state and where it stood.

safetensors and JSON only. A checkpoint is written beside, synced and renamed, so a folder by the final name is whole,
and a manifest of checksums tells if it was changed since. It knows tensors and folders, not what they mean.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dialoop.errors import DialoopError, RunError
from dialoop.model.folder import verify, write_manifest

BEST = "best.safetensors"
AVERAGE = "average.safetensors"


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    optimisers: list[torch.optim.Optimizer],
    state: dict[str, Any],
    *,
    best: dict[str, Tensor] | None = None,
    average: dict[str, Tensor] | None = None,
) -> None:
    """Write `folder` anew; `state` is JSON data of the caller (step, tokens, …); `best`, `average`: kept besides.

    The former one stays until the new one is whole. Raises RunError where it cannot be written.
    """
    beside, old = _beside(folder)
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        _write(beside, model, optimisers, state, {BEST: best, AVERAGE: average})
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        beside.rename(folder)
        _sync_folder(folder.parent)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise RunError(
            f"the checkpoint could not be written: {getattr(error, 'strerror', None) or error}",
            where=folder,
            remedy="free some space (or name a folder that can be written); the last whole checkpoint is kept",
        ) from error
    shutil.rmtree(old, ignore_errors=True)


def has_checkpoint(folder: Path) -> bool:
    """Whether there is one to go on from."""
    return folder.exists() or _beside(folder)[1].exists()


def load_checkpoint(folder: Path, model: nn.Module, optimisers: list[torch.optim.Optimizer]) -> dict[str, Any]:
    """Put weights, optimisers and random state back; gives the caller's `state`. Raises RunError if it does not fit."""
    folder = _whole(folder)
    try:
        verify(folder)
        data = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "weights.safetensors")
        with torch.no_grad():
            for name, parameter in _trained(model).items():
                parameter.copy_(weights[name])
        for number, optimiser in enumerate(optimisers):
            tensors = load_file(folder / f"optimiser-{number}.safetensors")
            optimiser.load_state_dict(_unflatten(tensors, data["optimisers"][number]))
        dice = load_file(folder / "random.safetensors")
        torch.set_rng_state(dice["torch"])
        if "cuda" in dice and torch.cuda.is_available():
            torch.cuda.set_rng_state(dice["cuda"])
    except (OSError, KeyError, ValueError, RuntimeError, IndexError, SafetensorError, DialoopError) as error:
        told = error.what if isinstance(error, DialoopError) else error
        raise RunError(
            f"the checkpoint cannot be resumed: {told}",
            where=folder,
            remedy="start the run again in a new folder, or put the checkpoint back as it was written",
        ) from error
    state: dict[str, Any] = data["state"]
    return state


def load_best(folder: Path) -> dict[str, Tensor] | None:
    """The best weights, if any were kept. Call after `load_checkpoint`, which checks them."""
    return _besides(folder, BEST)


def load_average(folder: Path) -> dict[str, Tensor] | None:
    """The averaged weights, if any were kept. Call after `load_checkpoint`, which checks them."""
    return _besides(folder, AVERAGE)


def _besides(folder: Path, name: str) -> dict[str, Tensor] | None:
    path = _whole(folder) / name
    return load_file(path) if path.is_file() else None


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights that are trained, by name."""
    return {name: p.detach().to("cpu", copy=True) for name, p in _trained(model).items()}


def restore_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Put back what `trained_weights` gave."""
    with torch.no_grad():
        for name, parameter in _trained(model).items():
            parameter.copy_(weights[name])


def _trained(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(folder.name + ".writing"), folder.with_name(folder.name + ".old")


def _whole(folder: Path) -> Path:
    """`folder`, or the former one where the run was stopped between the two renames."""
    old = _beside(folder)[1]
    return old if not folder.exists() and old.exists() else folder


def _write(
    beside: Path,
    model: nn.Module,
    optimisers: list[torch.optim.Optimizer],
    state: dict[str, Any],
    besides: dict[str, dict[str, Tensor] | None],
) -> None:
    save_file({name: p.detach().contiguous() for name, p in _trained(model).items()}, beside / "weights.safetensors")
    for name, kept in besides.items():
        if kept is not None:
            save_file(kept, beside / name)
    outlines = []
    for number, optimiser in enumerate(optimisers):
        tensors, outline = _flatten(optimiser.state_dict())
        save_file(tensors, beside / f"optimiser-{number}.safetensors")
        outlines.append(outline)
    dice = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        dice["cuda"] = torch.cuda.get_rng_state()
    save_file(dice, beside / "random.safetensors")
    (beside / "state.json").write_text(json.dumps({"state": state, "optimisers": outlines}), encoding="utf-8")
    write_manifest(beside)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
    groups = [
        {key: tuple(value) if isinstance(value, list) and key != "params" else value for key, value in group.items()}
        for group in outline["groups"]
    ]
    return {"state": state, "param_groups": groups}
