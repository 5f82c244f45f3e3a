"""How a customer says things: values in spoken forms, phrases composed of parts, and the habits of one person.

Habits: carelessness with capitals and full stops, typing mistakes (in the words around values, never in a value, so
that what was meant can still be read), words of the other language, and values put right in the same breath. It knows
what is to be said, not why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dialoop.conversation import SlotSpan
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.days import spoken_day
from dialoop.scenarios.hotel.strange import strange, strange_unit
from dialoop.scenarios.hotel.talk import Intent, Said, Value
from dialoop.scenarios.hotel.wording import Wording, finish, mark, slots_of, split_marked, tidy

_WORDS = {"en": ("", "one", "two", "three", "four", "five", "six"), "zh": ("", "一", "两", "三", "四", "五", "六")}
_TAILS = ("reference", "check_in", "nights", "guests", "max_price", "new_room", "new_check_in", "new_nights")
"""Slots that are said as a tail of the sentence, in this order; the others have a sentence of their own."""

_STRANGE_UNITS = 0.4
"""How often training counts in nouns that no list has."""

_STRANGE_PHRASES = 0.4
"""How often training puts words that no list has around a value that says by itself what is meant."""
_CLEAR = ("answer_", "choose", "compare", "complain", "correct", "other_day")
"""What the keys of such phrases begin with: the values and what was asked tell what is said. A tail is another."""


@dataclass(frozen=True)
class Spoken:
    """A value: how it is said, and what a tool is given for it. `first` is said before it and put right."""

    text: str
    value: Value
    first: str | None = None


@dataclass(frozen=True)
class Manner:
    """The habits of one customer; each a probability (0 to 1) for the turns where it could show."""

    careless: float = 0.0
    mistypes: float = 0.0
    mixes: float = 0.0
    repairs: float = 0.0
    corrects: float = 0.0
    digresses: float = 0.0
    private: float = 0.0
    talkative: float = 0.5
    """How much of what will be asked is told unasked."""


class Voice:
    """One customer's way of speaking, in one language and part. In "train" many words around values, and what they are
    counted in, are made up."""

    def __init__(self, lang: str, part: str, manner: Manner, dice: Dice, today: date) -> None:
        self.lang, self.part, self.manner, self._dice, self._today = lang, part, manner, dice, today
        self._wording = Wording("customer", lang, part)
        self._begun = False

    def knows(self, key: str) -> bool:
        """Whether there are phrases for `key`."""
        return key in self._wording

    def day(self, day: date) -> Spoken:
        """A day in the customer's words; the tool is given the same words."""
        said = spoken_day(day, self._today, self.lang, self._dice)
        return Spoken(said, said)

    def count(self, unit: str, number: int) -> Spoken:
        """A number of "nights" or "guests" with its unit; the tool is given the number."""
        noun = self._dice.pick(self._wording.phrases[f"unit_{unit}"])
        if self.part == "train" and self._dice.chance(_STRANGE_UNITS):
            noun = strange_unit(unit, self.lang, self._dice)
        one, _, many = noun.partition("/")
        in_words = number < len(_WORDS[self.lang]) and self._dice.chance(0.35)
        said = _WORDS[self.lang][number] if in_words else str(number)
        named = one if number == 1 or not many else many
        return Spoken(f"{said}{named}" if self.lang == "zh" else f"{said} {named}", number)

    def say(self, intent: Intent, key: str, spoken: Mapping[str, Spoken] | None = None, *, private: str = "") -> Said:
        """The turn `key` with all values of `spoken` in it, in this customer's manner.

        `private` is an unasked-for private number, told in a sentence of its own.
        """
        values = dict(spoken or {})
        text = self._compose(key, values)
        self._begun = True
        if private:
            text = self._join(text, self._wording.fill(self._dice, self._pick("private"), {"id": mark("", private)}))
        said, spans = self._type(tidy(text, self.lang))
        given = {slot: one.value for slot, one in values.items()}
        return Said(said, intent, given, spans, private=bool(private))

    def _pick(self, key: str) -> str:
        return self._dice.pick(self._wording.phrases[key])

    def _compose(self, key: str, values: Mapping[str, Spoken]) -> str:
        mixed = f"mixed_{key}"
        lists = [self._wording.phrases[key]]
        if mixed in self._wording and self._dice.chance(self.manner.mixes):
            lists.insert(0, self._wording.phrases[mixed])
        for templates in lists:
            fitting = [one for one in templates if self._fits(one, values)]
            if fitting:
                chosen = self._dice.pick(fitting)
                return self._fill(self._estranged(chosen) if key.startswith(_CLEAR) else chosen, values)
        raise LookupError(f"no phrase of {key!r} ({self.lang}) can hold {sorted(values)}")

    def _estranged(self, template: str) -> str:
        made_up = self.part == "train" and self._dice.chance(_STRANGE_PHRASES)
        return strange(template, self._dice) if made_up else template

    def _fits(self, template: str, values: Mapping[str, Spoken]) -> bool:
        slots = slots_of(template)
        left = [slot for slot in _TAILS if slot in values and slot not in slots]
        return slots - {"tails"} <= values.keys() and (not left or "tails" in slots)

    def _fill(self, template: str, values: Mapping[str, Spoken]) -> str:
        marked = {slot: self._value(slot, one) for slot, one in values.items()}
        template = template.replace("<hi>", "") if self._begun else template
        slots = slots_of(template)
        tails = [
            self._wording.fill(self._dice, self._estranged(self._pick(f"tail_{slot}")), marked)
            for slot in _TAILS
            if slot in values and slot not in slots
        ]
        text = self._wording.fill(self._dice, template, marked | {"tails": self._tail(template, tails)})
        for slot in values:
            if slot not in slots and slot not in _TAILS:
                text = self._join(text, self._wording.fill(self._dice, self._pick(f"line_{slot}"), marked))
        return text

    def _value(self, slot: str, one: Spoken) -> str:
        named = mark(slot.removeprefix("new_"), one.text)
        if one.first is None:
            return named
        return self._wording.fill(self._dice, self._pick("repair"), {"old": mark("", one.first), "new": named})

    def _tail(self, template: str, tails: list[str]) -> str:
        if self.lang == "zh":
            joined = "，".join(tails)
            at_start = template.removeprefix("<hi>").startswith("{tails}")
            return "" if not tails else f"{joined}，" if at_start else f"，{joined}"
        return (", " if self._dice.chance(0.25) else " ").join(tails)

    def _join(self, text: str, line: str) -> str:
        if self.lang == "zh":
            return text + ("" if text[-1] in "。？！" else "，") + line
        return text + (" " if text.rstrip()[-1] in ".?!" else ". ") + line

    def _type(self, text: str) -> tuple[str, list[SlotSpan]]:
        """The text as this customer's fingers leave it; values stay whole."""
        pieces = split_marked(text)
        if self._dice.chance(self.manner.careless):
            pieces = _carelessly(pieces)
        if self._dice.chance(self.manner.mistypes):
            pieces = self._mistyped(pieces)
        said, spans = "", []
        for slot, piece in pieces:
            if slot:
                spans.append(SlotSpan(label=slot, start=len(said), end=len(said) + len(piece)))
            said += piece
        return said, spans

    def _mistyped(self, pieces: list[tuple[str | None, str]]) -> list[tuple[str | None, str]]:
        """One mistake somewhere in the free text, where there is room for one."""
        if self.lang == "zh":
            slips = [one.split(">") for one in self._wording.phrases["slips"]]
            open_to = [
                (i, slip)
                for i, (slot, piece) in enumerate(pieces)
                if slot is None
                for slip in slips
                if slip[0] in piece
            ]
            if open_to:
                i, (right, wrong) = self._dice.pick(open_to)
                pieces[i] = (None, pieces[i][1].replace(right, wrong, 1))
            return pieces
        words = [
            (i, word)
            for i, (slot, piece) in enumerate(pieces)
            if slot is None
            for word in piece.split(" ")
            if len(word) >= 4 and word.isalpha()
        ]
        if words:
            i, word = self._dice.pick(words)
            pieces[i] = (None, pieces[i][1].replace(word, self._slip(word), 1))
        return pieces

    def _slip(self, word: str) -> str:
        """A word with two letters swapped, one left out or one doubled; its first letter stays."""
        at = self._dice.number(1, len(word) - 2)
        return self._dice.pick(
            [
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[: at + 1] + word[at:],
            ]
        )


def _carelessly(pieces: list[tuple[str | None, str]]) -> list[tuple[str | None, str]]:
    lowered = [(slot, piece if slot is not None else piece.lower()) for slot, piece in pieces]
    slot, last = lowered[-1]
    return lowered if slot is not None else [*lowered[:-1], (slot, last.rstrip(".?!。？！"))]


__all__ = ["Manner", "Spoken", "Voice", "finish"]
