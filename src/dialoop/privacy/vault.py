"""The vault: which value stands behind a stand-in, for each conversation apart. The only place that holds true values.

`Vault` is what the rest of the room needs of one, in plain types, so that a store can keep it durably without knowing
this room. `MemoryVault` keeps it in the process.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import Protocol


class Vault(Protocol):
    """Keeps values. Unique: (conversation, kind, same) and (conversation, kind, number).

    `same` is equal for all writings of one value; `value` is the first writing, which goes back; `number` counts from 1
    within the conversation and kind. Numbers are never given twice in a conversation, not even after `erase`: an old
    text must not come to mean a new value.
    """

    def keep(self, conversation: str, kind: str, same: str, value: str) -> int:
        """The number of (conversation, kind, same); the next one, kept now with `value`, if it had none.

        Atomic: two workers that keep the same value at once are given the same number.
        """

    def kept(self, conversation: str) -> Iterable[tuple[str, int, str]]:
        """All that is kept for a conversation as (kind, number, value), in any order."""

    def value(self, conversation: str, kind: str, number: int) -> str | None:
        """The value as it was first written; None where none is kept."""

    def erase(self, conversation: str) -> int:
        """Forgets the values of a conversation for good; how many they were."""


class MemoryVault:
    """A vault that lasts as long as the process. Safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers: dict[str, dict[tuple[str, str], int]] = {}
        self._values: dict[str, dict[tuple[str, int], str]] = {}
        self._last: dict[tuple[str, str], int] = {}

    def keep(self, conversation: str, kind: str, same: str, value: str) -> int:
        """See `Vault.keep`."""
        with self._lock:
            numbers = self._numbers.setdefault(conversation, {})
            if (kind, same) not in numbers:
                number = self._last.get((conversation, kind), 0) + 1
                self._last[conversation, kind] = numbers[kind, same] = number
                self._values.setdefault(conversation, {})[kind, number] = value
            return numbers[kind, same]

    def kept(self, conversation: str) -> list[tuple[str, int, str]]:
        """See `Vault.kept`; in the order in which they were kept."""
        with self._lock:
            return [(kind, number, value) for (kind, number), value in self._values.get(conversation, {}).items()]

    def value(self, conversation: str, kind: str, number: int) -> str | None:
        """See `Vault.value`."""
        with self._lock:
            return self._values.get(conversation, {}).get((kind, number))

    def erase(self, conversation: str) -> int:
        """See `Vault.erase`."""
        with self._lock:
            self._numbers.pop(conversation, None)
            return len(self._values.pop(conversation, {}))
