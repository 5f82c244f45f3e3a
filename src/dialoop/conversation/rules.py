"""The rules of a sound record: order of roles, calls and their results, weights, annotations, spans.

`error` where no model could be shown the record or no target made of it, `warning` where it can be used as it is. It
knows records and examples, and nothing of files or models.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from dialoop.conversation.example import Example
from dialoop.conversation.faults import Fault, Level
from dialoop.conversation.json_text import parse_tool_arguments, shorten
from dialoop.conversation.record import Conversation, Message, MessageAnnotation, SlotSpan, ToolCall
from dialoop.conversation.tool_schema import schema_faults
from dialoop.errors import DataError, Place


def check_conversation(conversation: Conversation, place: Place) -> list[Fault]:
    """Every fault of a record, in order of its messages. Nothing is changed."""
    faults = [
        Fault(place, reason, remedy, level, conversation.id, kind)
        for reason, remedy, level, kind in (
            *_tool_list(conversation.tools),
            *_messages(conversation),
            *_annotations(conversation),
        )
    ]
    return faults


_Finding = tuple[str, str, Level, str]


def _tool_list(tools: list[dict[str, Any]]) -> Iterator[_Finding]:
    names: set[str] = set()
    for index, tool in enumerate(tools):
        function = tool.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str) or not name:
            remedy = 'write {"type": "function", "function": {"name": ..., "parameters": ...}}'
            yield f"tools[{index}] names no function", remedy, "error", "tools"
            continue
        if name in names:
            yield f"tools[{index}]: the tool {name!r} is there twice", "keep one of the two", "error", "tools"
        names.add(name)
        if not isinstance(function.get("parameters"), dict | None):
            yield f"tools[{index}]: 'parameters' of {name!r} is no JSON schema", "write an object", "error", "tools"


def _messages(conversation: Conversation) -> Iterator[_Finding]:
    messages = conversation.messages
    if not messages:
        yield "the conversation has no messages", "leave it out", "error", "roles"
        return
    waiting: dict[str, int] = {}
    schemas = _schemas(conversation.tools)
    for index, message in enumerate(messages):
        before = messages[index - 1] if index else None
        yield from _order(index, message, before, waiting)
        yield from _fields(index, message)
        for call in message.tool_calls or []:
            if call.id in waiting:
                remedy = "give each call of a message its own id"
                yield f"messages[{index}]: the call id {call.id!r} is there twice", remedy, "error", "tool_call"
            waiting[call.id] = index
            yield from _call(index, call, schemas)
    if waiting:
        calls = ", ".join(repr(call) for call in waiting)
        reason = f"the conversation ends on a tool call that nobody answers ({calls})"
        yield reason, "none is needed if the call is the last thing to be learnt", "warning", "tool_call"
    if not any(message.is_target for message in messages):
        reason = "nothing is to be learnt from this conversation: no assistant message of weight 1"
        yield reason, "set weight 1 on an answer, or leave the conversation out", "warning", "no_target"


def _order(index: int, message: Message, before: Message | None, waiting: dict[str, int]) -> Iterator[_Finding]:
    """Roles in order; calls answered before anyone else speaks. Answered calls leave `waiting`."""
    where = f"messages[{index}]"
    if message.role == "tool":
        if message.tool_call_id is None:
            yield f"{where}: a tool result without tool_call_id", "name the call it answers", "error", "tool_call"
        elif waiting.pop(message.tool_call_id, None) is None:
            reason = f"{where}: a tool result for {message.tool_call_id!r}, but no such call waits for one"
            yield reason, "put it after its call, once, with the call's id", "error", "tool_call"
        return
    for call_id, called in waiting.items():
        reason = f"messages[{called}]: the tool call {call_id!r} is never answered before {where} ({message.role})"
        yield reason, "put the tool's result right after the call", "error", "tool_call"
    waiting.clear()
    if message.role == "system" and index > 0:
        where_to = "join the two" if before and before.role == "system" else "move it to the front"
        yield f"{where}: roles out of order: a system message that is not the first", where_to, "error", "roles"
    if before is not None and before.role == message.role and message.role in ("user", "assistant"):
        if message.role == "assistant" and before.tool_calls:
            return
        reason = f"{where}: two {message.role} messages in a row"
        remedy = "join them if a base's chat template asks for strict turns (Gemma, Mistral)"
        yield reason, remedy, "warning", "roles"


def _fields(index: int, message: Message) -> Iterator[_Finding]:
    where, role = f"messages[{index}]", message.role
    if role != "assistant":
        for field in ("tool_calls", "weight", "rejected"):
            if getattr(message, field) is not None:
                yield (
                    f"{where}: {field!r} on a {role} message",
                    f"only assistant messages have {field}",
                    "error",
                    "field",
                )
    if role != "tool" and message.tool_call_id is not None:
        yield f"{where}: 'tool_call_id' on a {role} message", "only tool messages have it", "error", "field"
    put_away = (message.rejected or "").strip()
    if role == "assistant" and put_away and put_away == (message.content or "").strip() and not message.tool_calls:
        reason = f"{where}: 'rejected' says the same as 'content', so that neither can be preferred"
        yield reason, "remove 'rejected'", "warning", "rejected"
    blank = message.content is None or not message.content.strip()
    if role == "assistant" and blank and not message.tool_calls:
        yield f"{where}: an assistant message that says and calls nothing", "remove it", "error", "empty_message"
    elif role in ("system", "user") and message.content is None:
        yield f"{where}: a {role} message without content", "give its text or remove it", "error", "empty_message"
    elif role in ("system", "user") and blank:
        yield f"{where}: a blank {role} message", "remove it", "warning", "empty_message"
    elif role == "tool" and message.content is None:
        yield f"{where}: a tool result without content", "give its text, '' if it is empty", "error", "empty_message"


def _schemas(tools: list[dict[str, Any]]) -> dict[str, Any]:
    functions = [tool.get("function") for tool in tools]
    return {
        function["name"]: function.get("parameters")
        for function in functions
        if isinstance(function, dict) and isinstance(function.get("name"), str)
    }


def _call(index: int, call: ToolCall, schemas: dict[str, Any]) -> Iterator[_Finding]:
    where, name = f"messages[{index}]", call.function.name
    try:
        arguments = parse_tool_arguments(call.function.arguments)
    except DataError as error:
        yield f"{where}: call {call.id!r} of {name}: {error.what}", str(error.remedy), "error", "arguments"
        return
    if name not in schemas:
        reason = f"{where}: calls {shorten(name)}, which is not among the conversation's tools"
        yield reason, "add the tool to 'tools', or correct the name", "warning", "unknown_tool"
        return
    broken = schema_faults(arguments, schemas[name])
    if broken:
        reason = f"{where}: call {call.id!r} breaks the schema of {name}: {'; '.join(broken)}"
        remedy = "correct the arguments or the tool's schema; else the model learns to make such calls"
        yield reason, remedy, "warning", "schema"


def _annotations(conversation: Conversation) -> Iterator[_Finding]:
    if conversation.annotations is None:
        return
    count = len(conversation.messages)
    for position, annotation in enumerate(conversation.annotations.messages):
        where = f"annotations.messages[{position}]"
        if not 0 <= annotation.index < count:
            reason = f"{where}: index {annotation.index}, but there are {count} messages"
            yield reason, f"count messages from 0 to {count - 1}", "error", "annotation"
            continue
        if annotation.rating is not None:
            yield from _rating(conversation, annotation, where)
        if annotation.slots:
            text = conversation.messages[annotation.index].content or ""
            yield from span_findings(text, annotation.slots, where)


def _rating(conversation: Conversation, annotation: MessageAnnotation, where: str) -> Iterator[_Finding]:
    said_by = conversation.messages[annotation.index].role
    if annotation.score is None:
        reason = f"{where}: the rating {shorten(str(annotation.rating))} is no number, and nothing is learnt from it"
        yield reason, "write a number, above 0 for good and below 0 for bad", "warning", "rating"
    elif said_by != "assistant":
        reason = f"{where}: a rating of message {annotation.index}, which is of role {said_by}"
        yield reason, "rate answers: messages of role assistant", "warning", "rating"


def span_findings(text: str, spans: list[SlotSpan] | tuple[SlotSpan, ...], where: str) -> Iterator[_Finding]:
    """Spans off the text, empty, unlike the text they quote, with a space at an edge, or over each other."""
    sound: list[SlotSpan] = []
    for span in spans:
        at = f"{where}: the span {span.label!r} {span.start}–{span.end}"
        quoted = (span.model_extra or {}).get("text")
        inside = text[span.start : span.end] if span.start >= 0 else ""
        if not 0 <= span.start < span.end <= len(text):
            off = "is empty or backwards" if span.end <= span.start else f"is off the text of {len(text)} characters"
            yield f"{at} {off}", "count Unicode code points from 0, end exclusive", "error", "span"
        elif isinstance(quoted, str) and quoted != inside:
            reason = f"{at} holds {shorten(inside)}, not {shorten(quoted)} as it says"
            yield reason, "count Unicode code points, not bytes or UTF-16 units", "error", "span"
        else:
            sound.append(span)
            if inside != inside.strip():
                yield f"{at} has a space at an edge", "move the edge to the letters", "warning", "span_edge"
    sound.sort(key=lambda span: (span.start, span.end))
    for left, right in pairwise(sound):
        if right.start < left.end:
            reason = f"{where}: the spans {left.label!r} and {right.label!r} overlap at {right.start}"
            yield reason, "one tag a token can hold the longer one only; choose", "warning", "span_overlap"


def check_example(example: Example, place: Place) -> list[Fault]:
    """Every fault of a labelled utterance."""
    found: list[_Finding] = []
    if not example.text.strip():
        found.append(("the text is blank", "remove the record", "error", "field"))
    if example.score is not None and not math.isfinite(example.score):
        found.append((f"the score is {example.score}", "give a finite number", "error", "score"))
    for label in [example.label, *(example.labels or ())]:
        if label is not None and not label.strip():
            found.append(("a label is blank", "give its name or remove it", "error", "label"))
    if example.spans:
        found += span_findings(example.text, example.spans, "the text")
    return [Fault(place, reason, remedy, level, example.id, kind) for reason, remedy, level, kind in found]
