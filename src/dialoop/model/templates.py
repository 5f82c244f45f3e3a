"""The packaged chat templates: ChatML, Llama 3, Qwen3, Mistral and Gemma styles, written for this project.

A base keeps its own template; these serve bases without one, and tests. It does not know tokenizers.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files

from dialoop.errors import ModelError


@dataclass(frozen=True)
class PackagedTemplate:
    """A chat template by name: its Jinja text, the control tokens that it writes, and the one that ends a turn."""

    name: str
    text: str
    controls: tuple[str, ...]
    stop: str


_CONTROLS: dict[str, tuple[tuple[str, ...], str]] = {
    "chatml": (("<|im_start|>", "<|im_end|>"), "<|im_end|>"),
    "llama3": (
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|eot_id|>",
    ),
    "qwen3": (("<|im_start|>", "<|im_end|>"), "<|im_end|>"),
    "mistral": (("<s>", "</s>", "[INST]", "[/INST]"), "</s>"),
    "gemma": (("<bos>", "<start_of_turn>", "<end_of_turn>"), "<end_of_turn>"),
}
TEMPLATES = tuple(_CONTROLS)


def packaged_template(name: str) -> PackagedTemplate:
    """The packaged template called `name`. Raises ModelError for an unknown name."""
    if name not in _CONTROLS:
        near = get_close_matches(name, TEMPLATES, n=1, cutoff=0.0)[0]
        raise ModelError(
            f"no packaged template is called {name!r}", remedy=f"did you mean {near!r}? known: {TEMPLATES}"
        )
    text = files("dialoop.model").joinpath("templates", f"{name}.jinja").read_text(encoding="utf-8")
    return PackagedTemplate(name, text, *_CONTROLS[name])
