"""What a finder gives: a span of text, its kind, and why; and how spans that overlap are settled.

Plain data. It knows no kinds beyond their names and no text beyond the span.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dialoop.errors import DataError

EMAIL, PHONE, ID, CARD, NAME = "email", "phone", "id", "card", "name"
LITERAL = "text"
"""The kind of a text that only looks like a stand-in: it is replaced too, so that nobody can type another's."""


@dataclass(frozen=True)
class Found:
    """A private value: `text` from `start` to `end` (exclusive), in Unicode code points of the text searched.

    `why` names the rule that found it and holds nothing of the value; `certainty` (0 to 1) settles overlaps of equal
    length.
    """

    kind: str
    start: int
    end: int
    text: str
    why: str
    certainty: float = 1.0


Finder = Callable[[str], Iterable[Found]]
"""Finds private values in a text. A trained tagger is one."""


def settle(found: Iterable[Found]) -> list[Found]:
    """Those that stay where spans overlap: the longest, then the most certain, then the first. In order of the text."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start - one.end, -one.certainty, one.start, one.kind)):
        at = bisect(kept, one.start, key=lambda other: other.start)  # those kept are apart: only neighbours can overlap
        if (at == 0 or kept[at - 1].end <= one.start) and (at == len(kept) or one.end <= kept[at].start):
            kept.insert(at, one)
    return kept


def check_found(found: Iterable[Found], text: str) -> Iterable[Found]:
    """The same spans. Raises DataError for one that is not in the text: a passed-in finder is at fault."""
    for one in found:
        if not 0 <= one.start < one.end <= len(text) or text[one.start : one.end] != one.text:
            what = f"a finder gave the span {one.start}–{one.end} ({one.why}), which is not in the text as it says"
            raise DataError(what, remedy="count in Unicode code points of the text that the finder was given")
        yield one
