"""Opens the parts of a model's folder through transformers: config, tokenizer, weights. Refuses in words.

Only local files, only safetensors, never code that comes with a model. It does not know heads' losses or conversations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from dialoop.errors import ModelError, SettingsError
from dialoop.model.folder import weight_files
from dialoop.model.heads import HeadKind

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Dtype = Literal["auto", "float32", "bfloat16"]


def token_id(tokenizer: PreTrainedTokenizerBase, token: str) -> int:
    """The id of `token`, which the tokenizer holds."""
    found = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(found, int)
    return found


@contextmanager
def quietly() -> Iterator[None]:
    """Keep transformers' progress bars and notes out of the terminal for the while."""
    from transformers.utils import logging

    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def open_config(folder: Path) -> Any:
    """The transformers config of `folder`.

    Raises ModelError for a kind of model that transformers does not know, and for quantised weights.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"config.json tells of no model that is known here: {_first_line(error)}",
            where=folder,
            remedy="choose a model that transformers knows; code that comes with a model is never run",
        ) from error
    quantised = getattr(config, "quantization_config", None)
    if quantised is not None:
        told = quantised if isinstance(quantised, dict) else vars(quantised)
        method = told.get("quant_method")
        raise ModelError(
            f"the weights are quantised ({getattr(method, 'value', method) or 'in a way that is not told'}), and such"
            " weights cannot be trained",
            where=folder,
            remedy="take the base in its unquantised form, whose name often lacks -GPTQ, -AWQ, -FP8 or -bnb-4bit",
        )
    return config


def open_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of `folder`, padding on the right. Raises ModelError where it cannot be read."""
    from transformers import AutoTokenizer

    try:
        with quietly():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # tokenizers raises bare Exception for what it cannot read
        raise ModelError(
            f"the tokenizer cannot be read: {_first_line(error)}", where=folder, remedy="get the whole model again"
        ) from error
    if len(tokenizer) == 0:
        raise ModelError("the tokenizer is empty", where=folder, remedy="get the whole model again")
    tokenizer.padding_side = "right"
    found: PreTrainedTokenizerBase = tokenizer
    return found


def open_model(folder: Path, config: Any, kind: HeadKind, dtype: Dtype) -> tuple[Any, list[str]]:
    """The model of `folder` with a head of `kind`, and the names of the modules whose weights are new.

    Of a model that reads images as well, to generate, it is the part that reads and writes text, a model of its own.
    Raises ModelError for torn weights, and for weights of the backbone that are missing or of another shape.
    """
    import transformers

    if kind.fresh and not getattr(config, "is_encoder_decoder", False) and config.get_text_config() is not config:
        raise ModelError(
            f"a {config.model_type} model reads images as well, and labels cannot be taught to it",
            where=folder,
            remedy="choose a base that reads text only, or tune this one on conversations",
        )
    auto = getattr(transformers, _auto(config, kind))
    try:
        model, report = auto.from_pretrained(
            folder,
            config=config,
            dtype=dtype if dtype == "auto" else getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            ignore_mismatched_sizes=kind.fresh,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"the weights cannot be loaded: {_first_line(error)}", where=folder, remedy="get the whole model again"
        ) from error
    prefix = f"{model.base_model_prefix}."
    absent = {*report["missing_keys"], *(found[0] for found in report["mismatched_keys"])}
    missing = sorted(key for key in absent if _is_of_backbone(key, prefix) or not kind.fresh)
    if missing:
        raise ModelError(
            f"{len(missing)} weights are missing or of another shape, the first is {missing[0]}",
            where=folder,
            remedy="get the whole model again",
        )
    fresh = sorted({key.removeprefix(prefix).split(".")[0] for key in absent})
    _settle(model)
    return model if kind.fresh else _text_part(model, folder), fresh


def _auto(config: Any, kind: HeadKind) -> str:
    """The class of transformers' that opens a model of `config`; some that read images are none of the causal ones."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    seen_only = not kind.fresh and type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING
    return (
        "AutoModelForImageTextToText"
        if seen_only and type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        else kind.auto
    )


def _settle(model: Any) -> None:
    """Drop from `generation_config` what transformers will not save: what does nothing beside its other settings.

    Vicuna's, for one, holds a temperature without sampling, which is then a greedy model's.
    """
    told = getattr(model, "generation_config", None)
    if told is None or _is_sound(told):
        return
    for name in (*(() if told.do_sample else _SAMPLED), *(() if (told.num_beams or 1) > 1 else _BEAMED)):
        setattr(told, name, None)


_SAMPLED = ("temperature", "top_p", "top_k", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff")
_BEAMED = ("early_stopping", "length_penalty")


def _is_sound(generation: Any) -> bool:
    try:
        generation.validate(strict=True)
    except ValueError:
        return False
    return True


def _text_part(model: Any, folder: Path) -> Any:
    """The decoder inside a model that reads images as well (Gemma 3, Mistral Small 3.1); any other as it is.

    Raises ModelError where it is none that stands alone.
    """
    from transformers import AutoModelForCausalLM

    config = model.config.get_text_config()
    if config is model.config:
        return model
    inner: Any = getattr(model.base_model, "language_model", None)
    try:
        with torch.device("meta"):
            alone = AutoModelForCausalLM.from_config(config, dtype=model.dtype)  # type: ignore[no-untyped-call]
    except ValueError:
        alone = None
    if alone is None or type(inner) is not type(alone.base_model):
        raise ModelError(
            f"a {model.config.model_type} model reads more than text, and its text part is no model of its own",
            where=folder,
            remedy="choose a base that reads text only",
        )
    output = model.get_output_embeddings()
    setattr(alone, alone.base_model_prefix, inner)
    alone.set_output_embeddings(output)
    config.tie_word_embeddings = output.weight is inner.get_input_embeddings().weight
    alone.generation_config = model.generation_config
    return alone


def add_parts(model: Any, folder: Path, parts: dict[str, nn.Module]) -> None:
    """Give `model` the modules of its head that transformers does not know, with their weights where `folder` has them.

    Weights of another shape belong to other labels; the module then stays new, as the rest of such a head does.
    """
    kept: dict[str, torch.Tensor] = {}
    for path in weight_files(folder) if parts else []:
        with safe_open(path, framework="pt") as weights:
            names = [key for key in weights.keys() if key.split(".")[0] in parts]  # noqa: SIM118
            kept |= {name: weights.get_tensor(name) for name in names}
    like = next(model.parameters())
    for name, part in parts.items():
        shapes = {f"{name}.{key}": weight.shape for key, weight in part.state_dict().items()}
        if all(key in kept and kept[key].shape == shape for key, shape in shapes.items()):
            part.load_state_dict({key.removeprefix(f"{name}."): kept[key] for key in shapes})
        model.add_module(name, part.to(device=like.device, dtype=like.dtype))


def _is_of_backbone(key: str, prefix: str) -> bool:
    """Whether a weight belongs to the backbone; BERT's pooler is a part of the head that comes new with it."""
    return key.startswith(prefix) and not key.startswith(f"{prefix}pooler")


def make_room(model: Any, tokens: int, *, known: int, added: Sequence[int] = ()) -> range:
    """Give tokens beyond the model's vocabulary rows of their own; gives their ids.

    Their rows, and those of the ids `added` that the tokenizer did not have, begin near the mean of its `known` first
    ones: a vocabulary that was padded holds rows there that nobody trained.
    """
    old = model.get_input_embeddings().weight.shape[0]
    beyond = range(old, max(old, tokens))
    rows = sorted({*beyond, *(id_ for id_ in added if id_ >= known)})
    if not rows:
        return beyond
    if beyond:
        model.resize_token_embeddings(tokens, mean_resizing=False)
    generator = torch.Generator().manual_seed(0)
    outputs = model.get_output_embeddings()
    matrices = [model.get_input_embeddings().weight, *([] if outputs is None else [outputs.weight])]
    with torch.no_grad():
        for matrix in {id(matrix): matrix for matrix in matrices}.values():
            trained = matrix[: min(known, old)].float()
            noise = torch.randn(len(rows), matrix.shape[1], generator=generator) * trained.std() * 0.1
            matrix[rows] = (trained.mean(0) + noise).to(matrix.dtype)
    return beyond


_DROPOUTS = re.compile(r"drop")


def set_dropout(config: Any, p: float) -> None:
    """Set every dropout of `config` to `p`. Raises SettingsError for a number out of [0, 1), or where there is none."""
    if not 0 <= p < 1:
        raise SettingsError(f"dropout is {p}", remedy="give a number from 0 up to but not 1")
    config = config.get_text_config()
    names = [key for key, value in config.to_dict().items() if _DROPOUTS.search(key) and _is_rate(value)]
    if not names:
        raise SettingsError(f"a {config.model_type} model has no dropout", remedy="leave dropout out")
    for name in names:
        setattr(config, name, p)


def _is_rate(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
