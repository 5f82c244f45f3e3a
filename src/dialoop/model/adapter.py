"""Adapters: few new weights beside frozen ones, through PEFT. It does not know training.

LoRA (Hu et al. 2021), DoRA (Liu et al. 2024), rsLoRA (Kalajdzievski 2023), IA³ (Liu et al. 2022).
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from dialoop.errors import ModelError
from dialoop.model.heads import Head

_ORIGIN = "adapter_base.json"


@dataclass(frozen=True)
class AdapterBase:
    """The base that an adapter was trained on: its name or folder, the fingerprint of its weights, the head."""

    name: str
    fingerprint: str
    head: Head


class AdapterSettings(BaseModel):
    """What adapter to train. `targets`: names of the layers that get one; None: every linear layer but the output.

    `ia3` has neither rank, scale, dropout nor `targets`: it scales keys, values and feed-forward layers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["lora", "dora", "rslora", "ia3"] = "lora"
    r: int = Field(default=16, ge=1, description="rank: the width of the adapter")
    alpha: float = Field(default=32, gt=0, description="scale: the adapter counts alpha / r times; rslora: alpha / √r")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout before the adapter, 0 up to 1")
    targets: tuple[str, ...] | None = Field(default=None, description="layers by name; none: all linear layers")


def with_adapter(
    model: Any, settings: AdapterSettings, *, new_tokens: list[int], fresh: list[str], task: str
) -> nn.Module:
    """`model` frozen, with a fresh adapter. `new_tokens`: ids whose embeddings are trained as well, being new.

    `fresh`: modules with new weights, trained in full. `task` is PEFT's name of the task. Raises ModelError where no
    layer is called as `settings.targets` say, and for `ia3` where it cannot be had.
    """
    from peft import get_peft_model

    parts = {
        "task_type": task,
        "modules_to_save": fresh or None,
        "exclude_modules": rf"(.*\.)?({'|'.join(fresh)})(\..*)?" if fresh else None,
    }
    config = _scaling(model, new_tokens, parts) if settings.kind == "ia3" else _low(model, settings, new_tokens, parts)
    with _without_idle_warnings():
        wrapped: nn.Module = get_peft_model(model, config)
    return wrapped


def _low(model: Any, settings: AdapterSettings, new_tokens: list[int], parts: dict[str, Any]) -> Any:
    """PEFT's config of LoRA and its kin."""
    from peft import LoraConfig

    linear = sorted({name.rsplit(".", 1)[-1] for name, module in model.named_modules() if _is_linear(module)})
    if settings.targets and (unknown := [name for name in settings.targets if name not in linear]):
        raise ModelError(f"no linear layer is called {unknown[0]!r}", remedy=f"choose among {', '.join(linear)}")
    return LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]  # PEFT's annotation is narrower than its use
        lora_dropout=settings.dropout,
        use_dora=settings.kind == "dora",
        use_rslora=settings.kind == "rslora",
        target_modules=list(settings.targets) if settings.targets else "all-linear",
        trainable_token_indices=_token_matrices(model, new_tokens) if new_tokens else None,
        **parts,
    )


def _scaling(model: Any, new_tokens: list[int], parts: dict[str, Any]) -> Any:
    """PEFT's config of IA³, for the layers that PEFT knows by the kind of model."""
    from peft import IA3Config
    from peft.utils.constants import (
        TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING,
        TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING,
    )

    kind = model.config.model_type
    if new_tokens:
        raise ModelError(
            f"{len(new_tokens)} tokens are new to this base, and ia3 cannot train their embeddings",
            remedy="choose lora, dora or rslora, or a base that has a chat template",
        )
    if kind not in TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING:
        raise ModelError(f"PEFT has no ia3 for {kind} models", remedy="choose lora, dora or rslora")
    return IA3Config(
        target_modules=TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING[kind],
        feedforward_modules=TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING[kind],
        **parts | {"modules_to_save": _with_weights(model, parts["modules_to_save"])},
    )


def _with_weights(model: nn.Module, names: list[str] | None) -> list[str] | None:
    """The modules within those of `names` that hold weights themselves: PEFT 0.21 unloads IA³ only from such."""
    if names is None:
        return None
    return sorted(
        {
            name[name.index(part) :]
            for part in names
            for name, module in model.named_modules()
            if part in name.split(".") and list(module.parameters(recurse=False))
        }
    )


def _token_matrices(model: Any, tokens: list[int]) -> dict[str, list[int]]:
    """Which rows of which matrices hold `tokens`: the embedding, and the output matrix where it is one of its own."""
    inner, outer = model.get_input_embeddings(), model.get_output_embeddings()
    matrices = [inner] if outer is None or outer.weight is inner.weight else [inner, outer]
    names = {id(module): name.rsplit(".", 1)[-1] for name, module in model.named_modules()}
    return {names[id(matrix)]: tokens for matrix in matrices}


def merged(model: Any) -> Any:
    """A plain transformers model with the adapter's weights added in, on the processor; `model` stays as it is.

    It is copied there, so that a GPU which holds the model once has room enough. A model without adapter is given back.
    """
    if not is_adapted(model):
        return model
    device = model.device
    try:
        return copy.deepcopy(model.to("cpu")).merge_and_unload()
    finally:
        model.to(device)


def save_adapter(model: Any, folder: Path, base: AdapterBase) -> None:
    """Write the adapter alone into `folder`, and which base it belongs to."""
    model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    told = {"name": base.name, "fingerprint": base.fingerprint, "head": base.head.model_dump(mode="json")}
    (folder / _ORIGIN).write_text(json.dumps(told) + "\n", encoding="utf-8")


def adapter_base(folder: Path) -> AdapterBase:
    """The base that the adapter in `folder` belongs to. Raises ModelError where that is not told."""
    try:
        told = json.loads((folder / _ORIGIN).read_text(encoding="utf-8"))
        return AdapterBase(str(told["name"]), str(told["fingerprint"]), Head.model_validate(told["head"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"an adapter whose {_ORIGIN} does not tell its base",
            where=folder,
            remedy="merge it into its base with PEFT and name the merged folder",
        ) from error


def load_adapter(model: Any, folder: Path) -> nn.Module:
    """`model` with the adapter of `folder` laid over it, ready to be trained further."""
    from peft import PeftModel

    try:
        with _without_idle_warnings():
            wrapped: nn.Module = PeftModel.from_pretrained(model, folder, is_trainable=True, use_safetensors=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"the adapter cannot be loaded: {error}", where=folder, remedy="save it again") from error
    return wrapped


def is_adapted(model: Any) -> bool:
    """Whether `model` carries an adapter."""
    return hasattr(model, "peft_config")


@contextmanager
def _without_idle_warnings() -> Iterator[None]:
    """PEFT 0.21 asks transformers 5 for a property by its old name, and notes that it turns GPT-2's matrices itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
        warnings.filterwarnings("ignore", message="fan_in_fan_out is set to")
        yield


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"
