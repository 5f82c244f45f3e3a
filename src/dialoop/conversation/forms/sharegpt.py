"""ShareGPT: {"conversations": [{"from": "human", "value": ...}, {"from": "gpt", "value": ...}]}.

With LLaMA-Factory's additions: `system` and `tools` beside the turns, turns `function_call` (a JSON object or a list of
them) and `observation`, and `weight` on a turn. Call ids are not part of the form: calls are numbered and answered in
order. Arguments are held as JSON values, so they come back equal as JSON, not letter for letter.
"""

from __future__ import annotations

from typing import Any

from dialoop.conversation.faults import Refusal
from dialoop.conversation.forms import openai
from dialoop.conversation.forms.page import Page
from dialoop.conversation.forms.turns import is_absent, rest_of
from dialoop.conversation.json_text import dump_line, parse_json, parse_tool_arguments, shorten
from dialoop.conversation.record import META, Conversation, Message

_SPEAKERS = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "system": "system",
    "function_call": "call",
    "tool_call": "call",
    "observation": "tool",
    "tool": "tool",
    "function_response": "tool",
    "tool_response": "tool",
}
_WORDS = {"user": "human", "assistant": "gpt", "system": "system"}


def fits(value: Any) -> bool:
    """Whether a row has this form."""
    return isinstance(value, dict) and isinstance(value.get("conversations"), list)


def read(value: Any, page: Page) -> Conversation:
    """The record of a row. Raises Refusal."""
    turns = value.get("conversations") if isinstance(value, dict) else None
    if not isinstance(turns, list):
        raise Refusal("'conversations' is missing or no list", 'write {"conversations": [{"from": ..., "value": ...}]}')
    row = rest_of(value, ("conversations", "system", "tools"))
    messages: list[dict[str, Any]] = []
    if not is_absent(value.get("system")):
        messages.append({"role": "system", "content": value["system"]})
    for index, turn in enumerate(turns):
        messages.append(_message(turn, f"conversations[{index}]"))
    _number(messages)
    if not is_absent(value.get("tools")):
        row["tools"] = _tools(value["tools"])
    return openai.read({**row, "messages": messages}, page)


def write(conversation: Conversation) -> dict[str, Any]:
    """The row of a record. Raises Refusal where the form cannot hold it."""
    turns: list[dict[str, Any]] = []
    for index, message in enumerate(conversation.messages):
        if message.name or message.rejected is not None:
            raise Refusal(f"messages[{index}]: ShareGPT cannot hold 'name' or 'rejected'", "use --drop name,rejected")
        turn = _turn(message, index)
        if message.weight is not None:
            turn["weight"] = message.weight
        turns.append(turn)
    if conversation.annotations is not None:
        raise Refusal("ShareGPT cannot hold annotations", "use --drop annotations, or the form openai")
    row: dict[str, Any] = {"id": conversation.id}
    row |= {field: getattr(conversation, field) for field in META if getattr(conversation, field) is not None}
    row["conversations"] = turns
    if conversation.tools:
        row["tools"] = dump_line(conversation.tools)
    return row


def _message(turn: Any, where: str) -> dict[str, Any]:
    if not isinstance(turn, dict):
        raise Refusal(f"{where} is no object: {shorten(str(turn))}", 'write {"from": ..., "value": ...}')
    speaker = turn.get("from", turn.get("role"))
    text = turn.get("value", turn.get("content"))
    role = _SPEAKERS.get(speaker) if isinstance(speaker, str) else None
    for one, other in (("from", "role"), ("value", "content")):
        if turn.get(one, turn.get(other)) != turn.get(other, turn.get(one)):
            raise Refusal(f"{where} has {one!r} and {other!r}, and they differ", "keep one of the two", "field")
    if role is None:
        known = ", ".join(_SPEAKERS)
        raise Refusal(f"{where}.from is {shorten(str(speaker))}, an unknown role", f"roles are {known}", "role")
    rest = {key: item for key, item in turn.items() if key not in ("from", "role", "value", "content")}
    if role == "call":
        if rest.get("tool_calls") or rest.get("function_call"):
            raise Refusal(f"{where} calls in 'value' and beside it", "keep one of the two", "tool_call")
        return {"role": "assistant", "content": None, "tool_calls": _calls(text, where), **rest}
    return {"role": role, "content": text, **rest}


def _number(messages: list[dict[str, Any]]) -> None:
    """Numbers the calls, and gives each result the id of the call that it answers; ids that are given stay.

    Calls that are none are left to the reader of messages, which refuses them.
    """
    free = openai.free_ids(messages)
    waiting: dict[str, Any] = {}
    for message in messages:
        if calls := openai.listed_calls(message):
            for call in calls:
                call["id"] = next(free) if call.get("id") in (None, "") else call["id"]
            waiting = {str(call["id"]): openai.name_of(call) for call in calls}
        elif message["role"] == "tool":
            if message.get("tool_call_id") in (None, "") and waiting:
                message["tool_call_id"] = openai.answered(waiting, message.get("name"))
            waiting.pop(str(message.get("tool_call_id")), None)


def _calls(text: Any, where: str) -> list[dict[str, Any]]:
    try:
        value = parse_json(text) if isinstance(text, str) else text
    except Refusal as refusal:
        raise Refusal(f"{where}: the call is no JSON: {refusal.reason}", _CALL_FORM, "arguments") from None
    calls = value if isinstance(value, list) else [value]
    plain = []
    for call in calls:
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            raise Refusal(f"{where}: the call names no function: {shorten(str(text))}", _CALL_FORM, "tool_call")
        rest = {key: item for key, item in call.items() if key not in ("id", "name", "arguments")}
        if "arguments" not in call and (given := [key for key in rest if key in _OTHER_ARGUMENTS]):
            reason = f"{where}: the call of {shorten(call['name'])} has {given[0]!r} and no 'arguments'"
            raise Refusal(reason, f"call it 'arguments': {_CALL_FORM}", "arguments")
        plain.append({**rest, "function": {"name": call["name"], "arguments": call.get("arguments", {})}})
    return plain


_OTHER_ARGUMENTS = ("parameters", "args", "input", "kwargs")
_CALL_FORM = 'write {"name": "...", "arguments": {...}} as text'


def _tools(tools: Any) -> list[Any]:
    value = parse_json(tools) if isinstance(tools, str) else tools
    if not isinstance(value, list):
        raise Refusal("'tools' is no list", "write the tools as a JSON list", "tools")
    return [
        {"type": "function", "function": tool} if isinstance(tool, dict) and "function" not in tool else tool
        for tool in value
    ]


def _turn(message: Message, index: int) -> dict[str, Any]:
    if not message.tool_calls:
        word = "observation" if message.role == "tool" else _WORDS[message.role]
        return {"from": word, "value": message.content}
    if message.content:
        reason = f"messages[{index}] says something and calls a tool; ShareGPT holds one of the two"
        raise Refusal(reason, "part the message in two, or use the form openai")
    calls = [
        {"name": call.function.name, "arguments": parse_tool_arguments(call.function.arguments)}
        for call in message.tool_calls
    ]
    return {"from": "function_call", "value": dump_line(calls[0] if len(calls) == 1 else calls)}
