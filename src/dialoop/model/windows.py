"""Texts as a tagger reads them: windows of tokens, the characters that each token stands for, tags, and spans again.

A *unit* is a token that brings at least one new character: control tokens, white space and the further bytes of a
character that a byte-level tokenizer cuts up are none. A text that is longer than the window is read in windows that
overlap by a quarter; each unit belongs to the one window in which it is farther from an edge. It knows no losses and no
model, and loads no torch: how windows are scored is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dialoop.conversation import SlotSpan
from dialoop.conversation.spans import runs_of
from dialoop.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CASINGS = ("none", "lower", "initial", "upper", "mixed", "digits")
"""How a token is written, as a tagger with `casing` is told: "digits" has no letter but a digit, "none" neither."""
_SHARED = 4
"""Neighbouring windows have one part in so many in common."""


@dataclass(frozen=True)
class Window:
    """Token ids (T,) as the model reads them. `places`: where the units stand that are this window's own; `first`: the
    number of the first of them. `casing` (T,): how each token is written, see `CASINGS`.
    """

    ids: list[int]
    places: list[int]
    first: int
    casing: list[int]


@dataclass(frozen=True)
class Reading:
    """A text in windows. `edges`: start and end of each unit in code points, in order, none overlapping."""

    windows: list[Window]
    edges: list[tuple[int, int]]


def read_text(tokenizer: PreTrainedTokenizerBase, text: str, window: int) -> Reading:
    """`text` in windows of at most `window` tokens. Raises ModelError for a tokenizer that does not tell offsets."""
    if not tokenizer.is_fast:
        raise ModelError(
            "the base's tokenizer does not tell which characters a token stands for",
            remedy="choose a base with a fast tokenizer (tokenizer.json)",
        )
    made = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False)
    offsets = [tuple(pair) for pair in made["offset_mapping"]]
    return cut_up(text, list(made["input_ids"]), offsets, [bool(one) for one in made["special_tokens_mask"]], window)


def cut_up(
    text: str, ids: list[int], offsets: Sequence[tuple[int, int]], special: Sequence[bool], window: int
) -> Reading:
    """The same of a text whose tokens are known: ids, their characters, and which are control tokens."""
    begin, end = 0, len(ids)
    while begin < end and special[begin]:
        begin += 1
    while end > begin and special[end - 1]:
        end -= 1
    units = _units(text, offsets, begin, end)
    casing = [0 if one else casing_of(text[pair[0] : pair[1]]) for one, pair in zip(special, offsets, strict=True)]
    windows, first = [], 0
    for low, high, own_from, own_to in _stretches(begin, end, len(ids), window):
        own = [place for place, _ in units if own_from <= place < own_to]
        windows.append(
            Window(
                ids=ids[:begin] + ids[low:high] + ids[end:],
                places=[begin + place - low for place in own],
                first=first,
                casing=casing[:begin] + casing[low:high] + casing[end:],
            )
        )
        first += len(own)
    return Reading(windows, [edges for _, edges in units])


def casing_of(piece: str) -> int:
    """How a piece of text is written: its number in `CASINGS`."""
    word = piece.strip()
    if not any(letter.isalpha() for letter in word):
        return CASINGS.index("digits" if any(letter.isdigit() for letter in word) else "none")
    if word.islower() or not any(letter.isupper() for letter in word):
        return CASINGS.index("lower")
    if word.isupper():
        return CASINGS.index("upper" if len(word) > 1 else "initial")
    return CASINGS.index("initial" if word[0].isupper() and not any(one.isupper() for one in word[1:]) else "mixed")


def truth_of(reading: Reading, spans: Sequence[SlotSpan], labels: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    """The number of each unit's tag (0: O, 2i+1: B-, 2i+2: I- of label i), and how many spans begin or end in a unit.

    A unit that lies partly in a span belongs to it, unless the span before it has it. Spans must not overlap.
    """
    numbers = np.zeros(len(reading.edges), dtype=np.int64)
    inexact = 0
    for span in spans:
        touched = [
            unit
            for unit, (start, end) in enumerate(reading.edges)
            if start < span.end and span.start < end and numbers[unit] == 0
        ]
        if touched:
            tag = 2 * labels.index(span.label)
            numbers[touched] = tag + 2
            numbers[touched[0]] = tag + 1
        held = (reading.edges[touched[0]][0], reading.edges[touched[-1]][1]) if touched else None
        inexact += held != (span.start, span.end)
    return numbers, inexact


def best_tags(scores: NDArray[np.float64], transitions: NDArray[np.float64] | None = None) -> list[int]:
    """The best valid row of tags (Viterbi 1967): no I- but after B- or I- of its label.

    scores (U, K) of each unit's tags; transitions (K, K): what going from row to column adds, 0 without.
    """
    units, tags = scores.shape
    if not units:
        return []
    steps = _invalid(tags) + (0.0 if transitions is None else transitions)
    best = scores[0] + _invalid(tags)[0]  # a text begins as after O
    came_from = np.zeros((units, tags), dtype=np.int64)
    for unit in range(1, units):
        ways = best[:, None] + steps
        came_from[unit] = ways.argmax(axis=0)
        best = ways.max(axis=0) + scores[unit]
    row = [int(best.argmax())]
    for unit in range(units - 1, 0, -1):
        row.append(int(came_from[unit, row[-1]]))
    return row[::-1]


def tag_windows(
    readings: Sequence[Reading],
    labels: Sequence[str],
    transitions: NDArray[np.float64] | None,
    score: Callable[[list[Window]], NDArray[np.float64]],
    batch_size: int = 16,
) -> list[list[SlotSpan]]:
    """The spans of each text, in order. `score`: some windows → (B, T, K) scores of each token's tags."""
    scores = [np.zeros((len(one.edges), 1 + 2 * len(labels))) for one in readings]
    windows = [(number, window) for number, one in enumerate(readings) for window in one.windows if window.places]
    windows.sort(key=lambda pair: len(pair[1].ids))
    for start in range(0, len(windows), batch_size):
        some = windows[start : start + batch_size]
        found = score([window for _, window in some])
        for row, (number, window) in enumerate(some):
            own = slice(window.first, window.first + len(window.places))
            scores[number][own] = found[row, window.places]
    return [_spans(reading, best_tags(one, transitions), labels) for reading, one in zip(readings, scores, strict=True)]


def laid(windows: Sequence[Window], pad: int, *, casing: bool) -> dict[str, NDArray[np.int64]]:
    """Padded at their ends: input_ids and attention_mask, and casing where the head has a part for it, (B, T) each."""
    width = max(len(window.ids) for window in windows)
    rows = {
        "input_ids": [window.ids + [pad] * (width - len(window.ids)) for window in windows],
        "attention_mask": [[1] * len(window.ids) + [0] * (width - len(window.ids)) for window in windows],
    }
    if casing:
        rows["casing"] = [window.casing + [0] * (width - len(window.ids)) for window in windows]
    return {name: np.array(some, dtype=np.int64) for name, some in rows.items()}


def _spans(reading: Reading, numbers: list[int], labels: Sequence[str]) -> list[SlotSpan]:
    return [
        SlotSpan(label=label, start=reading.edges[first][0], end=reading.edges[last][1])
        for label, first, last in runs_of(numbers, labels)
    ]


def _units(text: str, offsets: Sequence[tuple[int, int]], begin: int, end: int) -> list[tuple[int, tuple[int, int]]]:
    """Place and characters of each token that brings characters of its own."""
    found: list[tuple[int, tuple[int, int]]] = []
    known = 0
    for place in range(begin, end):
        low, high = max(offsets[place][0], known), offsets[place][1]
        while low < high and text[low].isspace():
            low += 1
        while low < high and text[high - 1].isspace():
            high -= 1
        if low < high:
            found.append((place, (low, high)))
            known = high
    return found


def _stretches(begin: int, end: int, whole: int, window: int) -> list[tuple[int, int, int, int]]:
    """Of each window: from where to where it reads, and which of these places are its own."""
    room = window - (whole - (end - begin))
    if room < 1:
        raise ModelError(f"a window of {window} tokens has no room for text", remedy="give a longer --window")
    shared = room // _SHARED
    lows = list(range(begin, max(begin + 1, end - shared), room - shared))
    found = []
    for number, low in enumerate(lows):
        high = min(end, low + room)
        own_from = begin if number == 0 else low + shared // 2
        own_to = end if number == len(lows) - 1 else lows[number + 1] + shared // 2
        found.append((low, high, own_from, own_to))
    return found


def _invalid(tags: int) -> NDArray[np.float64]:
    """(K, K): 0 where a tag may follow, minus infinity where it may not."""
    moves = np.zeros((tags, tags))
    for inside in range(2, tags, 2):
        moves[:, inside] = -np.inf
        moves[[inside - 1, inside], inside] = 0.0
    return moves
