"""A pretraining recipe: tokenizer, shape of the model, phases with their mixtures, optimiser. Read from YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dialoop.errors import SettingsError
from dialoop.training.schedule import OptimiserSettings


class TokenizerShape(BaseModel):
    """Sizes of the tokenizer (see `dialoop.model.bpe`): learned merges, and words with a twin that holds the space."""

    model_config = ConfigDict(extra="forbid")
    pieces: int = Field(default=3000, ge=0)
    twins: int = Field(default=600, ge=0)


class ModelShape(BaseModel):
    """A Qwen3 decoder with tied embeddings; sizes in units, `window` in tokens."""

    model_config = ConfigDict(extra="forbid")
    hidden: int = 256
    layers: int = 8
    heads: int = 4
    key_value_heads: int = 2
    head_width: int = 64
    feed_forward: int = 640
    window: int = 4096
    rope_theta: float = 10_000.0


class Phase(BaseModel):
    """A stretch of `tokens` tokens in batches of `rows` rows of `width` positions, drawn from `mix` (source →
    weight).

    `targets`: "all" tokens, or the assistant's "answers" alone: a random name that a customer says cannot be foreseen,
    so as a target it is noise in the gradient.
    """

    model_config = ConfigDict(extra="forbid")
    name: str
    width: int = Field(gt=0)
    rows: int = Field(gt=0)
    tokens: int = Field(gt=0)
    mix: dict[str, float]
    targets: Literal["all", "answers"] = "all"


class Recipe(BaseModel):
    """All that pretraining needs besides the data: `generated` says how many conversations each generator makes."""

    model_config = ConfigDict(extra="forbid")
    name: str
    seed: int = 0
    tokenizer: TokenizerShape = TokenizerShape()
    model: ModelShape = ModelShape()
    optimiser: OptimiserSettings = OptimiserSettings()
    generated: dict[str, int] = Field(default_factory=dict)
    phases: list[Phase] = Field(min_length=1)
    watch_every: int = Field(default=250, gt=0, description="steps between two held-out copying tests and checkpoints")

    @property
    def sources(self) -> list[str]:
        """The names of all sources of all phases."""
        return sorted({name for phase in self.phases for name in phase.mix})


def read_recipe(path: Path) -> Recipe:
    """The recipe in the YAML file. Raises SettingsError with the key at fault."""
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"the recipe cannot be read: {error.strerror}", where=path) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"the recipe is no YAML: {error}", where=path) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{key}: {first['msg']}", where=path, remedy="see docs/training.md, Recipes") from error
