"""Labelled spans as tags a token, in every common scheme, and one rule for spans that overlap. It knows no files.

IOB1: I-, and B- only where a span follows another of its label at once (Ramshaw and Marcus 1995). IOB2, also called
BIO: every span begins with B-. BILOU: Begin, In, Last, and Unit for a span of one token (Ratinov and Roth 2009). BIOES
is the same with E and S.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from dialoop.conversation.record import SlotSpan

WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u3000-\u303f\uff00-\uffef]")
"""A character of a script that is written without spaces."""
WORD = re.compile(rf"{WIDE.pattern}|(?:(?!{WIDE.pattern})\w)+|[^\w\s]")
Scheme = Literal["IOB1", "IOB2", "BILOU", "BIOES"]
SCHEMES: tuple[Scheme, ...] = ("IOB1", "IOB2", "BILOU", "BIOES")


def without_overlaps(spans: Iterable[SlotSpan]) -> tuple[list[SlotSpan], list[SlotSpan]]:
    """The spans that are kept, in order, and those left out: the longest goes first, then the one that begins first.

    Of two that are the same stretch the one whose label comes first in the alphabet is kept.
    """
    kept: list[SlotSpan] = []
    left_out: list[SlotSpan] = []
    for span in sorted(spans, key=lambda one: (one.start - one.end, one.start, one.label)):
        free = all(span.end <= other.start or other.end <= span.start for other in kept)
        (kept if free else left_out).append(span)
    return sorted(kept, key=lambda one: one.start), left_out


def in_scheme(tags: Sequence[str], scheme: Scheme) -> list[str]:
    """IOB2 tags of a row of tokens, written in another scheme."""
    if scheme == "IOB2":
        return list(tags)
    alone, last = {"BILOU": ("U", "L"), "BIOES": ("S", "E")}.get(scheme, ("", ""))
    found = []
    for place, tag in enumerate(tags):
        mark, _, label = tag.partition("-")
        before = tags[place - 1][2:] if place else ""
        ends = place + 1 == len(tags) or tags[place + 1] != f"I-{label}"
        if mark == "O":
            found.append(tag)
        elif scheme == "IOB1":
            found.append(f"B-{label}" if mark == "B" and before == label else f"I-{label}")
        elif ends:
            found.append(f"{alone if mark == 'B' else last}-{label}")
        else:
            found.append(tag)
    return found


def runs_of(numbers: Sequence[int], labels: Sequence[str]) -> list[tuple[str, int, int]]:
    """Label, first and last token of each span in a row of tags by number: 0 is O, 2i+1 is B-, 2i+2 is I- of label i.

    An I- that continues nothing begins a span.
    """
    found: list[tuple[str, int, int]] = []
    for place, number in enumerate(numbers):
        if number == 0:
            continue
        label = labels[(number - 1) // 2]
        goes_on = number % 2 == 0 and found and found[-1][0] == label and found[-1][2] == place - 1
        if goes_on:
            found[-1] = (label, found[-1][1], place)
        else:
            found.append((label, place, place))
    return found


def words(text: str) -> list[tuple[int, int]]:
    """Start and end of each word: runs of letters and digits, single signs, single Chinese and Japanese characters."""
    return [match.span() for match in WORD.finditer(text)]


def word_tags(text: str, spans: Sequence[SlotSpan]) -> list[str]:
    """The IOB2 tag of each of the `words`. One that lies partly in a span belongs to it; spans must not overlap."""
    found, given = [], set[int]()
    for start, end in words(text):
        over = next((n for n, span in enumerate(spans) if start < span.end and span.start < end), None)
        found.append("O" if over is None else f"{'I' if over in given else 'B'}-{spans[over].label}")
        given |= set() if over is None else {over}
    return found
