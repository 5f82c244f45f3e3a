"""Which weights are trained: chosen layers, embeddings or not, one more layer each so many epochs.

It knows the names and the order of a model's weights; not data, heads or optimisers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from dialoop.errors import SettingsError
from dialoop.training.part_settings import PartSettings

_NUMBERED = re.compile(r"^(.*?)\.(\d+)\.")
_READ_BY_ALL = re.compile(r"\b(rel_embeddings|relative_attention_bias|encoder\.LayerNorm)\b")
"""Weights that stand behind the layers in DeBERTa and MPNet, and that each layer reads: where tokens stand."""
_BESIDE_FIRST = re.compile(r"\bencoder\.conv\b")
"""DeBERTa's convolution, which stands behind the layers and adds to what the first one gives."""
_LAST_OF_ALL = re.compile(r"\bdecoder\.(final_layer_norm|project_out)\b")
"""Weights that stand before the layers in OPT, and that read the uppermost one."""


@dataclass(frozen=True)
class Layers:
    """How high each weight stands, by its name: 0 embeddings, 1 to `count` the layers, `count` + 1 what is above.

    Above the layers are the last norm, a pooler and the head. An output matrix that is the embeddings' own counts as
    embeddings.
    """

    height: dict[str, int]
    count: int

    def share(self, name: str, decay: float) -> float:
        """The share of the learning rate that a weight has: `decay` for each layer that is above it.

        Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, there 1 / 2.6.
        """
        return float(decay ** (self.count + 1 - self.height[name]))


def layers_of(model: Any) -> Layers:
    """The heights of all weights. The layers are the numbered list that holds most of them.

    What comes before them in the model is embeddings, what comes behind is above; but for a few that other kinds of
    models keep elsewhere.
    """
    names = [name for name, _ in model.named_parameters()]
    found = [_NUMBERED.match(name) for name in names]
    lists = Counter(match[1] for match in found if match)
    if not lists:
        return Layers(dict.fromkeys(names, 1), 0)
    (stem, _), *_ = lists.most_common(1)
    inside = [match is not None and match[1] == stem for match in found]
    numbers = [int(match[2]) if match and within else -1 for match, within in zip(found, inside, strict=True)]
    count, first = max(numbers) + 1, inside.index(True)
    embeddings = {id(p) for p in model.get_input_embeddings().parameters()}
    height = {}
    for position, (name, weight) in enumerate(model.named_parameters()):
        below = position < first or id(weight) in embeddings
        told = _told_height(name, count)
        otherwise = told if told is not None else 0 if below else count + 1
        height[name] = numbers[position] + 1 if inside[position] else otherwise
    return Layers(height, count)


def _told_height(name: str, count: int) -> int | None:
    """The height of a weight whose place among the model's weights does not tell it; None where it does."""
    if _READ_BY_ALL.search(name):
        return 0
    if _BESIDE_FIRST.search(name):
        return 1
    return count + 1 if _LAST_OF_ALL.search(name) else None


def choose_trained(model: nn.Module, settings: PartSettings) -> None:
    """Freeze what `settings` do not train; what is frozen already stays so.

    Raises SettingsError where there are not so many layers, or where nothing would be left to train.
    """
    layers = layers_of(model)
    lowest = 1 if settings.freeze_embeddings else 0
    if settings.train == "head":
        lowest = layers.count + 1
        _refuse_tied(model, layers)
    elif settings.train != "all":
        wanted = int(settings.train.removeprefix("top:"))
        if wanted > layers.count:
            raise SettingsError(
                f"train is {settings.train!r}, and the base has {layers.count} layers",
                remedy=f"give top:1 to top:{layers.count}, head or all" if layers.count else "give all",
            )
        lowest = layers.count + 1 - wanted
    for name, weight in model.named_parameters():
        if layers.height[name] < lowest:
            weight.requires_grad_(False)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise SettingsError(
            f"with train {settings.train!r} and adapter {settings.adapter!r} nothing is left to train",
            remedy="give top:N with a larger N, or all",
        )


def _refuse_tied(model: Any, layers: Layers) -> None:
    output = model.get_output_embeddings()
    if output is not None and output.weight is model.get_input_embeddings().weight:
        raise SettingsError(
            "train is 'head', and the base's output matrix is that of its embeddings",
            remedy=f"give top:1 to top:{layers.count}, or all",
        )


@contextmanager
def trained_in(model: nn.Module, epoch: float, every: float | None) -> Iterator[None]:
    """For the while only what has its turn in `epoch` is trained; no gradient is computed for the rest, nor below it.

    At first what is above the layers and the uppermost layer; then one layer more each `every` epochs, the embeddings
    last (gradual unfreezing, Howard and Ruder 2018). None: all at once.
    """
    resting = []
    if every is not None:
        layers = layers_of(model)
        lowest = layers.count - int(epoch / every)
        resting = [p for name, p in model.named_parameters() if p.requires_grad and layers.height[name] < lowest]
    for weight in resting:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in resting:
            weight.requires_grad_(True)
