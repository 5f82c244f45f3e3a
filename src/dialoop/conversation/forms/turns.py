"""What the forms of plain turns share: they hold text and where it comes from, and no tools, notes or names."""

from __future__ import annotations

from typing import Any

from dialoop.conversation.faults import Refusal
from dialoop.conversation.record import META, Conversation, Message


def plain_turns(conversation: Conversation, form: str) -> tuple[str | None, list[Message]]:
    """The system text and the other messages. Raises Refusal naming what such a form cannot hold."""
    if conversation.annotations is not None:
        raise Refusal(f"{form} cannot hold annotations", "use --drop annotations, or the form openai")
    if conversation.tools or any(message.tool_calls or message.role == "tool" for message in conversation.messages):
        raise Refusal(f"{form} cannot hold tools and their calls", "use the form openai or sharegpt")
    for index, message in enumerate(conversation.messages):
        if message.name is not None or message.rejected is not None:
            raise Refusal(f"messages[{index}]: {form} cannot hold 'name' or 'rejected'", "use --drop name,rejected")
    messages = conversation.messages
    if messages and messages[0].role == "system":
        return messages[0].content, messages[1:]
    return None, messages


def is_absent(value: Any) -> bool:
    """Whether a field says nothing: null, an empty text, list or object. 0 and false say something."""
    return value is None or value in ("", [], {})


def meta_row(conversation: Conversation) -> dict[str, Any]:
    """Id and origin, as fields of a row."""
    fields = {field: getattr(conversation, field) for field in ("id", *META)}
    return {field: value for field, value in fields.items() if value is not None}


def rest_of(row: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """The other fields of a row, to which the messages are added. Raises Refusal where messages are among them."""
    if row.get("messages") is not None:
        reason = f"'messages' is given beside {', '.join(repr(key) for key in keys if key in row)}"
        raise Refusal(reason, "keep one of the two, or read it with --form openai", "field")
    return {key: value for key, value in row.items() if key not in keys}
