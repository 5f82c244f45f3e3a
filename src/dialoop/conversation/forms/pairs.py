"""Pairs: {"context": text or list of texts, "response": text}; also under the names {"prompt", "completion"}.

A list is a conversation so far, its last text said by the user and the speakers taking turns before it. Only the
response is a target: where logs are cut into pairs, an earlier answer is the response of another pair.
"""

from __future__ import annotations

from typing import Any

from dialoop.conversation.faults import Refusal
from dialoop.conversation.forms import openai
from dialoop.conversation.forms.page import Page, text_of
from dialoop.conversation.forms.turns import is_absent, meta_row, plain_turns, rest_of
from dialoop.conversation.json_text import parse_json, shorten
from dialoop.conversation.record import Conversation

_NAMES = (("context", "response"), ("prompt", "completion"))


def fits(value: Any) -> bool:
    """Whether a row has this form."""
    return isinstance(value, dict) and any(all(key in value for key in names) for names in _NAMES)


def read(value: Any, page: Page) -> Conversation:
    """The record of a row. Raises Refusal."""
    if not isinstance(value, dict):
        raise Refusal("the record is no JSON object", _FORM)
    names = next((names for names in _NAMES if any(key in value for key in names)), _NAMES[0])
    context = value.get(names[0])
    texts = context if isinstance(context, list) else [text_of(value, names[0], _FORM)]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise Refusal(f"{names[0]!r} holds what is no text: {shorten(str(context))}", _FORM, "field")
    if isinstance(context, str) and _is_list(context):
        reason = (
            f"{names[0]!r} is a text that reads as a JSON list: it is taken as what the user says, brackets and all"
        )
        page.say_once("field", reason, "in a table one text can stand; give turns as a list in JSON lines")
    response = text_of(value, names[1], _FORM)
    messages: list[dict[str, Any]] = []
    if not is_absent(value.get("system")):
        messages.append({"role": "system", "content": text_of(value, "system", _FORM)})
    for index, text in enumerate(texts):
        by_user = (len(texts) - index) % 2 == 1
        messages.append({"role": "user", "content": text} if by_user else _context_answer(text))
    messages.append({"role": "assistant", "content": response})
    return openai.read({**rest_of(value, (*names, "system")), "messages": messages}, page)


def write(conversation: Conversation) -> dict[str, Any]:
    """The row of a record. Raises Refusal where the form cannot hold it."""
    system, turns = plain_turns(conversation, "the form pairs")
    texts = [message.content or "" for message in turns]
    roles = [message.role for message in turns]
    if len(turns) < 2 or roles[::-1] != ["assistant" if index % 2 == 0 else "user" for index in range(len(turns))]:
        raise Refusal("pairs hold strict turns that end on an answer", "use the form openai or sharegpt")
    if turns[-1].weight == 0 or any(message.is_target for message in turns[:-1]):
        reason = "in pairs the last answer and no other is a target, and here it is otherwise"
        raise Refusal(reason, "use the form openai or sharegpt")
    row = meta_row(conversation)
    row["context"] = texts[0] if len(texts) == 2 else texts[:-1]
    row["response"] = texts[-1]
    if system is not None:
        row["system"] = system
    return row


def _is_list(text: str) -> bool:
    if not text.lstrip().startswith('["'):
        return False
    try:
        return isinstance(parse_json(text), list)
    except Refusal:
        return False


def _context_answer(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text, "weight": 0}


_FORM = 'write {"context": "...", "response": "..."}; context may be a list of texts'
