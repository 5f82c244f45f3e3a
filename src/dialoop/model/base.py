"""Loads and saves a base: backbone with head, tokenizer with chat template, and what an engine must know of them.

It opens local folders; `names` finds the folder of a name. It does not know training, engines or conversations.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from dialoop.errors import ModelError, SettingsError
from dialoop.model.adapter import (
    AdapterBase,
    AdapterSettings,
    adapter_base,
    load_adapter,
    merged,
    save_adapter,
    with_adapter,
)
from dialoop.model.backbone import (
    Dtype,
    add_parts,
    make_room,
    open_config,
    open_model,
    open_tokenizer,
    quietly,
    set_dropout,
    token_id,
)
from dialoop.model.chat import control_tokens, template_facts
from dialoop.model.folder import ADAPTER_CONFIG, verify, written_whole
from dialoop.model.heads import HEADS, POOLED, Head, head_of, is_encoder, kept_head, remember
from dialoop.model.names import resolve_model
from dialoop.model.pooling import POOLED_KINDS, Pooling, pool_by_mean, told_pooling
from dialoop.model.templates import packaged_template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Form = Literal["whole", "adapter"]
CARD = "README.md"
"""What the hub shows of a model: its card."""


@dataclass
class Base:
    """A model that is ready to be tuned or served.

    `window`: tokens that it can look at. `eos_ids`: ids that end an answer. `fingerprint`: SHA-256 over its weight
    files as they were loaded. `path`: its folder. `origin`: the base that its adapter belongs to, if it has one.
    `new_tokens`: ids that came new with the chat template or the padding, whose embeddings know nothing yet. `fresh`:
    names of the head's modules whose weights are new.
    """

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase
    name: str
    path: Path | None
    window: int
    eos_ids: tuple[int, ...]
    fingerprint: str
    head: Head
    origin: AdapterBase | None = None
    new_tokens: tuple[int, ...] = ()
    fresh: tuple[str, ...] = ()

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

    `head` None: the head that it was saved with; a new head's weights are drawn from torch's global generator.
    `dropout`: set every dropout of the backbone to this. `adapter`: freeze the weights and add fresh ones. `template`:
    use this packaged chat template instead of the base's own; a base without any gets ChatML. Only safetensors are
    opened and no code of the base is run. Raises ModelError, SettingsError.
    """
    folder = resolve_model(name_or_path)
    name = str(name_or_path)
    if not (folder / ADAPTER_CONFIG).is_file() or (folder / "config.json").is_file():
        return _load_whole(folder, folder, name, head, dtype, dropout, adapter, template, device)
    if adapter is not None:
        raise SettingsError(
            "this folder holds an adapter already", where=folder, remedy="save it whole, then tune that with an adapter"
        )
    fingerprint = verify(folder)
    wanted = adapter_base(folder)
    base = _load_whole(
        resolve_model(wanted.name), folder, wanted.name, head or wanted.head, dtype, dropout, None, template, device
    )
    if base.fingerprint != wanted.fingerprint:
        raise ModelError(
            f"the adapter was trained on other weights of {wanted.name} than are there now",
            where=folder,
            remedy="bring back the base that it was trained on",
        )
    with quietly():
        model = load_adapter(base.model, folder)
    model = model.to(device).eval()
    return replace(base, model=model, name=name, path=folder, fingerprint=fingerprint, origin=wanted, fresh=())


def _load_whole(
    folder: Path,
    words: Path,
    name: str,
    head: Head | None,
    dtype: Dtype,
    dropout: float | None,
    adapter: AdapterSettings | None,
    template: str | None,
    device: str | torch.device,
) -> Base:
    """The model of `folder` with the tokenizer of `words`; the rest as in `load_base`."""
    fingerprint = verify(folder)
    config = open_config(folder)
    head = head or head_of(config)
    spec = HEADS[head.kind]
    if head.kind == "generate" and is_encoder(config):
        raise ModelError(
            f"a {config.model_type} model reads both ways and cannot generate",
            where=folder,
            remedy="choose a decoder (mini, GPT-2, Llama, Qwen3), or tune it to classify",
        )
    remember(head, config)
    if dropout is not None:
        set_dropout(config, dropout)
    tokenizer = open_tokenizer(words)
    known = len(tokenizer)
    added = _give_template(tokenizer, template) if head.kind == "generate" else []
    added += _give_padding(tokenizer)
    if not is_encoder(config):  # encoders of RoBERTa's kind count positions from the padding token
        for one in (config, config.get_text_config()):
            one.pad_token_id = None  # else the embedding of that token, often the stop token, would get no gradient
    with quietly():
        model, fresh = open_model(folder, config, spec, dtype)
        new_rows = make_room(model, len(tokenizer), known=known, added=added)
    if head.pooling == "mean":
        pool_by_mean(model, folder)
        fresh = [name for name in fresh if name != "pooler"]
    parts = spec.parts(head, model.get_input_embeddings().weight.shape[1])
    add_parts(model, folder, parts)
    new_tokens = sorted({*added, *new_rows})
    model.config.pad_token_id = tokenizer.pad_token_id
    window = _window(model, tokenizer)
    ends = _ends(model, tokenizer, head)
    if adapter is not None:
        model = with_adapter(model, adapter, new_tokens=new_tokens, fresh=sorted({*fresh, *parts}), task=spec.task)
    return Base(
        model=model.to(device).eval(),
        tokenizer=tokenizer,
        name=name,
        path=folder,
        window=window,
        eos_ids=ends,
        fingerprint=fingerprint,
        head=head,
        origin=None if adapter is None else AdapterBase(_lasting_name(name, folder), fingerprint, head),
        new_tokens=tuple(new_tokens),
        fresh=tuple(fresh),
    )


def pooling_of(name_or_path: str | Path, wanted: Pooling | Literal["auto"], head: Head) -> tuple[Pooling, list[str]]:
    """What `head` is to read on this base, and what a person is told of it; `auto`: as the base was trained.

    Raises ModelError, and SettingsError where it is asked for a head that reads no whole text.
    """
    if head.kind not in POOLED:
        if wanted != "auto":
            raise SettingsError(
                f"pooling belongs to a {' or '.join(POOLED)} head, and this data teaches {head.kind}",
                remedy="leave --pooling out",
            )
        return "own", []
    if wanted != "auto":
        return wanted, []
    folder = resolve_model(name_or_path)
    if not (folder / "config.json").is_file():
        return adapter_base(folder).head.pooling, []
    config = open_config(folder)
    told = told_pooling(folder, kept_head(config))
    if told == "mean" and config.model_type not in POOLED_KINDS:
        line = f"the base was trained on the mean of its tokens; the head of a {config.model_type} reads one token"
        return "own", [line]
    return told, ["the head reads the mean of all tokens, as the base was trained"] if told == "mean" else []


def save_model(
    base: Base, folder: str | Path, *, form: Form = "whole", dtype: Dtype = "auto", card: str | None = None
) -> Path:
    """Write `base` to `folder` in one step: beside it, fsynced, with a manifest of checksums, then renamed.

    `form` "whole": a model that stock transformers, PEFT and vLLM load, an adapter's weights added in. "adapter": only
    the adapter, which names its base. `dtype` "auto" keeps each weight's own. `card`: the text of its README.md. Gives
    the folder. Raises ModelError.
    """
    folder = Path(folder)
    if form == "adapter" and base.origin is None:
        raise ModelError("this model has no adapter to save", where=folder, remedy="save it whole")
    with written_whole(folder) as beside, quietly():
        if form == "adapter" and base.origin is not None:
            save_adapter(base.model, beside, base.origin)
        else:
            model = merged(base.model)
            if dtype != "auto":
                model = (copy.deepcopy(model) if model is base.model else model).to(getattr(torch, dtype))
            if base.head.kind == "generate":
                model.generation_config.eos_token_id = list(base.eos_ids)
                model.generation_config.pad_token_id = base.tokenizer.pad_token_id
            model.save_pretrained(beside)
        base.tokenizer.save_pretrained(beside)
        if card is not None:
            (beside / CARD).write_text(card, encoding="utf-8")
    return folder


def _lasting_name(name: str, folder: Path) -> str:
    """How to find `folder` again from another working directory: by its name, or where `name` is a path, in full."""
    return str(folder.resolve()) if Path(name).exists() else str(name)


def _give_template(tokenizer: PreTrainedTokenizerBase, name: str | None) -> list[int]:
    """Set the packaged template `name`, or ChatML where there is none; gives the ids of control tokens that are new."""
    if name is None and tokenizer.chat_template:
        template_facts(tokenizer)  # refuses here what cannot be trained on
        return []
    packaged = packaged_template(name or "chatml")
    known = control_tokens(tokenizer)
    new = [token for token in packaged.controls if token not in known]
    tokenizer.add_special_tokens({"additional_special_tokens": new}, replace_extra_special_tokens=False)
    tokenizer.chat_template = _begun(packaged.text, tokenizer)
    tokenizer.eos_token = packaged.stop
    template_facts(tokenizer)
    return [token_id(tokenizer, token) for token in new]


def _begun(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """The template `text`; with the token in front that the tokenizer's texts begin with, where it writes none."""
    first = tokenizer.bos_token_id
    begins = first is not None and list(tokenizer("x", verbose=False)["input_ids"])[:1] == [first]
    return "{{- bos_token }}" + text if begins and "bos_token" not in text else text


def _give_padding(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Make sure of a padding token; gives its id where it is new."""
    if tokenizer.pad_token_id is not None:
        return []
    if tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.eos_token
        return []
    tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
    return [token_id(tokenizer, "<|pad|>")]


def _window(model: Any, tokenizer: PreTrainedTokenizerBase) -> int:
    config, padding = model.config, getattr(getattr(model.base_model, "embeddings", None), "padding_idx", None)
    told = [getattr(config, key, None) for key in ("max_position_embeddings", "n_positions", "max_seq_len")]
    if padding is not None:  # RoBERTa's kind: the first position is the one behind the padding's
        told = [value - padding - 1 for value in told if value]
    known = [int(value) for value in [*told, tokenizer.model_max_length] if value and value < 1 << 40]
    return min(known, default=2048)


def _ends(model: Any, tokenizer: PreTrainedTokenizerBase, head: Head) -> tuple[int, ...]:
    if head.kind != "generate":
        return ()
    told = model.generation_config.eos_token_id
    ids = [token_id(tokenizer, stop) for stop in template_facts(tokenizer).stops]
    ids += [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
    ids += told if isinstance(told, list) else [told] if told is not None else []
    return tuple(dict.fromkeys(ids))
