"""Alpaca: {"instruction", "input", "output"} with LLaMA-Factory's `system` and `history` ([[question, answer], ...]).

Instruction and input become one user message, a line between them. All answers, those of `history` too, are targets.
"""

from __future__ import annotations

from typing import Any

from dialoop.conversation.faults import Refusal
from dialoop.conversation.forms import openai
from dialoop.conversation.forms.page import Page, text_of
from dialoop.conversation.forms.turns import is_absent, meta_row, plain_turns, rest_of
from dialoop.conversation.record import Conversation

_KEYS = ("instruction", "input", "output", "system", "history")


def fits(value: Any) -> bool:
    """Whether a row has this form."""
    return isinstance(value, dict) and "instruction" in value and "output" in value


def read(value: Any, page: Page) -> Conversation:
    """The record of a row. Raises Refusal."""
    if not isinstance(value, dict):
        raise Refusal("the record is no JSON object", _FORM)
    question = text_of(value, "instruction", _FORM)
    if not is_absent(value.get("input")):
        question = f"{question}\n{text_of(value, 'input', _FORM)}"
    messages: list[dict[str, Any]] = []
    if not is_absent(value.get("system")):
        messages.append({"role": "system", "content": text_of(value, "system", _FORM)})
    history = [] if is_absent(value.get("history")) else value["history"]
    if not isinstance(history, list):
        raise Refusal("'history' is no list", "write [[question, answer], ...]", "field")
    for index, pair in enumerate(history):
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise Refusal(f"history[{index}] is no pair of texts", "write [question, answer]", "field")
        messages.append({"role": "user", "content": pair[0]})
        messages.append({"role": "assistant", "content": pair[1]})
    messages.append({"role": "user", "content": question})
    messages.append({"role": "assistant", "content": text_of(value, "output", _FORM)})
    return openai.read({**rest_of(value, _KEYS), "messages": messages}, page)


def write(conversation: Conversation) -> dict[str, Any]:
    """The row of a record. Raises Refusal where the form cannot hold it."""
    system, turns = plain_turns(conversation, "Alpaca")
    if any(message.weight == 0 for message in turns):
        raise Refusal("Alpaca cannot hold an answer of weight 0", "use --drop weight, or the form pairs or openai")
    roles = [message.role for message in turns]
    if not turns or roles != ["user", "assistant"] * (len(turns) // 2):
        raise Refusal("Alpaca holds questions and answers in strict turns", "use the form openai or sharegpt")
    texts = [message.content or "" for message in turns]
    row = meta_row(conversation) | {"instruction": texts[-2], "input": "", "output": texts[-1]}
    if system is not None:
        row["system"] = system
    if len(texts) > 2:
        row["history"] = [list(pair) for pair in zip(texts[:-2:2], texts[1:-2:2], strict=True)]
    return row


_FORM = 'write {"instruction": "...", "input": "", "output": "..."}'
