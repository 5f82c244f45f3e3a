"""What can be set about tuning. Plain settings; each says its unit, and each default is the one that the documents
state.

What is left open (None, "auto") is decided when the data and the base are known, and is then said and kept with the
run.
"""

from __future__ import annotations

import math
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dialoop.errors import SettingsError
from dialoop.training.schedule import OptimiserSettings, Schedule

MOST_HELD_OUT = 200
"""Records; held out by default are a tenth of the data, but no more than these."""


class TuneSettings(BaseModel):
    """How a base is tuned. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    head: Literal["auto", "generate", "classify"] = Field(
        default="auto", description="What is learnt: to answer, or to label; auto: as the data is."
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
    optimiser: Literal["adamw", "muon"] = Field(default="adamw", description="How gradients become moves.")
    schedule: Schedule = Field(default="linear", description="How the learning rate falls.")
    warmup: float = Field(default=0.05, ge=0, le=1, description="Share of the steps in which the learning rate rises.")
    weight_decay: float = Field(default=0.01, ge=0, description="Pull of the matrices towards zero, a step and rate.")
    dropout: float | None = Field(default=None, ge=0, lt=1, description="Every dropout of the base; unset: its own.")
    patience: int = Field(default=3, ge=1, description="Looks at the held-out loss without a new best before the end.")
    look_every: int | None = Field(
        default=None, ge=1, description="Steps between looks; unset: an epoch, 250 steps at most."
    )
    held_out: str | None = Field(
        default=None,
        description="What is held out: a share from 0 to 0.9, or a file; unset: a tenth, 200 records at most.",
    )
    fresh_values: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of a conversation's values (names, places, numbers that its calls copy) that are replaced by"
        " made-up ones in each epoch, so that copying is learnt and not the values.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the split, the order and new weights.")
    adapter: Literal["none", "lora"] = Field(default="none", description="Train all weights, or a LoRA adapter only.")
    lora_rank: int = Field(default=16, ge=1, description="Width of the adapter.")
    lora_alpha: float = Field(default=32.0, gt=0, description="Scale: the adapter counts alpha / rank times.")
    lora_dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout before the adapter.")
    window: int | None = Field(
        default=None, ge=16, description="Tokens of a sentence at most; unset: all that the base can look at."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(default="auto", description="Where it is computed.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Numbers of the matrix products; auto: the faster, by a short trial."
    )

    @field_validator("held_out", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("lr", "weight_decay", "lora_alpha", "epochs")
    @classmethod
    def _finite(cls, value: float | None) -> float | None:
        if value is not None and not math.isfinite(value):
            raise ValueError("must be a finite number")
        return value

    def optimiser_settings(self, lr: float) -> OptimiserSettings:
        """As the loop's step takes it."""
        return OptimiserSettings(
            name=self.optimiser, lr=lr, weight_decay=self.weight_decay, schedule=self.schedule, warmup=self.warmup
        )


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


def default_batch_size(records: int) -> int:
    """Such that an epoch has 100 steps or more, 1 to 16: few records want many small steps."""
    return min(16, max(1, records // 100))


def default_rate(weights: int, *, adapter: bool) -> float:
    """By the number of weights: 2e-3 up to 7.5 million, then falling with it; an adapter takes no less."""
    if adapter:
        return min(2e-3, max(2e-4, 2e4 / weights))
    return min(2e-3, max(1e-5, 1.5e4 / weights))
