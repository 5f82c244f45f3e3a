"""OpenAI's chat fine-tuning form, which is also dialoop's own: reads all its dialects into the record.

Dialects: `developer` for system, legacy `function_call`, `functions` and role `function`, content as a list of text
parts, arguments as an object, calls and results without ids. Keys that the record does not know are kept under
`annotations` and said. Form: https://platform.openai.com/docs/guides/supervised-fine-tuning (messages, tools, weight).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from pydantic import ValidationError

from dialoop.conversation.faults import Refusal
from dialoop.conversation.forms.page import Page, meta_of
from dialoop.conversation.json_text import dump_line, shorten
from dialoop.conversation.record import META, Conversation, Message

ROLES = ("system", "user", "assistant", "tool")
_ROLE_WORDS = {"developer": "system", "function": "tool"}
_NEAR_ROLES = {"human": "user", "customer": "user", "gpt": "assistant", "bot": "assistant", "agent": "assistant"}
_MESSAGE_KEYS = frozenset(Message.model_fields)
_RECORD_KEYS = frozenset(Conversation.model_fields)


def fits(value: Any) -> bool:
    """Whether a row has this form."""
    return isinstance(value, dict) and isinstance(value.get("messages"), list)


def read(value: Any, page: Page) -> Conversation:
    """The record of a row. Raises Refusal."""
    if not isinstance(value, dict):
        raise Refusal(f"the record is no JSON object: {shorten(str(value))}", 'write {"messages": [...]}')
    if "messages" not in value:
        raise Refusal(f"'messages' is missing{_nearest('messages', value)}", 'write {"messages": [...]}', "field")
    if value.get("id") in (None, ""):
        value["id"] = page.made_id
    try:
        record = Conversation.model_validate(value)  # the usual case, and the fast one
    except ValidationError:
        record = None
    if record and not any(map(_lacks, record.messages)):
        return record
    plain = _plain_record(value, page)
    try:
        return Conversation.model_validate(plain)
    except ValidationError as error:
        raise Refusal(*_reason(error)) from None


def _lacks(message: Message) -> bool:
    """Whether a call or a result has no id, or something is there that says nothing."""
    calls = message.tool_calls
    unnamed = message.tool_call_id == "" or (message.role == "tool" and message.tool_call_id is None)
    return unnamed or calls == [] or any(call.id == "" for call in calls or ())


def write(conversation: Conversation) -> dict[str, Any]:
    """The row of a record; this form holds all of it."""
    return conversation.to_json()


def _plain_record(value: dict[str, Any], page: Page) -> dict[str, Any]:
    record: dict[str, Any] = {key: item for key, item in value.items() if key in _RECORD_KEYS and item is not None}
    record.update(meta_of(value, ("id", *META), page))
    if not isinstance(value["messages"], list):
        raise Refusal("'messages' is no list", "write one object a message in a list", "field")
    record["messages"], kept = _plain_messages(value["messages"], page)
    if functions := value.get("functions"):
        if not isinstance(functions, list):
            raise Refusal("'functions' is no list", "write one object a function in a list", "tools")
        if record.get("tools"):
            raise Refusal("'tools' and the older 'functions' are both given", "keep one of the two", "tools")
        record["tools"] = [{"type": "function", "function": function} for function in functions]
    unknown = {key: item for key, item in value.items() if key not in _RECORD_KEYS and key != "functions"}
    unknown = {key: item for key, item in unknown.items() if item is not None}
    if unknown or kept:
        _keep_unknown(record, unknown, kept, page)
    return record


def _keep_unknown(record: dict[str, Any], unknown: dict[str, Any], kept: dict[int, dict[str, Any]], page: Page) -> None:
    """Moves what the record has no field for into `annotations`, and says so."""
    annotations = record.get("annotations") or {}
    listed = annotations.get("messages") or [] if isinstance(annotations, dict) else None
    if not isinstance(listed, list):
        raise Refusal("'annotations' is no object with a list 'messages'", 'write {"messages": [...]}', "annotation")
    annotations, listed = dict(annotations), list(listed)
    for key, item in unknown.items():
        if annotations.get(key, item) != item:
            reason = f"{key!r} is given twice, beside 'messages' and in 'annotations', and differs"
            raise Refusal(reason, "keep one of the two", "annotation")
        near = _nearest(key, _RECORD_KEYS)
        page.say_once("unknown_key", f"unknown key {key!r} is kept under 'annotations'{near}", "rename or remove it")
        annotations[key] = item
    for index, extra in kept.items():
        for key in extra:
            reason = f"unknown key {key!r} of a message is kept under 'annotations'{_nearest(key, _MESSAGE_KEYS)}"
            if key in _DETAILS:
                reason = f"{_DETAILS[key]}, which the record does not know, is kept under 'annotations' as {key!r}"
            page.say_once("unknown_key", reason, "rename or remove it")
        listed.append({**extra, "index": index})
    annotations["messages"] = listed
    record["annotations"] = annotations


def _plain_messages(messages: list[Any], page: Page) -> tuple[list[dict[str, Any]], dict[int, dict[str, Any]]]:
    plain: list[dict[str, Any]] = []
    kept: dict[int, dict[str, Any]] = {}
    ids = _Ids(messages)
    for index, raw in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(raw, dict):
            raise Refusal(f"{where} is no object: {shorten(str(raw))}", 'write {"role": ..., "content": ...}')
        message = {key: item for key, item in raw.items() if key in _MESSAGE_KEYS and item is not None}
        message["role"] = _role(raw, where)
        message["content"] = _content(raw.get("content"), where)
        if message.get("tool_call_id") == "":
            del message["tool_call_id"]
        if raw.get("function_call") is not None:
            if message.get("tool_calls"):
                raise Refusal(f"{where} has 'tool_calls' and the older 'function_call'", "keep one of the two", "tools")
            message["tool_calls"] = [{"type": "function", "function": raw["function_call"]}]
        if message.get("tool_calls") == [] or (message["role"] != "assistant" and not message.get("tool_calls")):
            message.pop("tool_calls", None)
        details: dict[str, list[dict[str, Any]]] = {"part_keys": _part_keys(raw.get("content"))}
        if "tool_calls" in message:
            message["tool_calls"], details["call_keys"] = ids.calls(message["tool_calls"], where, page)
        if message["role"] == "tool":
            ids.result(message, page)
        _refuse_refusal(raw, message, where)
        extra = {key: item for key, item in raw.items() if key not in _MESSAGE_KEYS and key != "function_call"}
        extra = {key: item for key, item in extra.items() if item not in (None, [], {})}
        if (given := extra.pop("index", index)) != index:
            extra["given_index"] = given
        extra |= {key: items for key, items in details.items() if any(items)}
        if extra:
            kept[index] = extra
        plain.append(message)
    return plain, kept


_DETAILS = {
    "call_keys": "a key of a tool call",
    "part_keys": "a key of a part of the content",
    "given_index": "the key 'index' of a message",
}


class _Ids:
    """Gives ids to calls that have none and, in order, to the results that answer them."""

    def __init__(self, messages: list[Any]) -> None:
        self.free = free_ids(message for message in messages if isinstance(message, dict))
        self.open: dict[str, Any] = {}
        """The name of the function by the id of the call that waits for its result."""

    def calls(self, calls: Any, where: str, page: Page) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The calls, and for each the keys that the record does not know."""
        if not isinstance(calls, list):
            raise Refusal(f"{where}.tool_calls is no list", "write a list of calls", "tools")
        plain, unknown = [], []
        self.open = {}
        for position, call in enumerate(calls):
            name = name_of(call)
            if name is None:
                raise Refusal(f"{where}.tool_calls holds no call: {shorten(str(call))}", _CALL_FORM, "tools")
            given = call.get("function", call)
            function = {key: given[key] for key in ("name", "arguments") if key in given}
            rest = {**given, **call}
            unknown.append({key: item for key, item in rest.items() if key not in _CALL_KEYS and item is not None})
            if unknown[-1].get("index") == position:
                del unknown[-1]["index"]
            if isinstance(function.get("arguments"), dict):
                function["arguments"] = dump_line(function["arguments"])
            identity = call.get("id")
            if identity in (None, ""):
                identity = next(self.free)
                page.say_once("call_id", "tool calls without id: they are numbered in order", "none is needed")
            plain.append({"id": identity, "type": call.get("type") or "function", "function": function})
            self.open[str(identity)] = name
        return plain, unknown

    def result(self, message: dict[str, Any], page: Page) -> None:
        if message.get("tool_call_id") is None and self.open:
            message["tool_call_id"] = answered(self.open, message.get("name"))
            page.say_once("call_id", "tool results without tool_call_id: matched to calls in order", "none is needed")
        if isinstance(message.get("tool_call_id"), str):
            self.open.pop(message["tool_call_id"], None)


def free_ids(messages: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Ids for calls that have none: call_1, call_2 and so on, less those that are given in the messages."""
    given = {
        call.get("id") for message in messages for call in listed_calls(message) if isinstance(call.get("id"), str)
    }
    return (identity for number in count(1) if (identity := f"call_{number}") not in given)


def listed_calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls of a message that has not been looked at yet; what is no call is left to who reads them."""
    calls = message.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def name_of(call: Any) -> str | None:
    """The name of the function that a call calls, whether it stands under `function` or beside; None for no call."""
    function = call.get("function", call) if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def answered(waiting: dict[str, Any], name: Any) -> str:
    """Of the calls that wait, by id with their functions' names: the first one of that name, else the first."""
    return next((identity for identity, function in waiting.items() if function == name), next(iter(waiting)))


_CALL_KEYS = ("id", "type", "function", "name", "arguments")
_CALL_FORM = 'write {"id": "call_1", "type": "function", "function": {"name": "...", "arguments": "{...}"}}'


def _role(raw: dict[str, Any], where: str) -> str:
    role = raw.get("role")
    if isinstance(role, str):
        role = _ROLE_WORDS.get(role, role)
        if role in ROLES:
            return role
    if role is None:
        raise Refusal(f"{where} has no role{_nearest('role', raw)}", f"roles are {', '.join(ROLES)}", "role")
    near = f"; did you mean {_NEAR_ROLES[role]!r}?" if isinstance(role, str) and role in _NEAR_ROLES else ""
    raise Refusal(
        f"{where}.role is {shorten(str(role))}, an unknown role{near}", f"roles are {', '.join(ROLES)}", "role"
    )


def _content(content: Any, where: str) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = []
        for part in content:
            if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
                texts.append(part["text"])
            else:
                kind = part.get("type") if isinstance(part, dict) else part
                reason = f"{where}.content has a part that is no text: {shorten(str(kind))}"
                raise Refusal(reason, "only text can be held; leave the record out or describe the part", "content")
        return "".join(texts)
    raise Refusal(f"{where}.content is neither text nor null: {shorten(str(content))}", "write text", "content")


def _refuse_refusal(raw: dict[str, Any], message: dict[str, Any], where: str) -> None:
    """An answer of OpenAI's whose text stands under `refusal` alone is not taken for one that says nothing."""
    refusal = raw.get("refusal")
    if message["content"] or message.get("tool_calls") or not isinstance(refusal, str) or not refusal.strip():
        return
    reason = f"{where} is a refusal: {shorten(refusal)} stands under 'refusal', and 'content' is empty"
    remedy = "move the text to 'content' if the agent is to say it; else leave the record out"
    raise Refusal(reason, remedy, "empty_message")


def _part_keys(content: Any) -> list[dict[str, Any]]:
    """For each part of a content that is a list, the keys beside its text."""
    parts = content if isinstance(content, list) else []
    return [
        {key: item for key, item in part.items() if key not in ("type", "text") and item is not None} for part in parts
    ]


def _reason(error: ValidationError) -> tuple[str, str, str]:
    first = error.errors(include_url=False)[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    count = error.error_count()
    more = f" ({count} such faults in this record)" if count > 1 else ""
    found = "" if first["type"] == "missing" else f"; found {shorten(str(first['input']))}"
    if first["type"] == "extra_forbidden":
        return f"{where} is an unknown key{more}", "rename or remove it", "unknown_key"
    return f"{where}: {first['msg']}{found}{more}", "correct the field; docs/data-forms.md shows the form", "field"


def _nearest(key: str, known: Any) -> str:
    near = difflib.get_close_matches(key, [str(item) for item in known], n=1, cutoff=0.7)
    return f"; did you mean {near[0]!r}?" if near else ""
