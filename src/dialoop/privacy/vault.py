"""The vault: which value stands behind a stand-in, for each conversation apart. The only place that holds true values.

`Vault` is what the rest of the room needs of one; a store keeps it durably. `MemoryVault` keeps it in the process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from dialoop.privacy.stand_in import stand_in


@dataclass(frozen=True)
class Kept:
    """One value of one conversation.

    `same` is equal for all writings of the value; `value` is the first writing, which goes back; `number` counts from
    1 within the conversation and kind.
    """

    conversation: str
    kind: str
    number: int
    same: str
    value: str

    @property
    def stand_in(self) -> str:
        """What stands for the value."""
        return stand_in(self.kind, self.number)


class Vault(Protocol):
    """Keeps values. Unique: (conversation, kind, same) and (conversation, kind, number).

    Numbers are never given twice in a conversation, not even after `erase`: an old text must not come to mean a new
    value.
    """

    def keep(self, conversation: str, kind: str, same: str, value: str) -> Kept:
        """What is kept for (conversation, kind, same); kept now with the next number if it was not.

        Atomic: two workers that keep the same value at once are given the same number.
        """

    def kept(self, conversation: str) -> Iterable[Kept]:
        """All that is kept for a conversation, in any order."""

    def value(self, conversation: str, kind: str, number: int) -> str | None:
        """The value as it was first written; None where none is kept."""

    def erase(self, conversation: str) -> int:
        """Forgets the values of a conversation for good; how many they were."""


class MemoryVault:
    """A vault that lasts as long as the process. Safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, dict[tuple[str, str], Kept]] = {}
        self._by_number: dict[tuple[str, str, int], Kept] = {}
        self._last: dict[tuple[str, str], int] = {}

    def keep(self, conversation: str, kind: str, same: str, value: str) -> Kept:
        """See `Vault.keep`."""
        with self._lock:
            there = self._kept.setdefault(conversation, {})
            if (kind, same) not in there:
                number = self._last.get((conversation, kind), 0) + 1
                one = Kept(conversation, kind, number, same, value)
                stand_in(kind, number)  # refuses a kind or number that cannot be written
                self._last[conversation, kind] = number
                there[kind, same] = self._by_number[conversation, kind, number] = one
            return there[kind, same]

    def kept(self, conversation: str) -> list[Kept]:
        """See `Vault.kept`; in the order in which they were kept."""
        with self._lock:
            return list(self._kept.get(conversation, {}).values())

    def value(self, conversation: str, kind: str, number: int) -> str | None:
        """See `Vault.value`."""
        with self._lock:
            one = self._by_number.get((conversation, kind, number))
            return one.value if one else None

    def erase(self, conversation: str) -> int:
        """See `Vault.erase`."""
        with self._lock:
            gone = self._kept.pop(conversation, {})
            for one in gone.values():
                del self._by_number[conversation, one.kind, one.number]
            return len(gone)
