"""Finds private values in a text: folds it, asks every finder, settles overlaps, looks for names once more.

`find` is the room's one way from text to spans. It knows no vault and no stand-ins beyond their look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from dialoop.privacy.chinese_names import chinese_answer, chinese_beside, chinese_names
from dialoop.privacy.common_words import COMMON
from dialoop.privacy.emails import find_emails, same_email
from dialoop.privacy.english_names import english_answer, english_beside, english_names
from dialoop.privacy.folding import folded, unquoted
from dialoop.privacy.found import CARD, EMAIL, ID, LITERAL, NAME, PHONE, Finder, Found, check_found, settle
from dialoop.privacy.numbering import same_phone
from dialoop.privacy.numbers import find_numbers, spoken_digits
from dialoop.privacy.stand_in import STAND_IN

_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Memory:
    """What was found in a text after a question, at first and beside the values known: nothing is searched twice."""

    first: dict[tuple[str, str], list[Found]] = field(default_factory=dict)
    beside: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[Found]] = field(default_factory=dict)


def find(
    text: str,
    *,
    finders: Iterable[Finder] = (),
    asked: str = "",
    known: Iterable[Found] = (),
    memory: Memory | None = None,
) -> list[Found]:
    """The private values of `text`, in order, none overlapping; spans in Unicode code points of `text`.

    `finders` are asked besides the room's own (a trained tagger). `asked` is what the other side said before: a bare
    name that answers a question for one is found. `known` are values found earlier, looked for again as they were
    written. `memory` spares a second search of the same text by the same finders. Raises DataError for a finder's span
    that is not in the text.
    """
    memory = memory or Memory()
    known = tuple(known)
    key = (text, asked, tuple((one.kind, one.text) for one in known))
    if key not in memory.beside:
        if (text, asked) not in memory.first:
            memory.first[text, asked] = _first(text, finders, asked)
        settled = memory.first[text, asked]
        again = [*known, *(one for one in settled if one.kind == NAME)]
        memory.beside[key] = settle([*settled, *_again(text, folded(text), again)]) if again else settled
    return memory.beside[key]


def _first(text: str, finders: Iterable[Finder], asked: str) -> list[Found]:
    """What tells of itself, whatever was found before."""
    plain = folded(text)
    found = [*_literals(text), *find_emails(plain), *find_numbers(plain)]
    contacts = [one for one in found if one.kind in (EMAIL, PHONE)]
    found += _names(plain, contacts, folded(asked))
    found = [replace(one, text=text[one.start : one.end]) for one in found]
    for finder in finders:
        found += check_found(finder(text), text)
    return settle(found)


def same(kind: str, text: str) -> str:
    """Equal for every writing of one value: spaces, dashes, brackets, case, width, country code make no difference."""
    plain = folded(text)
    if kind == EMAIL:
        return same_email(plain)
    if kind in (PHONE, ID, CARD):
        plain = unquoted(plain)
    if kind == PHONE:
        main, *extension = re.split(r"转|分机号?|ext\.?|extension|(?<=[0-9 ])x", plain, flags=re.I)
        digits = spoken_digits(main.replace("(0)", ""))
        return same_phone(digits, plus="+" in main) + "".join(f"x{spoken_digits(part)}" for part in extension)
    if kind in (ID, CARD):
        return re.sub(r"[^0-9A-Z]", "", plain.upper().translate({ord("×"): "X", ord("Х"): "X"}))
    if kind == LITERAL:
        return text
    return " ".join(plain.casefold().split())


def _literals(text: str) -> Iterator[Found]:
    for match in STAND_IN.finditer(text):
        yield Found(LITERAL, match.start(), match.end(), match[0], "text that looks like a stand-in")


def _names(plain: str, contacts: list[Found], asked: str) -> Iterator[Found]:
    if _HAN.search(plain):
        yield from chinese_names(plain)
        yield from chinese_beside(plain, contacts)
    yield from english_names(plain)
    yield from english_beside(plain, contacts)
    if asked:
        yield from chinese_answer(plain, asked)
        yield from english_answer(plain, asked)


def _again(text: str, plain: str, known: list[Found]) -> Iterator[Found]:
    """Where known values stand again. A name of one word must be written alike: "Rose" is not the rose."""
    low = plain.casefold()
    if len(low) != len(plain):  # a letter whose small form is longer: spans would no longer be those of the text
        low = plain
    for kind, value in {(one.kind, one.text) for one in known if one.kind != LITERAL}:
        needle = folded(value)
        if len(needle) < 2 or needle.casefold() in COMMON:
            continue
        exact = kind == NAME and " " not in needle
        hay, needle = (plain, needle) if exact else (low, needle.casefold())
        for match in re.finditer(_writings(kind, needle), hay):
            if not _inside_word(plain, *match.span()):
                yield Found(kind, *match.span(), text[slice(*match.span())], "a value seen before", 0.3)


def _writings(kind: str, needle: str) -> str:
    """A pattern for a value: a number also in other groups than it was first written in."""
    signs = re.sub(r"[ .()·-]", "", needle)
    if kind not in (PHONE, ID, CARD) or len(signs) < 7 or not (signs.isascii() and signs.isalnum()):
        return re.escape(needle)
    return r"[ .()·-]{0,3}".join(signs)


def _inside_word(text: str, start: int, end: int) -> bool:
    """Whether Latin letters or digits go on at an end of the span."""
    left = start > 0 and _latin(text[start - 1]) and _latin(text[start])
    return left or (end < len(text) and _latin(text[end]) and _latin(text[end - 1]))


def _latin(sign: str) -> bool:
    return sign.isalnum() and not _HAN.match(sign)
