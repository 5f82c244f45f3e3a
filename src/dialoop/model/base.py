"""Loads and saves a base: backbone with head, tokenizer with chat template, and what an engine must know of them.

It opens local folders; `names` finds the folder of a name. It does not know training, engines or conversations.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from safetensors import SafetensorError
from torch import nn

from dialoop.errors import ModelError, SettingsError
from dialoop.model.adapter import (
    ADAPTER_CONFIG,
    AdapterSettings,
    adapter_base,
    is_adapted,
    load_adapter,
    merged,
    save_adapter,
    with_adapter,
)
from dialoop.model.chat import control_tokens, template_facts
from dialoop.model.folder import verify, written_whole
from dialoop.model.heads import HEADS, Head, head_of, is_encoder
from dialoop.model.names import resolve_model
from dialoop.model.templates import packaged_template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Dtype = Literal["auto", "float32", "bfloat16"]
Form = Literal["whole", "adapter"]


@dataclass
class Base:
    """A model that is ready to be tuned or served.

    `window`: tokens that it can look at. `eos_ids`: ids that end an answer. `fingerprint`: SHA-256 over its weight files as
    they were loaded. `path`: its folder.
    """

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase
    name: str
    path: Path | None
    window: int
    eos_ids: tuple[int, ...]
    fingerprint: str
    head: Head

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.model.parameters()).device


def load_base(
    name_or_path: str | Path,
    *,
    head: Head | None = None,
    dtype: Dtype = "float32",
    dropout: float | None = None,
    adapter: AdapterSettings | None = None,
    template: str | None = None,
    device: str | torch.device = "cpu",
) -> Base:
    """Load "mini", a folder, a version on the shelf or a hub name, in evaluation mode.

    `head` None: the head that it was saved with. `dropout`: set every dropout of the backbone to this. `adapter`: freeze
    the weights and add fresh ones. `template`: use this packaged chat template instead of the base's own; a base without
    any gets ChatML. Only safetensors are opened and no code of the base is run. Raises ModelError, SettingsError.
    """
    folder = resolve_model(name_or_path)
    if (folder / ADAPTER_CONFIG).is_file() and not (folder / "config.json").is_file():
        return _load_adapted(folder, str(name_or_path), head, dtype, dropout, adapter, template, device)
    fingerprint = verify(folder)
    config = _config(folder)
    head = head or head_of(config)
    spec = HEADS[head.kind]
    if head.kind == "generate" and is_encoder(config):
        raise ModelError(
            f"a {config.model_type} model reads both ways and cannot generate",
            where=folder,
            remedy="choose a decoder (mini, GPT-2, Llama, Qwen3), or tune it to classify",
        )
    for key, value in spec.configure(head).items():
        setattr(config, key, value)
    if dropout is not None:
        _set_dropout(config, dropout)
    tokenizer = _tokenizer(folder)
    added = _give_template(tokenizer, template) if head.kind == "generate" else []
    added += _give_padding(tokenizer)
    config.pad_token_id = tokenizer.pad_token_id
    with quietly():
        model = _model(folder, config, head, dtype)
        new_rows = _make_room(model, len(tokenizer))
    ends = _ends(model, tokenizer, head)
    if adapter is not None:
        model = with_adapter(model, adapter, new_tokens=added if new_rows else [], task=spec.task)
    return Base(
        model=model.to(device).eval(),
        tokenizer=tokenizer,
        name=str(name_or_path),
        path=folder,
        window=_window(config, tokenizer),
        eos_ids=ends,
        fingerprint=fingerprint,
        head=head,
    )


def save_model(base: Base, folder: str | Path, *, form: Form = "whole", dtype: Dtype = "auto") -> Path:
    """Write `base` to `folder` in one step: beside it, fsynced, with a manifest of checksums, then renamed.

    `form` "whole": a model that stock transformers, PEFT and vLLM load, an adapter's weights added in. "adapter": only the
    adapter, which names its base. `dtype` "auto" keeps each weight's own. Gives the folder. Raises ModelError.
    """
    folder = Path(folder)
    if form == "adapter" and not is_adapted(base.model):
        raise ModelError("this model has no adapter to save", where=folder, remedy="save it whole")
    with written_whole(folder) as beside, quietly():
        if form == "adapter":
            save_adapter(base.model, beside, base=str(base.path or base.name), fingerprint=base.fingerprint)
        else:
            model = merged(base.model)
            if dtype != "auto":
                model = (copy.deepcopy(model) if model is base.model else model).to(getattr(torch, dtype))
            if base.head.kind == "generate":
                model.generation_config.eos_token_id = list(base.eos_ids)
                model.generation_config.pad_token_id = base.tokenizer.pad_token_id
            model.save_pretrained(beside)
        base.tokenizer.save_pretrained(beside)
    return folder


def _load_adapted(
    folder: Path,
    name: str,
    head: Head | None,
    dtype: Dtype,
    dropout: float | None,
    adapter: AdapterSettings | None,
    template: str | None,
    device: str | torch.device,
) -> Base:
    """An adapter's folder: its base with the adapter laid over it."""
    if adapter is not None:
        raise SettingsError(
            "this folder holds an adapter already", where=folder, remedy="save it whole, then tune that with an adapter"
        )
    fingerprint = verify(folder)
    wanted = adapter_base(folder)
    base = load_base(wanted.name, head=head, dtype=dtype, dropout=dropout, template=template, device=device)
    if base.fingerprint != wanted.fingerprint:
        raise ModelError(
            f"the adapter was trained on other weights of {wanted.name} than are there now",
            where=folder,
            remedy="bring back the base that it was trained on",
        )
    with quietly():
        model = load_adapter(base.model, folder)
    return replace(base, model=model.to(device).eval(), name=name, path=folder, fingerprint=fingerprint)


@contextmanager
def quietly() -> Iterator[None]:
    """Keep transformers' progress bars and notes out of the terminal for the while."""
    from transformers.utils import logging

    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _config(folder: Path) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"config.json tells of no model that is known here: {_first_line(error)}",
            where=folder,
            remedy="choose a model that transformers knows; code that comes with a model is never run",
        ) from error


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        with quietly():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # noqa: BLE001 - tokenizers raises bare Exception for a file that it cannot read
        raise ModelError(
            f"the tokenizer cannot be read: {_first_line(error)}", where=folder, remedy="get the whole model again"
        ) from error
    if len(tokenizer) == 0:
        raise ModelError("the tokenizer is empty", where=folder, remedy="get the whole model again")
    tokenizer.padding_side = "right"
    found: PreTrainedTokenizerBase = tokenizer
    return found


def _give_template(tokenizer: PreTrainedTokenizerBase, name: str | None) -> list[int]:
    """Set the packaged template `name`, or ChatML where there is none; gives the ids of control tokens that were new."""
    if name is None and tokenizer.chat_template:
        template_facts(tokenizer)  # refuses here what cannot be trained on
        return []
    packaged = packaged_template(name or "chatml")
    known = control_tokens(tokenizer)
    new = [token for token in packaged.controls if token not in known]
    tokenizer.add_special_tokens({"additional_special_tokens": new}, replace_additional_special_tokens=False)
    tokenizer.chat_template = packaged.text
    tokenizer.eos_token = packaged.stop
    template_facts(tokenizer)
    return [int(tokenizer.convert_tokens_to_ids(token)) for token in new]


def _give_padding(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Make sure of a padding token; gives its id where it is new."""
    if tokenizer.pad_token_id is not None:
        return []
    if tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.eos_token
        return []
    tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
    return [int(tokenizer.pad_token_id)]


def _model(folder: Path, config: Any, head: Head, dtype: Dtype) -> Any:
    import transformers

    auto = getattr(transformers, HEADS[head.kind].auto)
    try:
        model, report = auto.from_pretrained(
            folder,
            config=config,
            dtype=dtype if dtype == "auto" else getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            ignore_mismatched_sizes=HEADS[head.kind].labelled,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"the weights cannot be loaded: {_first_line(error)}", where=folder, remedy="get the whole model again"
        ) from error
    own = tuple(f"{model.base_model_prefix}.{part}" for part in ("", "pooler"))
    missing = sorted(key for key in report["missing_keys"] if _is_of_backbone(key, own) or head.kind == "generate")
    if missing:
        raise ModelError(
            f"{len(missing)} weights are missing, the first is {missing[0]}",
            where=folder,
            remedy="get the whole model again",
        )
    return model


def _is_of_backbone(key: str, own: tuple[str, str]) -> bool:
    """Whether a weight belongs to the backbone; BERT's pooler is a part of the head that comes new with it."""
    backbone, pooler = own
    return key.startswith(backbone) and not key.startswith(pooler)


def _make_room(model: Any, tokens: int) -> bool:
    """Give tokens beyond the model's vocabulary rows of their own, near the mean of the others. Whether any was needed."""
    old = model.get_input_embeddings().weight.shape[0]
    if tokens <= old:
        return False
    model.resize_token_embeddings(tokens, mean_resizing=False)
    generator = torch.Generator().manual_seed(0)
    outputs = model.get_output_embeddings()
    matrices = [model.get_input_embeddings().weight, *([] if outputs is None else [outputs.weight])]
    with torch.no_grad():
        for matrix in {id(matrix): matrix for matrix in matrices}.values():
            known = matrix[:old].float()
            noise = torch.randn(tokens - old, matrix.shape[1], generator=generator) * known.std() * 0.1
            matrix[old:] = (known.mean(0) + noise).to(matrix.dtype)
    return True


_DROPOUTS = re.compile(r"drop")


def _set_dropout(config: Any, p: float) -> None:
    if not 0 <= p < 1:
        raise SettingsError(f"dropout is {p}", remedy="give a number from 0 up to but not 1")
    names = [key for key, value in config.to_dict().items() if _DROPOUTS.search(key) and _is_rate(value)]
    if not names:
        raise SettingsError(f"a {config.model_type} model has no dropout", remedy="leave dropout out")
    for name in names:
        setattr(config, name, p)


def _is_rate(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _window(config: Any, tokenizer: PreTrainedTokenizerBase) -> int:
    told = [getattr(config, key, None) for key in ("max_position_embeddings", "n_positions", "max_seq_len")]
    known = [int(value) for value in [*told, tokenizer.model_max_length] if value and value < 1 << 40]
    return min(known, default=2048)


def _ends(model: Any, tokenizer: PreTrainedTokenizerBase, head: Head) -> tuple[int, ...]:
    if head.kind != "generate":
        return ()
    told = model.generation_config.eos_token_id
    ids = [int(tokenizer.convert_tokens_to_ids(stop)) for stop in template_facts(tokenizer).stops]
    ids += [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
    ids += told if isinstance(told, list) else [told] if told is not None else []
    return tuple(dict.fromkeys(ids))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
