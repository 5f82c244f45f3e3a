"""An answer's text, as a model wrote it, becomes content and tool calls: the Hermes and Qwen form.

    <tool_call>
    {"name": "find_room", "arguments": {"city": "York"}}
    </tool_call>

Nothing is guessed: what is no well-formed call is reported in `malformed` and stays out of the content. It does not
know tokens, nor which tools there are.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from dialoop.conversation.record import FunctionCall, ToolCall

_CALL = re.compile(r"<tool_call>(.*?)(?:</tool_call>|(?=<tool_call>)|\Z)", re.DOTALL)
_REASONING = re.compile(r"\A\s*<think>(.*?)(?:</think>|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """What an answer says and calls. `content` is None where nothing is said; `malformed` holds what was no call."""

    content: str | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)
    reasoning: str | None = None


def parse_answer(text: str) -> Answer:
    """Take `text`, an answer without its stop token, apart. The ids of its calls are `call_1`, `call_2`, …

    Arguments are given as the JSON text that the model wrote.
    """
    reasoning = None
    thought = _REASONING.match(text)
    if thought:
        reasoning = thought[1].strip() or None
        text = text[thought.end() :]
    calls: list[ToolCall] = []
    malformed: list[str] = []
    for found in _CALL.finditer(text):
        function = _function(found[1]) if found[0].endswith("</tool_call>") else None
        if function is None:
            malformed.append(found[0])
        else:
            calls.append(ToolCall(id=f"call_{len(calls) + 1}", function=function))
    content = _CALL.sub("", text).strip() if calls or malformed else text.strip() if thought else text
    return Answer(content or None, calls, malformed, reasoning)


def _function(text: str) -> FunctionCall | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"]:
        return None
    arguments = value.get("arguments", {})
    if not isinstance(arguments, dict) or not value.keys() <= {"name", "arguments"}:
        return None
    try:
        return FunctionCall(name=value["name"], arguments=json.dumps(arguments, ensure_ascii=False, allow_nan=False))
    except ValueError:
        return None
