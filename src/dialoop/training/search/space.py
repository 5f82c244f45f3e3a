"""The space of a search: which settings of `tune` are tried, and which values each may take.

A setting's dimension is a list of values, or a range: `{low: 1e-5, high: 1e-3, log: true}`. It knows the settings of
`tune` and their bounds; not how values are chosen.
"""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from dialoop.errors import SettingsError
from dialoop.training.settings import TuneSettings, checked_value

NOT_SEARCHED = {
    *("seed", "held_out", "head", "device", "processes", "precision", "patience", "look_every", "stop_on"),
    *("look_answers", "track", "template"),
}
"""What decides how a trial is measured, or where: it is the same for all trials, else they could not be compared."""
CHANGING_THE_LOSS = ("objective", "beta", "nll_weight", "desirable_weight", "undesirable_weight", "crf")
"""What makes another loss of the held-out loss: trials can be compared by other measures alone."""


class Range(BaseModel):
    """Numbers from `low` to `high`, both included. `log`: evenly by order of size. `step`: only low + n x step."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @model_validator(mode="after")
    def _sound(self) -> Range:
        if not self.low < self.high:
            raise ValueError("low must be below high")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("with log, low is above 0 and there is no step")
        if self.step is not None and self.step <= 0:
            raise ValueError("step is above 0")
        return self

    def holds(self, value: Any) -> bool:
        """Whether `value` is a number of this range."""
        return isinstance(value, int | float) and self.low <= value <= self.high


Dimension = Range | list[Any]
Space = dict[str, Dimension]


def read_space(path: Path) -> Space:
    """The space in a YAML file, or in its section `search: space:`. Raises SettingsError."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror}", where=path, remedy="name a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"this is no YAML: {error}", where=path, remedy="see docs/search.md") from error
    if isinstance(found, dict) and isinstance(found.get("search"), dict):
        found = found["search"].get("space")
    try:
        return checked_space(TypeAdapter(Space).validate_python(found), where=path)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else "the file"
        remedy = "write lr: {low: 1.0e-5, high: 1.0e-3, log: true}, or batch_size: [8, 16]"
        raise SettingsError(f"`{key}` is no range and no list of values", where=path, remedy=remedy) from error


def checked_space(space: Space, *, where: Path | None = None) -> Space:
    """`space`, if each of its keys is a setting that may be searched and each value one that it takes.

    Whether values agree with each other shows in trials. Raises SettingsError that names the key.
    """
    if not space:
        raise SettingsError("the space is empty", where=where, remedy="name a setting, for example lr")
    for name, dimension in space.items():
        if name in NOT_SEARCHED:
            remedy = "it is the same for all trials: give it as an option instead"
            raise SettingsError(f"`{name}` cannot be searched", where=where, remedy=remedy)
        values = [dimension.low, dimension.high] if isinstance(dimension, Range) else dimension
        if not values:
            raise SettingsError(f"`{name}` has no values", where=where, remedy="name two or more")
        for value in values:
            if isinstance(value, list | dict):
                remedy = "name plain values"
                raise SettingsError(f"`{name}` is to take {value!r}", where=where, remedy=remedy)
            checked_value(name, value, where=where)
    return space


def refuse_other_losses(space: Space, metric: str, pruner: str) -> None:
    """Raises SettingsError where trials of different losses would be compared by their loss."""
    for name in CHANGING_THE_LOSS:
        if name in space and (metric == "loss" or pruner != "none"):
            raise SettingsError(
                f"`{name}` makes another loss of the loss, and trials would be compared by it",
                remedy="compare them by another --metric, with --pruner none; or give it as an option instead",
            )


def is_whole(name: str, dimension: Range) -> bool:
    """Whether the numbers of `dimension` are whole: its setting takes no others, or its steps are whole."""
    annotation = TuneSettings.model_fields[name].annotation
    kinds = {part for part in get_args(annotation) or (annotation,) if part is not NoneType}
    return kinds == {int} or (isinstance(dimension.step, int) and isinstance(dimension.low, int))


def default_space(head: str, decided: dict[str, Any], *, has_dropout: bool, adapter: str) -> Space:
    """Good ranges for a head about what `tune` would choose: `decided` holds its `lr`, `epochs` and `batch_size`."""
    lr, epochs, batch = decided["lr"], decided["epochs"], decided["batch_size"]
    fewest = max(1, round(epochs / 2))
    space: Space = {
        "lr": Range(low=lr / 10, high=min(lr * 10, 0.1), log=True),
        "epochs": Range(low=fewest, high=max(fewest + 1, round(1.5 * epochs)), step=1),
        "batch_size": sorted({max(1, batch // 2), batch, batch * 2}),
        "warmup": Range(low=0.0, high=0.2),
        "weight_decay": Range(low=0.001, high=0.1, log=True),
    }
    if adapter == "none":
        space["optimiser"] = ["adamw", "muon"]
    if adapter == "lora":
        space["lora_rank"] = [8, 16, 32]
    if head != "generate" and has_dropout:
        space["dropout"] = Range(low=0.0, high=0.3)
    return space
