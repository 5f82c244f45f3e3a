"""Protects whole conversations before they are trained on: texts, tool calls, results, and what is annotated.

A conversation is protected message by message in order, as it would be while it is held, and then once more: a name
that only a later tool call gave away is replaced where it was first said, too. The values are gone afterwards: the
vault is thrown away. It knows no files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dialoop.conversation import (
    Annotations,
    Conversation,
    Example,
    FunctionCall,
    Message,
    SlotSpan,
    ToolCall,
    choices_of,
)
from dialoop.privacy.fields import Keys
from dialoop.privacy.found import Finder
from dialoop.privacy.protector import Protected, Protector
from dialoop.privacy.vault import MemoryVault


def protect_conversation(
    conversation: Conversation, *, finders: Iterable[Finder] = (), keys: Keys | None = None
) -> Conversation:
    """The conversation with stand-ins for good. The house's own stays: the system message, the choices of its tools.

    `customer` and `id` are left: they are what a person is erased by.
    """
    house = [one.content or "" for one in conversation.messages if one.role == "system"]
    house += choices_of(conversation.tools or ())
    protector = Protector(MemoryVault(), conversation.id, finders=finders, house=house, keys=keys)
    _messages(conversation.messages, protector)  # fills the vault
    messages, texts = _messages(conversation.messages, protector)
    annotations = conversation.annotations and _annotations(conversation.annotations, protector, texts)
    return conversation.model_copy(update={"messages": messages, "annotations": annotations})


def protect_example(example: Example, *, finders: Iterable[Finder] = ()) -> Example:
    """The labelled text with stand-ins for good, its spans moved. `id` and `customer` are left."""
    protector = Protector(MemoryVault(), example.id or "example", finders=finders)
    text = protector.protect_places(example.text)
    spans = example.spans
    if spans is not None:
        moved = ((span, text.moved(span.start, span.end)) for span in spans)
        spans = tuple(SlotSpan(label=span.label, start=start, end=end) for span, (start, end) in moved)
    return replace(example, text=text.text, spans=spans, extra=protector.protect_arguments(example.extra))


def _messages(messages: list[Message], protector: Protector) -> tuple[list[Message], list[Protected]]:
    done: list[Message] = []
    texts: list[Protected] = []
    asked = ""
    for message in messages:
        protected, text = _message(message, protector, asked)
        done.append(protected)
        texts.append(text)
        if message.role == "assistant" and message.content:
            asked = message.content
        elif message.role == "user":
            asked = ""
    return done, texts


def _message(message: Message, protector: Protector, asked: str) -> tuple[Message, Protected]:
    content = message.content
    if content is None or message.role == "system":
        text = Protected(content or "")
    elif message.role == "tool":
        text = Protected(protector.protect_json(content))
    else:
        text = protector.protect_places(content, asked=asked if message.role == "user" else "")
    update: dict[str, Any] = {"content": None if content is None else text.text}
    if message.tool_calls is not None:
        update["tool_calls"] = [_call(call, protector) for call in message.tool_calls]
    if message.rejected is not None:
        update["rejected"] = protector.protect(message.rejected)
    return message.model_copy(update=update), text


def _call(call: ToolCall, protector: Protector) -> ToolCall:
    function = FunctionCall(name=call.function.name, arguments=protector.protect_json(call.function.arguments))
    return call.model_copy(update={"function": function})


def _annotations(annotations: Annotations, protector: Protector, texts: list[Protected]) -> Annotations:
    record = protector.protect_arguments(annotations.to_json())
    for annotation in record["messages"]:
        for slot in annotation.get("slots") or []:
            slot["start"], slot["end"] = texts[annotation["index"]].moved(slot["start"], slot["end"])
    return Annotations.model_validate(record)
