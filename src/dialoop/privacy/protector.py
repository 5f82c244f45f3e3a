"""Puts stand-ins in the place of private values in one conversation, and the values back.

What people say and what tools return is protected before a model, a trace or a training set sees it; what the model
writes is restored before a tool or the customer does. It keeps nothing itself: the vault does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from dialoop.conversation import parse_tool_arguments
from dialoop.errors import DataError
from dialoop.privacy.fields import Field, Keys, changed, find_field
from dialoop.privacy.finding import Memory, find, same
from dialoop.privacy.found import LITERAL, NAME, Finder, Found
from dialoop.privacy.stand_in import STAND_IN, check_kind, stand_in
from dialoop.privacy.vault import Vault

T = TypeVar("T")


@dataclass(frozen=True)
class Restored(Generic[T]):
    """What was restored, and the stand-ins in it that stand for nothing (made up, or erased). Those are left as is."""

    value: T
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Protected:
    """A text with stand-ins. `places` says where: start and end before, start and end now; in Unicode code points."""

    text: str
    places: tuple[tuple[int, int, int, int], ...] = field(default=())

    def moved(self, start: int, end: int) -> tuple[int, int]:
        """A span of the text before, in this one; it grows where it cuts a value."""
        return self._moved(start, end_of_span=False), self._moved(end, end_of_span=True)

    def _moved(self, at: int, *, end_of_span: bool) -> int:
        shift = 0
        for start, end, new_start, new_end in self.places:
            if start < at < end:
                return new_end if end_of_span else new_start
            if end <= at:
                shift = new_end - end
        return at + shift


class Protector:
    """Protects and restores the texts, arguments and results of one conversation.

    `finders` are asked besides the room's own. `house` are texts of the house itself (the system message, passages, the
    values that its tools are chosen among): what stands in them is nobody's secret and stays. `keys` says what the
    project's own JSON keys hold.
    """

    def __init__(
        self,
        vault: Vault,
        conversation: str,
        *,
        finders: Iterable[Finder] = (),
        house: Iterable[str] = (),
        keys: Keys | None = None,
    ) -> None:
        self._vault, self._conversation = vault, conversation
        self._finders, self._keys, self._memory = tuple(finders), keys, Memory()
        texts = tuple(house)
        self._house = {
            (one.kind, same(one.kind, one.text))
            for text in texts
            for one in find(text, finders=self._finders)
            if one.kind != LITERAL
        } | {(NAME, same(NAME, text)) for text in texts}

    def protect(self, text: str, *, asked: str = "") -> str:
        """The text with stand-ins. `asked`: what the other side said before, so that a bare name given is seen."""
        return self.protect_places(text, asked=asked).text

    def protect_places(self, text: str, *, asked: str = "") -> Protected:
        """As `protect`, with the places of the stand-ins, so that spans over the text can be moved."""
        found = find(text, finders=self._finders, asked=asked, known=self._known(), memory=self._memory)
        return self._replaced(text, found)

    def protect_arguments(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """A tool's arguments, or any JSON object, with stand-ins. A number that is private becomes text."""
        protected: dict[str, Any] = self._protect_value(arguments)
        return protected

    def protect_json(self, text: str) -> str:
        """A tool's arguments or result as JSON text; text that is no JSON is protected as text.

        Where nothing is private the text comes back as it was; else spaces between values may change.
        """
        try:
            value = _parsed(text)
            protected = self._protect_value(value)
        except (ValueError, RecursionError):
            return self.protect(text)
        return text if protected == value else _written_like(text, value, protected)

    def restore(self, text: str) -> Restored[str]:
        """The text with the true values; for the customer and the desk, never for the model."""
        unknown: list[str] = []
        return Restored(self._restored(text, unknown), tuple(unknown))

    def restore_arguments(self, arguments: dict[str, Any]) -> Restored[dict[str, Any]]:
        """A tool's arguments with the true values, for the tool."""
        unknown: list[str] = []
        return Restored(self._restore_value(arguments, unknown), tuple(unknown))

    def restore_json(self, text: str) -> Restored[str]:
        """A tool call's arguments as JSON text, with the true values in it. Raises DataError for no JSON object."""
        arguments = parse_tool_arguments(text)
        restored = self.restore_arguments(arguments)
        same_text = restored.value == arguments
        return Restored(text if same_text else _written_like(text, arguments, restored.value), restored.unknown)

    def _protect_value(self, value: Any, path: tuple[str | int, ...] = ()) -> Any:
        known = self._known()

        def protect(one: Field) -> str:
            if (inner := _inner(one)) is not None:
                protected = self._protect_value(inner, one.path)
                return one.text if protected == inner else _written_like(one.text, inner, protected)
            found = find_field(one, own=self._keys, finders=self._finders, known=known, memory=self._memory)
            return self._replaced(one.text, found, exactly=one.is_key).text

        return changed(value, protect, path)

    def _restore_value(self, value: Any, unknown: list[str]) -> Any:
        def restore(one: Field) -> str:
            inner = _inner(one) if STAND_IN.search(one.text) else None
            if inner is None:
                return self._restored(one.text, unknown)
            restored = self._restore_value(inner, unknown)
            return one.text if restored == inner else _written_like(one.text, inner, restored)

        return changed(value, restore)

    def _known(self) -> list[Found]:
        """What was found earlier in the conversation, as values to look for again."""
        kept = self._vault.kept(self._conversation)
        return [Found(kind, 0, len(value), value, "kept") for kind, _, value in kept]

    def _replaced(self, text: str, found: list[Found], *, exactly: bool = False) -> Protected:
        """`exactly`: other writings are other values, so that two keys of an object stay two."""
        parts, places, at, length = [], [], 0, 0
        for one in found:
            alike = same(one.kind, one.text)
            if (one.kind, alike) in self._house:
                continue
            check_kind(one.kind)
            number = self._vault.keep(self._conversation, one.kind, one.text if exactly else alike, one.text)
            there = stand_in(one.kind, number)
            parts += [text[at : one.start], there]
            length += one.start - at
            places.append((one.start, one.end, length, length + len(there)))
            length += len(there)
            at = one.end
        return Protected("".join([*parts, text[at:]]), tuple(places))

    def _restored(self, text: str, unknown: list[str]) -> str:
        def value(match: re.Match[str]) -> str:
            kind, number = match[0][1:-1].split("_")
            kept = self._vault.value(self._conversation, kind, int(number))
            if kept is None and match[0] not in unknown:
                unknown.append(match[0])
            return match[0] if kept is None else kept

        return STAND_IN.sub(value, text)


def _parsed(text: str) -> Any:
    """JSON text read; ValueError also where an object has a key twice: one of the values would be lost."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key stands twice in one object")
        return dict(pairs)

    return json.loads(text, object_pairs_hook=once)


def _inner(field: Field) -> Any:
    """The object or list that a text inside JSON is the JSON of; None where it is none."""
    if field.is_key or field.text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return _parsed(field.text)
    except (ValueError, RecursionError):
        return None


def _written_like(text: str, before: Any, value: Any) -> str:
    """`value` as JSON text, with the spaces of `text`, which is `before`, where those are one of the two usual ways."""
    compact = (",", ":")
    try:
        usual = json.dumps(before, ensure_ascii=False, separators=compact) != text
        written = json.dumps(value, ensure_ascii=False, separators=None if usual else compact)
        half = re.search("[\ud800-\udfff]", written) is not None  # half a sign can only be written as its number
        return json.dumps(value, separators=None if usual else compact) if half else written
    except (ValueError, RecursionError) as error:
        raise DataError(f"the value cannot be written as JSON: {error}", remedy="flatten it") from None
