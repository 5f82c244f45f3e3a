"""Fresh values for calls: names, places, numbers and codes of a conversation replaced by made-up ones, all over it.

A call copies values out of the conversation. Few logs hold few values, so a model learns these instead of the copying,
and then writes a name from its logs into another customer's booking. Where each epoch shows other values, only copying
helps. A value is a text that a call's argument, or a result's field of the same name, holds and that stands in the
conversation; its shape stays (words, capitals, Han signs, digits). It knows conversations and words, no model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from dialoop.conversation import Conversation, Message

_MOST_WORDS, _MOST_SIGNS = 8, 16
_CODE = re.compile(r"(?=(?:\D*\d){3})[A-Z0-9-]*[A-Z][A-Z0-9-]*")
_RUN = re.compile(r"[A-Za-z]+|[\u4e00-\u9fff]+|\d+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_LATIN, _HAN = re.compile(r"[A-Za-z]{2,12}"), re.compile(r"[\u4e00-\u9fff]{1,3}")


@dataclass(frozen=True)
class Words:
    """What made-up values are made of: pieces of words in Latin letters, in small ones, and Han signs."""

    latin: tuple[str, ...]
    han: tuple[str, ...]

    @classmethod
    def of(cls, tokenizer: Any) -> Words:
        """The words and signs in a tokenizer's vocabulary."""
        pieces = {piece.strip() for piece in tokenizer.batch_decode([[number] for number in range(len(tokenizer))])}
        latin = sorted({piece.lower() for piece in pieces if _LATIN.fullmatch(piece)})
        han = sorted({sign for piece in pieces if _HAN.fullmatch(piece) for sign in piece})
        return cls(tuple(latin), tuple(han))


class FreshValues:
    """Gives conversations fresh values; `share` (0 to 1) of the values of each are replaced."""

    def __init__(self, words: Words, share: float) -> None:
        self._words, self._share = words, share

    def give(self, conversation: Conversation, random: Random) -> Conversation:
        """The conversation with some of its values replaced, each everywhere by the same other one."""
        values = [value for value in values_of(conversation) if random.random() < self._share]
        fresh = {value.casefold(): self._fresh(value, random) for value in values}
        if not fresh:
            return conversation
        pattern = _anywhere(values)
        messages = [_replaced(message, pattern, fresh) for message in conversation.messages]
        return conversation.model_copy(update={"messages": messages, "annotations": None})

    def _fresh(self, value: str, random: Random) -> str:
        """Another value of the same shape. Of a text with numbers, like a day, only the digits are drawn anew."""
        if any(sign.isdigit() for sign in value) and "@" not in value:
            letters = _CODE.fullmatch(value) is not None
            return _RUN.sub(lambda run: self._digit_or_code(run[0], random, letters=letters), value)
        return _RUN.sub(lambda run: self._run(run[0], random), value)

    def _digit_or_code(self, run: str, random: Random, *, letters: bool) -> str:
        if run.isdigit():
            return _number(run, random)
        return "".join(random.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in run) if letters else run

    def _run(self, run: str, random: Random) -> str:
        if run.isdigit():
            return _number(run, random)
        if not run.isascii():
            kept = run[len(run) // 2 :] if len(run) >= 4 and random.random() < 0.5 else ""
            return "".join(random.choice(self._words.han) for _ in run[len(kept) :]) + kept if self._words.han else run
        if random.random() < 0.25 or not self._words.latin:
            return run
        pieces = random.choice((1, 1, 2) if len(run) < 6 else (1, 2))
        word = "".join(random.choice(self._words.latin) for _ in range(pieces))
        return word.upper() if run.isupper() and len(run) > 1 else word.capitalize() if run[0].isupper() else word


def _number(run: str, random: Random) -> str:
    """As many digits; a year stays, and one or two digits stay below 29, so that a day is still a day."""
    if _YEAR.fullmatch(run):
        return run
    if len(run) <= 2:
        return f"{random.randint(1, 9 if len(run) == 1 else 28):0{len(run)}d}"
    return "".join(str(random.randint(0 if place else 1, 9)) for place in range(len(run)))


def values_of(conversation: Conversation) -> list[str]:
    """The values that can be replaced, the longest first."""
    keys = _free_keys(conversation.tools)
    said = [text for message in conversation.messages if (text := _text(message))]
    if not keys or any("\\u" in text for text in said):
        return []
    found: dict[str, str] = {}
    for key, value in _filled(conversation.messages):
        if key in keys and _replaceable(value):
            found.setdefault(value.casefold(), value)
    whole = "\n".join(said).casefold()
    return sorted((value for folded, value in found.items() if folded in whole), key=lambda value: (-len(value), value))


def _free_keys(tools: Iterable[dict[str, Any]] | None) -> set[str]:
    """The names of parameters that take any text."""
    keys: set[str] = set()
    for tool in tools or ():
        for key, schema in tool["function"].get("parameters", {}).get("properties", {}).items():
            if isinstance(schema, dict) and schema.get("type") == "string" and "enum" not in schema:
                keys.add(key)
    return keys


def _filled(messages: Iterable[Message]) -> Iterator[tuple[str, str]]:
    """Keys with the texts that calls and results give them."""
    for message in messages:
        for call in message.tool_calls or ():
            yield from _pairs(call.function.arguments)
        if message.role == "tool" and message.content:
            yield from _pairs(message.content)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    try:
        waiting: list[tuple[str, Any]] = [("", json.loads(text))]
    except (ValueError, RecursionError):
        return
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += ((key, item) for item in value)


def _replaceable(value: str) -> bool:
    """Whether a text is long enough to be found again with certainty, and short enough to be a value."""
    if any(sign in value for sign in '"\\\n') or value != value.strip():
        return False
    signs = sum(sign.isalnum() for sign in value)
    if value.isdigit():
        return len(value) >= 4
    return (
        (signs >= 3 or not value.isascii())
        and len(value.split()) <= _MOST_WORDS
        and (value.isascii() or signs <= _MOST_SIGNS)
    )


def _text(message: Message) -> str:
    return message.content or ""


def _anywhere(values: Iterable[str]) -> re.Pattern[str]:
    """Finds each value, whatever its case; one in Latin letters or digits only as a whole."""
    parts = []
    for value in values:
        before = r"(?<![A-Za-z0-9])" if value[0].isascii() and value[0].isalnum() else ""
        after = r"(?![A-Za-z0-9])" if value[-1].isascii() and value[-1].isalnum() else ""
        parts.append(before + re.escape(value) + after)
    return re.compile("|".join(parts), re.IGNORECASE)


def _replaced(message: Message, pattern: re.Pattern[str], fresh: dict[str, str]) -> Message:
    def other(found: re.Match[str]) -> str:
        value = fresh[found[0].casefold()]
        return value.lower() if found[0].islower() else value

    change: dict[str, Any] = {}
    for field in ("content", "rejected"):
        if text := getattr(message, field):
            change[field] = pattern.sub(other, text)
    if message.tool_calls:
        calls = []
        for call in message.tool_calls:
            written = pattern.sub(other, call.function.arguments)
            calls.append(call.model_copy(update={"function": call.function.model_copy(update={"arguments": written})}))
        change["tool_calls"] = calls
    return message.model_copy(update=change)
