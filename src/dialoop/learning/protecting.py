"""A served conversation without private values: stand-ins stay as they were shown, all else that is private gets one.

Conversations in a store hold stand-ins; this is the second lock. Stand-ins that stand in a text are left as they are,
whatever was typed beside them is replaced, with the numbers that the vault has already given in this conversation. It
writes to no vault: values that nobody had found before are forgotten at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dialoop.conversation import (
    Annotations,
    Conversation,
    FunctionCall,
    Message,
    MessageAnnotation,
    State,
    ToolCall,
)
from dialoop.conversation.fold import Entry
from dialoop.privacy import LITERAL, STAND_IN, Finder, Keys, Protector, Vault, same, stand_in

_LITERALS = 900_001
"""Numbers from here on mark stand-ins that were in the text already, while it is protected."""


@dataclass(frozen=True)
class Protection:
    """How a conversation is protected: the vault that served it, further finders, and what is the house's own."""

    vault: Vault | None = None
    finders: tuple[Finder, ...] = ()
    house: tuple[str, ...] = ()
    keys: Keys | None = None


def protected(state: State, protection: Protection) -> tuple[State, int]:
    """The state with stand-ins in every text, call and result; and in how many of them something was replaced now."""
    name = state.conversation or ""
    house = [*state.house, *protection.house]
    overlay = _Overlay(protection.vault, name, _texts(state))
    protector = Protector(overlay, name, finders=protection.finders, house=house, keys=protection.keys)
    for entry in state.entries:  # what a later message gives away is gone from the earlier ones, too
        _entry(entry, protector, overlay, "")
    entries: list[Entry] = []
    changed = 0
    asked = ""
    for entry in state.entries:
        done = _entry(entry, protector, overlay, asked)
        changed += _said(done) != _said(entry)
        entries.append(done)
        if entry.message.role == "assistant" and entry.message.content:
            asked = entry.message.content
        elif entry.message.role == "user":
            asked = ""
    summary = state.summary and (state.summary[0], overlay.put_back(protector.protect(state.summary[1])))
    changed += summary != state.summary
    return state.model_copy(update={"entries": tuple(entries), "summary": summary}), changed


def protected_record(conversation: Conversation, protection: Protection | None = None) -> tuple[Conversation, int]:
    """The same for a record that comes from a file; its system messages are the house's own and stay.

    Of its annotations ratings alone are kept: the others may say anything.
    """
    house = tuple(message.content or "" for message in conversation.messages if message.role == "system")
    protection = protection or Protection()
    protection = replace(protection, house=(*protection.house, *house))
    places = [at for at, message in enumerate(conversation.messages) if message.role != "system"]
    entries = tuple(Entry(seq=at, message=conversation.messages[at]) for at in places)
    state, changed = protected(
        State(conversation=conversation.id, entries=entries, tools=tuple(conversation.tools or ())), protection
    )
    messages = list(conversation.messages)
    for at, entry in zip(places, state.entries, strict=True):
        messages[at] = entry.message.model_copy(update={"content": entry.shown})
    ratings = [MessageAnnotation(index=at, rating=score) for at, score in conversation.ratings.items()]
    kept = Annotations(messages=ratings) if ratings else None
    return conversation.model_copy(update={"messages": messages, "annotations": kept}), changed


def _entry(entry: Entry, protector: Protector, overlay: _Overlay, asked: str) -> Entry:
    """The entry with `shown` filled wherever its text itself is not to be shown."""
    message = entry.message

    def text(value: str) -> str:
        return overlay.put_back(protector.protect(value, asked=asked if message.role == "user" else ""))

    change: dict[str, object] = {}
    shown = entry.shown if entry.shown is not None else message.content
    if shown is not None:
        change["shown"] = _json(shown, protector, overlay) if message.role == "tool" else text(shown)
    told: dict[str, object] = {}
    if message.rejected is not None:
        told["rejected"] = text(message.rejected)
    if message.tool_calls is not None:
        told["tool_calls"] = [_call(call, protector, overlay) for call in message.tool_calls]
    change["message"] = message.model_copy(update=told)
    return entry.model_copy(update=change)


def _call(call: ToolCall, protector: Protector, overlay: _Overlay) -> ToolCall:
    arguments = _json(call.function.arguments, protector, overlay)
    return call.model_copy(update={"function": FunctionCall(name=call.function.name, arguments=arguments)})


def _json(text: str, protector: Protector, overlay: _Overlay) -> str:
    """JSON text protected; as it was written, where nothing in it changes."""
    done = overlay.put_back(protector.protect_json(text))
    try:
        return text if json.loads(done) == json.loads(text) else done
    except (ValueError, RecursionError):
        return done


def _said(entry: Entry) -> tuple[object, ...]:
    message: Message = entry.message
    calls = [call.function.arguments for call in message.tool_calls or []]
    return (entry.shown if entry.shown is not None else message.content, message.rejected, calls)


def _texts(state: State) -> Iterable[str]:
    for entry in state.entries:
        for text in (entry.shown, entry.message.content, entry.message.rejected):
            if text:
                yield text
        for call in entry.message.tool_calls or []:
            yield call.function.arguments


class _Overlay:
    """A vault over the true one that gives the same numbers, keeps what is new to itself, and marks stand-ins."""

    def __init__(self, vault: Vault | None, conversation: str, texts: Iterable[str]) -> None:
        self._kept = list(vault.kept(conversation)) if vault is not None else []
        self._numbers = {(kind, same(kind, value)): number for kind, number, value in self._kept}
        self._last: dict[str, int] = {}
        self._marked: dict[str, str] = {}
        for kind, number, _ in self._kept:
            self._last[kind] = max(number, self._last.get(kind, 0))
        for text in texts:
            for match in STAND_IN.finditer(text):
                kind, digits = match[0][1:-1].split("_")
                self._last[kind] = max(int(digits), self._last.get(kind, 0))

    def keep(self, conversation: str, kind: str, same: str, value: str) -> int:
        """See `Vault.keep`; a stand-in is marked, to be put back."""
        if STAND_IN.fullmatch(value.strip()):
            return self._mark(kind, value)
        if (kind, same) not in self._numbers:
            self._last[kind] = self._last.get(kind, 0) + 1
            self._numbers[kind, same] = self._last[kind]
            if kind != LITERAL:
                self._kept.append((kind, self._last[kind], value))
        return self._numbers[kind, same]

    def kept(self, conversation: str) -> Sequence[tuple[str, int, str]]:
        """See `Vault.kept`."""
        return self._kept

    def value(self, conversation: str, kind: str, number: int) -> str | None:
        """See `Vault.value`."""
        return next((value for one, at, value in self._kept if (one, at) == (kind, number)), None)

    def erase(self, conversation: str) -> int:
        """See `Vault.erase`; the true vault is not touched."""
        count = len(self._kept)
        self._kept.clear()
        return count

    def put_back(self, text: str) -> str:
        """The stand-ins that had been there, in the place of their marks."""
        return STAND_IN.sub(lambda match: self._marked.get(match[0], match[0]), text)

    def _mark(self, kind: str, value: str) -> int:
        for mark, marked in self._marked.items():
            if marked == value and mark.startswith(f"<{kind}_"):
                return int(mark[1:-1].split("_")[1])
        number = _LITERALS + len(self._marked)
        self._marked[stand_in(kind, number)] = value
        return number
