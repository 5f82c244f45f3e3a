"""Hotel logs that an operator has edited: some answers keep, as `rejected`, a worse one that stood in their place.

The worse ones are made, and each says in its annotation (`edit`) how: a wrong number, another room, an impolite answer,
or a call with one wrong argument. It knows conversations alone, not the world.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from dialoop.conversation import Annotations, Conversation, Message, MessageAnnotation
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.logs import make_logs
from dialoop.scenarios.hotel.wording import Part

MOST_EDITS = 3
"""Edited answers of a conversation: two that can have wrong values, one that can only be impolite; drawn by chance."""
_NUMBER = re.compile(r"(?<![A-Za-z0-9-])\d{2,5}(?![A-Za-z0-9-])")
_RUDE: dict[tuple[str, str], tuple[str, ...]] = {
    ("en", "train"): (
        "How should I know? Look it up yourself.",
        "You are wasting my time.",
        "Not my problem. What else?",
        "Make up your mind, will you?",
    ),
    ("en", "test"): ("Stop bothering me with that.", "That is a silly thing to ask.", "I really do not care."),
    ("zh", "train"): ("我怎么知道，自己去查。", "别浪费我的时间。", "这不关我的事，还有什么？", "你到底想好没有？"),
    ("zh", "test"): ("别拿这个烦我。", "这种问题也好意思问。", "随便你，我不在乎。"),
}


def make_edited_logs(n: int, *, lang: str | None = None, seed: int = 0, part: Part = "train") -> Iterator[Conversation]:
    """The conversations of `make_logs`, each with up to `MOST_EDITS` edited answers. Raises SettingsError as it does.

    Part "test" has impolite answers that "train" never has, besides a world of its own.
    """
    for conversation in make_logs(n, lang=lang, seed=seed, part=part):
        yield edited(conversation, Dice("hotel-edits", part, seed, conversation.id))


def edited(conversation: Conversation, dice: Dice) -> Conversation:
    """The conversation with worse answers beside some of its own."""
    possible = [
        (index, kinds)
        for index, message in enumerate(conversation.messages)
        if message.is_target and (kinds := _ways(conversation, message, dice))
    ]
    telling = [(index, kinds) for index, kinds in possible if kinds.keys() != {"impolite"}]
    others = [one for one in possible if one not in telling]
    chosen = dict([*dice.some(telling, MOST_EDITS - 1), *dice.some(others, 1)])
    messages, notes = [], []
    for index, message in enumerate(conversation.messages):
        if index in chosen:
            kind = dice.weighted({kind: 1 if kind == "impolite" else 4 for kind in sorted(chosen[index])})
            message = message.model_copy(update={"rejected": chosen[index][kind]})
            notes.append(MessageAnnotation.model_validate({"index": index, "edit": kind}))
        messages.append(message)
    known = conversation.annotations.messages if conversation.annotations else []
    both = sorted([*known, *notes], key=lambda note: note.index)
    return conversation.model_copy(update={"messages": messages, "annotations": Annotations(messages=both)})


def _ways(conversation: Conversation, message: Message, dice: Dice) -> dict[str, str]:
    """The worse answers that there can be, by kind."""
    if message.tool_calls:
        made = _wrong_call(message, dice)
        return {"wrong_call": made} if made else {}
    ways: dict[str, Callable[[], str | None]] = {
        "impolite": lambda: dice.pick(_RUDE[conversation.lang or "en", conversation.split or "train"]),
        "wrong_number": lambda: _wrong_number(message.content or "", dice),
        "wrong_room": lambda: _wrong_room(message.content or "", _rooms(conversation), dice),
    }
    return {kind: text for kind, way in ways.items() if (text := way()) is not None}


def _wrong_number(text: str, dice: Dice) -> str | None:
    """A price, total or number of the text, some tens higher or lower."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    number = dice.pick(found)
    other = int(number[0]) + dice.pick((10, 20, 30, 50, 100)) * dice.pick((1, -1))
    return text[: number.start()] + str(other if other > 0 else int(number[0]) + 40) + text[number.end() :]


def _wrong_room(text: str, rooms: list[str], dice: Dice) -> str | None:
    """A room of the text becomes another of which the conversation knows."""
    named = [room for room in rooms if room in text]
    others = [room for room in rooms if room not in text]
    return text.replace(dice.pick(named), dice.pick(others)) if named and others else None


def _rooms(conversation: Conversation) -> list[str]:
    """All rooms that a call or a result names."""
    found: set[str] = set()

    def look(value: Any, key: str = "") -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                look(inner, name)
        elif isinstance(value, list):
            for inner in value:
                look(inner, key)
        elif isinstance(value, str) and key in ("room", "rooms", "free"):
            found.add(value)

    for message in conversation.messages:
        for call in message.tool_calls or ():
            look(json.loads(call.function.arguments))
        if message.role == "tool":
            look(json.loads(message.content or "null"))
    return sorted(found)


def _wrong_call(message: Message, dice: Dice) -> str | None:
    """The call, written as a model writes it, with one argument changed: a number by one, a text cut or said twice."""
    (call, *more) = message.tool_calls or []
    arguments = json.loads(call.function.arguments)
    if more or not arguments:
        return None
    key = dice.pick(sorted(arguments))
    value = arguments[key]
    if isinstance(value, int) and not isinstance(value, bool):
        arguments[key] = value + 1
    else:
        text = str(value)
        arguments[key] = text[: len(text) // 2] if len(text) > 3 else text * 2
    written = json.dumps({"name": call.function.name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{written}\n</tool_call>"
