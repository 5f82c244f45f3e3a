"""Restores a stream of text pieces: a stand-in that is cut between two pieces is held back until it is whole.

It holds back at most the length of a stand-in. It knows no values: the protector does.
"""

from __future__ import annotations

from dialoop.privacy.protector import Protector
from dialoop.privacy.stand_in import begun


class Restorer:
    """For one streamed answer: `feed` every piece, then `finish`. What they give is, joined, `restore` of the whole."""

    def __init__(self, protector: Protector) -> None:
        self._protector = protector
        self._held = ""
        self.unknown: list[str] = []
        """Stand-ins so far that stand for nothing; they were left as they are."""

    def feed(self, piece: str) -> str:
        """What can be shown after this piece, with the true values; it may be empty."""
        text = self._held + piece
        cut = begun(text)
        self._held = text[cut:]
        return self._restored(text[:cut])

    def finish(self) -> str:
        """What was held back and is no stand-in after all."""
        text, self._held = self._held, ""
        return self._restored(text)

    def _restored(self, text: str) -> str:
        restored = self._protector.restore(text)
        self.unknown += [one for one in restored.unknown if one not in self.unknown]
        return restored.value
