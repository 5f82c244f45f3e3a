"""What may be quoted from a conversation: its texts as JSON writes them, and where their words begin and end.

A tool says of a parameter `"x-verbatim": true` that its value is copied word for word: a name, a number, a day in the
customer's own words. A small model that knows what to copy still writes a wrong sign now and then; where only texts of
the conversation are allowed, it cannot. It knows texts, not tools or grammars.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from functools import cached_property
from typing import Any

_RUN = re.compile(r"[^\s,;\"\x00-\x20\x7f-\U0010ffff]+")
_SPACED = re.compile(r"[+(]?\d[\d()/.-]*(?: [\d()/.-]+)+", re.ASCII)
_NUMBER = re.compile(r"(?<![A-Za-z0-9_])(?<!\d[-/.:,])\d{1,15}(?![A-Za-z0-9_])(?![-/.:,]\d)", re.ASCII)
"""A whole number in digits that is no part of a day, a time or a code."""

_AROUND = ".:!?()[]{}'"
"""Marks that stand around a number in a sentence and are no part of it."""

_CLAUSE_MARKS = ".,;:!?()\n。，；：！？、（）"
"""Marks that a clause ends before."""

_UNREADABLE = (re.error, OverflowError, RecursionError)
"""What Python raises of a regular expression that is none, counts too far or nests too deeply."""

_BETWEEN = b"\0"
"""Stands between two texts: no JSON string holds this byte, so no value reaches over it."""


class Source:
    """The texts that may be quoted, as JSON writes them; `starts` and `ends` are the places where a word does."""

    def __init__(
        self, texts: Iterable[str], *, by_role: Mapping[str, Source] | None = None, patterns: bool = True
    ) -> None:
        """`by_role`: the part of the texts that each role said. `patterns`: whether regular expressions are followed;
        not those of a stranger, who may write one that takes for ever."""
        self._patterns = patterns
        written, starts, ends, clauses = bytearray(), list[int](), set[int](), set[int]()
        self._texts = [stripped for text in texts if (stripped := text.strip())]
        self._by_role = by_role or {}
        for text in self._texts:
            before = " "
            for number, sign in enumerate(text):
                if not _one_word(before, sign):
                    if not before.isspace():
                        ends.add(len(written))
                        clauses |= {len(written)} if _ends_clause(text, number) else set()
                    if not sign.isspace():
                        starts.append(len(written))
                written += json.dumps(sign, ensure_ascii=not _is_character(sign))[1:-1].encode()
                before = sign
            ends.add(len(written))
            clauses.add(len(written))
            written += _BETWEEN
        self.written, self.starts, self.ends = bytes(written), tuple(starts), frozenset(ends)
        self._clauses = frozenset(clauses)

    def said_by(self, role: Any) -> Source:
        """What a role said, or everything where it said nothing or none is meant."""
        return self._by_role.get(role, self) if isinstance(role, str) else self

    @cached_property
    def to_clause_ends(self) -> Source:
        """The same texts, of which what is quoted goes on to the end of a clause."""
        found = copy(self)
        found.__dict__.pop("shortest", None)
        found.ends = self._clauses
        return found

    def codes_like(self, pattern: Any) -> tuple[str, ...]:
        """The codes that match a regular expression as a whole; all where there is none, or none that is followed."""
        if not isinstance(pattern, str) or not self._patterns:
            return self.codes
        try:
            return tuple(code for code in self.codes if re.fullmatch(pattern, code))
        except _UNREADABLE:
            return self.codes

    def texts_like(self, pattern: str) -> tuple[str, ...] | None:
        """What matches a regular expression, from the beginning of a word to the end of one; None for one that is
        not followed or cannot be read: it tells nothing of what may be quoted."""
        if not self._patterns:
            return None
        try:
            found = [(text, match) for text in self._texts for match in re.finditer(pattern, text) if match[0].strip()]
        except _UNREADABLE:
            return None
        return tuple(
            dict.fromkeys(match[0] for text, match in found if _stands_apart(text, match.start(), match.end()))
        )

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The whole numbers that are written in digits."""
        return tuple(dict.fromkeys(int(found) for text in self._texts for found in _NUMBER.findall(text)))

    @cached_property
    def _folded(self) -> str:
        return "\n".join(self._texts).casefold()

    def holds(self, value: str) -> bool:
        """Whether a value stands in one of the texts, as whole words, whatever its case."""
        wanted, place = value.casefold(), -1
        while wanted and (place := self._folded.find(wanted, place + 1)) >= 0:
            if _stands_apart(self._folded, place, place + len(wanted)):
                return True
        return False

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The numbers and addresses: what holds a digit or an @ and no space, and digits with spaces between."""
        found = (match for text in self._texts for kind in (_RUN, _SPACED) for match in kind.findall(text))
        bare = (code.strip(_AROUND) for code in found)
        return tuple(dict.fromkeys(code for code in bare if "@" in code or any(map(str.isdigit, code))))

    @cached_property
    def shortest(self) -> bytes:
        """The shortest text that may be quoted, with its quotes."""
        words = (self.written[start : start + 1] + self.rest_of_word(start + 1) for start in self.starts)
        return b'"' + min(words, key=len) + b'"'

    def rest_of_word(self, place: int) -> bytes:
        """What stands between `place` and the next end of a word."""
        end = place
        while end not in self.ends:
            end += 1
        return self.written[place:end]


def quotable(contents: Iterable[tuple[str, str]], *, patterns: bool = True) -> Source:
    """What may be quoted of messages, given as role and content, together and by role; `patterns`: see Source."""
    said = list(contents)
    roles = dict.fromkeys(role for role, _ in said)
    parts = {role: Source(quoted_texts(one for one in said if one[0] == role), patterns=patterns) for role in roles}
    return Source(quoted_texts(said), by_role=parts, patterns=patterns)


def quoted_texts(contents: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What may be quoted of messages, given as role and content: a tool's result gives each value that it holds."""
    for role, content in contents:
        if role != "tool":
            yield content
            continue
        try:
            waiting: list[Any] = [json.loads(content)]
        except (ValueError, RecursionError):
            yield content
            continue
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict | list):
                waiting += value.values() if isinstance(value, dict) else value
            elif isinstance(value, str | int | float) and not isinstance(value, bool):
                yield str(value)


def _one_word(before: str, sign: str) -> bool:
    """Whether two signs belong to one word or number. Chinese has no spaces between words: any sign may begin one."""
    return before.isascii() and sign.isascii() and before.isalnum() and sign.isalnum()


def _stands_apart(text: str, start: int, end: int) -> bool:
    """Whether no word goes on over the bounds of a stretch of the text."""
    before, after = text[max(0, start - 1) : start] or " ", text[end : end + 1] or " "
    return not _one_word(before, text[start]) and not _one_word(text[end - 1], after)


def _ends_clause(text: str, place: int) -> bool:
    """Whether a clause ends before `place`: a mark stands there, and no word goes on right behind it (3.5, 10:30)."""
    after = text[place + 1 : place + 2]
    return text[place] in _CLAUSE_MARKS and not (text[place].isascii() and after.isalnum())


def _is_character(sign: str) -> bool:
    return not 0xD800 <= ord(sign) <= 0xDFFF
