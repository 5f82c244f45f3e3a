"""Whether a private value stands in a text, in whatever way it is written. It knows values, and no vault."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dialoop.privacy import CARD, EMAIL, ID, LITERAL, PHONE

_HAN = re.compile(r"[\u3400-\u9fff]")
_NUMBERS = (PHONE, ID, CARD)
_FEWEST_DIGITS = 6


@dataclass(frozen=True)
class Secret:
    """A private value of a conversation, as the vault holds it."""

    conversation: str
    kind: str
    value: str

    @property
    def telling(self) -> bool:
        """Whether a text that holds it can only have it from here: a number or address, a name of several parts.

        A first name alone, or a Chinese name of two signs, may stand in any text.
        """
        if self.kind in _NUMBERS:
            return len(_digits(self.value)) >= _FEWEST_DIGITS
        if self.kind == EMAIL:
            return True
        if _HAN.search(self.value):
            return len(self.value.strip()) >= 3
        return len(self.value.split()) >= 2

    def within(self, text: str) -> bool:
        """Whether the text holds it: numbers by their digits alone, names as whole words, case and spaces aside."""
        if self.kind in _NUMBERS:
            wanted = _digits(self.value)
            return len(wanted) >= _FEWEST_DIGITS and wanted in _digits(text)
        wanted = " ".join(self.value.casefold().split())
        if not wanted:
            return False
        plain = " ".join(text.casefold().split())
        if self.kind == EMAIL or _HAN.search(wanted):
            return wanted in plain
        return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", plain) is not None


def secrets_of(conversation: str, kept: Iterable[tuple[str, int, str]]) -> list[Secret]:
    """The values that a vault keeps for a conversation; not texts that only looked like stand-ins."""
    return [Secret(conversation, kind, value) for kind, _, value in kept if kind != LITERAL]


def standing(secrets: Iterable[Secret], texts: Sequence[str]) -> list[Secret]:
    """Those that stand in one of the texts."""
    together = "\n".join(texts)
    return [one for one in secrets if one.within(together) and any(one.within(text) for text in texts)]


def _digits(text: str) -> str:
    """The digits of the text, in one row."""
    return re.sub(r"[^0-9]", "", text)
