"""Which passages an answer cites: the model is shown them numbered from 1 in brackets, and names them the same way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dialoop.conversation.events import Passage

_CITED = re.compile(r"[\[［【]\s*(\d{1,3}(?:\s*[,，、;；]\s*\d{1,3})*)\s*[\]］】]")


@dataclass(frozen=True)
class Citations:
    """The passages that an answer cites, by number in the order of their first mention; `unknown`: numbers of none."""

    passages: dict[int, Passage]
    unknown: tuple[int, ...]


def cited(answer: str, passages: Sequence[Passage]) -> Citations:
    """What the `[1]`, `[2, 3]` or `【1】` of an answer stand for, given the passages that it was made from."""
    numbers = [int(number) for found in _CITED.finditer(answer) for number in re.findall(r"\d+", found[1])]
    known = {number: passages[number - 1] for number in numbers if 1 <= number <= len(passages)}
    return Citations(known, tuple(dict.fromkeys(number for number in numbers if number not in known)))
