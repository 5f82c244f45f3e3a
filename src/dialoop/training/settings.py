"""What can be set about tuning. Plain settings; each says its unit, and each default is the one that the documents
state.

What is left open (None, "auto") is decided when the data and the base are known, and is then said and kept with the
run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dialoop.errors import SettingsError
from dialoop.training.label_settings import LabelSettings
from dialoop.training.look_settings import LookSettings
from dialoop.training.move_settings import MoveSettings
from dialoop.training.part_settings import AdapterName, PartSettings
from dialoop.training.preference_settings import PreferenceSettings
from dialoop.training.schedule import OptimiserName
from dialoop.training.track_settings import TrackSettings

MOST_HELD_OUT = 200
"""Records; held out by default are a tenth of the data, but no more than these."""

SENTENCE_BATCH = 64
"""Texts a step, where a sentence encoder learns labels."""
SENTENCE_GENTLER = 0.15
"""Times the default learning rate, there: what it knows of sentences is to be kept."""


class RunSettings(BaseModel):
    """What is learnt, how often and where it is computed. A part of `TuneSettings`."""

    head: str = Field(
        default="auto",
        description="What is learnt: generate (to answer), classify (labels), tag (spans), regress (a score);"
        " auto: as the data is.",
    )
    epochs: float | None = Field(
        default=None, gt=0, description="Times that the data is gone through; unset: 3 to 30, more for less data."
    )
    lr: float | None = Field(
        default=None, gt=0, lt=1, description="Highest learning rate; unset: by the size of the base."
    )
    batch_size: int | None = Field(
        default=None, ge=1, description="Conversations or texts a step; unset: 1 to 16, more for more data."
    )
    dropout: float | None = Field(default=None, ge=0, lt=1, description="Every dropout of the base; unset: its own.")
    patience: int = Field(default=3, ge=1, description="Looks at the held-out data without a new best before the end.")
    look_every: int | None = Field(
        default=None, ge=1, description="Steps between looks; unset: an epoch, 250 steps at most."
    )
    held_out: str | None = Field(
        default=None,
        description="What is held out: a share from 0 to 0.9, or a file; unset: a tenth, 200 records at most.",
    )
    crf: bool = Field(default=False, description="Tags are scored together with the tag before, by a CRF.")
    casing: bool = Field(
        default=False,
        description="A tagger is told how each token is written, for a base that reads small letters only.",
    )
    context: int = Field(
        default=0,
        ge=0,
        description="A tagger reads the texts of one document together, so many tokens at most; 0: each by itself.",
    )
    fresh_values: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of a conversation's values (names, places, numbers that its calls copy) that are replaced by"
        " made-up ones in each epoch, so that copying is learnt and not the values.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the split, the order and new weights.")
    window: int | None = Field(
        default=None, ge=16, description="Tokens of a sentence at most; unset: all that the base can look at."
    )
    template: Literal["auto", "chatml", "llama3", "qwen3", "mistral", "gemma"] = Field(
        default="auto",
        description="How a conversation becomes text: auto, the base's own chat template (chatml where it has none); or"
        " a packaged one, where the base's own cannot show tools or calls. The tuned model keeps it.",
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(default="auto", description="Where it is computed.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Numbers of the matrix products; auto: the faster, by a short trial."
    )

    processes: int = Field(
        default=1, ge=1, description="Processes of this machine that train together, each on its part of every step."
    )

    @field_validator("held_out", mode="before")
    @classmethod
    def _held_out_as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class TuneSettings(
    TrackSettings, LabelSettings, LookSettings, PreferenceSettings, PartSettings, MoveSettings, RunSettings
):
    """How a base is tuned. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    @field_validator(
        *("lr", "weight_decay", "lora_alpha", "epochs", "unfreeze", "clip"),
        *("beta", "nll_weight", "desirable_weight", "undesirable_weight"),
    )
    @classmethod
    def _finite(cls, value: float | None) -> float | None:
        if value is not None and not math.isfinite(value):
            raise ValueError("must be a finite number")
        return value

    @model_validator(mode="after")
    def _agreeing(self) -> TuneSettings:
        if self.nesterov and not (self.optimiser == "sgd" and self.momentum):
            raise ValueError("nesterov needs the optimiser sgd and a momentum above 0")
        for name, needed in _idle(self):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} needs {needed}, and would do nothing")
        return self


_NEEDING: list[tuple[tuple[str, ...], str, Callable[[TuneSettings], bool]]] = [
    (
        ("lora_rank", "lora_alpha", "lora_dropout"),
        "an adapter: lora, dora or rslora",
        lambda one: one.adapter not in ("none", "ia3"),
    ),
    (("beta", "nll_weight"), "the objective dpo or kto", lambda one: one.compares),
    (("text_weight",), "the objective nll", lambda one: not one.compares),
    (("base_share",), "adapter none", lambda one: one.adapter == "none"),
    (("desirable_weight", "undesirable_weight"), "the objective kto", lambda one: one.objective == "kto"),
    (("momentum",), "the optimiser sgd", lambda one: one.optimiser == "sgd"),
    (("beta1", "beta2"), "another optimiser than sgd", lambda one: one.optimiser != "sgd"),
    (("average_decay",), "average ema", lambda one: one.average == "ema"),
    (("average_tail",), "average tail", lambda one: one.average == "tail"),
]
"""Settings that mean something only beside another one: their names, what they need, and whether it is there."""


def _idle(settings: TuneSettings) -> list[tuple[str, str]]:
    """Settings that would do nothing beside the others, whatever their values, with what they need."""
    return [(name, needed) for names, needed, there in _NEEDING if not there(settings) for name in names]


def without_idle(values: dict[str, Any]) -> dict[str, Any]:
    """`values` but for those that would do nothing beside the others."""
    idle = {name for name, _ in _idle(TuneSettings.model_construct(**values))}
    return {name: value for name, value in values.items() if name not in idle}


class Job(BaseModel):
    """What a run is: data, base and settings. The form of `settings.yaml`, which is that of a project file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    data: str
    base: str = "mini"
    tune: TuneSettings = TuneSettings()

    def write(self) -> str:
        """The YAML text."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def checked(values: dict[str, Any], *, where: Path | None = None) -> TuneSettings:
    """Settings from plain values. Raises SettingsError that names the key, its value and the nearest known key."""
    try:
        return TuneSettings.model_validate(values)
    except ValidationError as error:
        raise _refusal(error, where) from error


def checked_value(name: str, value: Any, *, where: Path | None = None) -> None:
    """Raises SettingsError where a setting does not take a value, whatever the others are."""
    try:
        TuneSettings.model_validate({name: value})
    except ValidationError as error:
        if any(one["loc"] for one in error.errors(include_url=False)):
            raise _refusal(error, where) from error


def read_job(path: Path) -> Job:
    """The job in `settings.yaml`. Raises SettingsError."""
    try:
        return Job.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror}", where=path, remedy="name a run's folder") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"this is no YAML: {error}", where=path, remedy="put it back as it was written") from error
    except ValidationError as error:
        raise _refusal(error, path) from error


def _refusal(error: ValidationError, where: Path | None) -> SettingsError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if not key:
        return SettingsError(
            first["msg"].removeprefix("Value error, "), where=where, remedy="docs/training.md tells more"
        )
    if first["type"] != "extra_forbidden":
        what = f"`{key}` is {first['input']!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        return SettingsError(what, where=where, remedy="docs/training.md tells what each setting takes")
    known = [*Job.model_fields, *TuneSettings.model_fields]
    near = get_close_matches(str(first["loc"][-1]), known, n=1)
    remedy = f"did you mean `{near[0]}`?" if near else f"the settings are: {', '.join(TuneSettings.model_fields)}"
    return SettingsError(f"there is no setting `{key}`", where=where, remedy=remedy)


def default_epochs(records: int) -> int:
    """About 2,000 samples seen in all, in 3 to 30 epochs."""
    return min(30, max(3, math.ceil(2000 / max(1, records))))


def sentence_epochs(records: int) -> int:
    """About 13,000 texts seen in all, in 8 to 100 epochs: few texts are shown often, some 200 steps."""
    return min(100, max(8, math.ceil(13_000 / max(1, records))))


def default_batch_size(records: int) -> int:
    """Such that an epoch has 100 steps or more, 1 to 16: few records want many small steps."""
    return min(16, max(1, records // 100))


def default_rate(
    weights: int, *, adapter: AdapterName = "none", optimiser: OptimiserName = "adamw", encoder: bool = False
) -> float:
    """By the number of weights: 2e-3 up to 7.5 million (2.25 million of an `encoder`), then falling with it; an adapter
    takes no less.

    Encoders forget what they know at rates that decoders learn from: BERT-base, of 110 million, takes 4e-5.
    IA³ takes the 3e-3 of its paper; `sgd`, whose moves are as long as the gradient, fifty times as much as Adam.
    """
    if optimiser == "sgd":
        return min(0.5, 50 * default_rate(weights, adapter=adapter, encoder=encoder))
    if adapter == "ia3":
        return 3e-3
    if adapter != "none":
        return min(2e-3, max(2e-4, 2e4 / weights))
    return min(2e-3, max(1e-5, (4.5e3 if encoder else 1.5e4) / weights))
