"""The model's room: load and save, the sentence, heads, adapters, the shelf of versions.

What needs torch is imported when it is first asked for, so that a web worker that only renders text stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialoop.model.answer import Answer, parse_answer
from dialoop.model.chat import TemplateFacts, is_prefix_preserving, render, template_facts, unread_calls
from dialoop.model.pairs import Answers, answer_pairs, answers_at, is_pair, rejected_message
from dialoop.model.sentence import Prompt, Sentence, prompt, prompt_ids, sentence, sentences
from dialoop.model.shelf import Shelf, Version, shelf
from dialoop.model.templates import TEMPLATES, packaged_template

if TYPE_CHECKING:
    from dialoop.model.adapter import AdapterSettings
    from dialoop.model.base import Base, load_base, save_model
    from dialoop.model.heads import HEADS, Head, HeadKind, head_loss
    from dialoop.model.loss import answer_log_probs, linear_nll, spare_rows, takes_rows, target_nll
    from dialoop.model.names import resolve_model
    from dialoop.model.tagging import tag_documents, tag_texts

_HEAVY = {
    "AdapterSettings": "adapter",
    "Base": "base",
    "load_base": "base",
    "save_model": "base",
    "HEADS": "heads",
    "Head": "heads",
    "HeadKind": "heads",
    "head_loss": "heads",
    "answer_log_probs": "loss",
    "linear_nll": "loss",
    "spare_rows": "loss",
    "takes_rows": "loss",
    "target_nll": "loss",
    "resolve_model": "names",
    "tag_documents": "tagging",
    "tag_texts": "tagging",
}

__all__ = [
    "HEADS",
    "TEMPLATES",
    "AdapterSettings",
    "Answer",
    "Answers",
    "Base",
    "Head",
    "HeadKind",
    "Prompt",
    "Sentence",
    "Shelf",
    "TemplateFacts",
    "Version",
    "answer_log_probs",
    "answer_pairs",
    "answers_at",
    "head_loss",
    "is_pair",
    "is_prefix_preserving",
    "linear_nll",
    "load_base",
    "packaged_template",
    "parse_answer",
    "prompt",
    "prompt_ids",
    "rejected_message",
    "render",
    "resolve_model",
    "save_model",
    "sentence",
    "sentences",
    "shelf",
    "spare_rows",
    "tag_documents",
    "tag_texts",
    "takes_rows",
    "target_nll",
    "template_facts",
    "unread_calls",
]


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(import_module(f"dialoop.model.{_HEAVY[name]}"), name)
    raise AttributeError(f"module 'dialoop.model' has no attribute {name!r}")
