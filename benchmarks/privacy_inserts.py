"""Made-up sentences and tool arguments with private values in them, and hard negatives, for `privacy.py`.

Written apart from the finders: it imports nothing of `dialoop.privacy`. Part "dev" was looked at while the finders were
made, part "test" was not: its phrasings, names and arguments are others. Nobody is meant by any value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dialoop.scenarios.dice import Dice

KINDS = ("email", "phone", "id", "card", "name")
_SLOT = re.compile(r"\{(\w+)\}")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})


@dataclass(frozen=True)
class Sample:
    """A text or the arguments of a tool, and what was put in: by field (None for a text) the kind, start and end."""

    lang: str
    value: Any
    gold: tuple[tuple[tuple[str | int, ...] | None, str, int, int], ...]
    asked: str = ""


def samples(inserts: int, part: str, seed: int) -> Iterator[Sample]:
    """Samples with `inserts` private values, and a hard negative for every third sample."""
    phrases = yaml.safe_load((Path(__file__).parent / "privacy_phrases.yaml").read_text(encoding="utf-8"))[part]
    made = number = 0
    while made < inserts:
        lang = ("en", "zh")[number % 2]
        dice = Dice("privacy", part, seed, number)
        values = _Values(lang, phrases[lang], dice)
        number += 1
        if number % 3 == 0:
            yield values.sentence(dice.pick(phrases[lang]["negatives"]))
        kind = dice.weighted({"text": 0.72, "arguments": 0.28})
        if kind == "text":
            group = KINDS[number // 2 % len(KINDS)]
            sample = values.sentence(dice.pick(phrases[lang]["sentences"][group]))
        else:
            sample = values.arguments(dice.pick(phrases[lang]["arguments"]))
        made += len(sample.gold)
        yield sample


class _Values:
    """Draws values and puts them into phrases. A slot is a kind, or a kind of hard negative."""

    def __init__(self, lang: str, phrases: dict[str, Any], dice: Dice) -> None:
        self._lang, self._phrases, self._dice = lang, phrases, dice

    def sentence(self, phrase: str) -> Sample:
        """`phrase` may begin with a question in brackets: [what the other side said before]."""
        asked = ""
        if found := re.match(r"\[(.*?)\] ?", phrase):
            asked, phrase = found[1], phrase[found.end() :]
        text, spans = self._filled(phrase)
        return Sample(self._lang, text, tuple((None, *span) for span in spans), asked)

    def arguments(self, template: str) -> Sample:
        """Arguments as JSON with slots in their strings."""
        gold: list[tuple[tuple[str | int, ...] | None, str, int, int]] = []

        def fill(value: Any, path: tuple[str | int, ...]) -> Any:
            if isinstance(value, dict):
                return {key: fill(inner, (*path, key)) for key, inner in value.items()}
            if isinstance(value, list):
                return [fill(inner, (*path, at)) for at, inner in enumerate(value)]
            if not isinstance(value, str):
                return value
            text, spans = self._filled(value)
            gold.extend((path, *span) for span in spans)
            return text

        return Sample(self._lang, fill(json.loads(template), ()), tuple(gold))

    def _filled(self, phrase: str) -> tuple[str, list[tuple[str, int, int]]]:
        parts: list[str] = []
        spans = []
        at = length = 0
        for slot in _SLOT.finditer(phrase):
            parts.append(phrase[at : slot.start()])
            value = getattr(self, f"_{slot[1]}")()
            start = length + slot.start() - at
            if slot[1] in ("surname", *KINDS):
                spans.append(("name" if slot[1] == "surname" else slot[1], start, start + len(value)))
            parts.append(value)
            length = start + len(value)
            at = slot.end()
        return "".join([*parts, phrase[at:]]), spans

    def _digits(self, count: int) -> str:
        return "".join(str(self._dice.number(0, 9)) for _ in range(count))

    def _maybe_wide(self, text: str) -> str:
        return text.translate(_WIDE) if self._lang == "zh" and self._dice.chance(0.1) else text

    def _email(self) -> str:
        dice = self._dice
        local = dice.pick(
            ["anna", "h.park", "mueller", "li.na", "room4two", "Big_Bear", "k-9", "x", "sun+trips", "Tomas"]
        )
        local += dice.pick(["", self._digits(2), self._digits(4), "." + self._digits(1)])
        house = dice.pick(
            ["example.com", "mail.example.org", "example.net", "post.example.co.uk", "qq.com", "163.com", "EXAMPLE.DE"]
        )
        text = f"{local}@{house}"
        style = dice.weighted({"plain": 0.8, "spelled": 0.08, "bracket": 0.06, "spaced": 0.06})
        if style == "spelled":
            return text.replace("@", " at ").replace(".", " dot ")
        if style == "bracket":
            return text.replace("@", "[at]")
        return text.replace("@", " @ ") if style == "spaced" else self._maybe_wide(text)

    def _phone(self) -> str:
        if self._lang == "zh":
            return self._maybe_wide(self._dice.weighted({self._mobile(): 0.7, self._land(): 0.2, self._abroad(): 0.1}))
        return self._dice.weighted({self._abroad(): 0.6, self._american(): 0.25, self._mobile(): 0.15})

    def _mobile(self) -> str:
        digits = "1" + str(self._dice.number(3, 9)) + self._digits(9)
        a, b, c = digits[:3], digits[3:7], digits[7:]
        form = self._dice.pick(
            ["{0}", "{0}", "{0}", "{1} {2} {3}", "{1}-{2}-{3}", "+86 {0}", "+86-{1}-{2}-{3}", "0086{0}",
             "(+86) {1} {2} {3}",
             "86 {0}", "{4}", "{5}"]
        )  # fmt: skip
        return form.format(digits, a, b, c, f"{digits[:5]} {digits[5:]}", " ".join(digits))

    def _land(self) -> str:
        area = self._dice.pick(["010", "021", "0571", "0755", "028", "0898"])
        local = str(self._dice.number(2, 8)) + self._digits(7)
        form = self._dice.pick(
            ["{0}-{1}", "{0}{1}", "({0}){1}", "（{0}）{2} {3}", "{0} {2} {3}", "{0}-{1}转{4}", "+86 {5} {1}"]
        )
        return form.format(area, local, local[:4], local[4:], self._digits(3), area[1:])

    def _abroad(self) -> str:
        d = self._digits
        return self._dice.pick(
            [f"+44 20 7946 {d(4)}", f"+44 (0)20 7946 {d(4)}", f"07700 900{d(3)}", f"020 7946 {d(4)}",
             f"+49 30 23125 {d(3)}",
             f"030 23125 {d(3)}", f"+33 1 99 00 {d(2)} {d(2)}", f"01 99 00 {d(2)} {d(2)}", f"+81-3-5550-{d(4)}",
             f"0049 1512 345{d(4)}", f"+447700900{d(3)}", f"+61 491 570 {d(3)}", f"+65 6123 {d(4)}"]
        )  # fmt: skip

    def _american(self) -> str:
        d = self._digits(2)
        return self._dice.pick(
            [
                f"(415) 555-01{d}",
                f"415-555-01{d}",
                f"+1 415 555 01{d}",
                f"415.555.01{d}",
                f"1-415-555-01{d}",
                f"41555501{d}",
            ]
        )

    def _id(self) -> str:
        dice = self._dice
        born = f"{dice.number(1940, 2008)}{dice.number(1, 12):02d}{dice.number(1, 28):02d}"
        first = dice.pick(["110105", "310104", "440305", "510107", "330106", "654201"]) + born + self._digits(3)
        number = first + self._check(first)
        form = dice.weighted({"plain": 0.65, "small": 0.05, "groups": 0.2, "dashes": 0.1})
        if form == "groups":
            return f"{number[:6]} {number[6:14]} {number[14:]}"
        if form == "dashes":
            return f"{number[:6]}-{number[6:14]}-{number[14:]}"
        return number.lower() if form == "small" else self._maybe_wide(number)

    def _check(self, first: str) -> str:
        return "10X98765432"[sum(int(d) * w for d, w in zip(first, _ID_WEIGHTS, strict=True)) % 11]

    def _card(self, *, valid: bool = True) -> str:
        size, first = self._dice.pick([(16, "4"), (16, "52"), (19, "622202"), (16, "622588"), (15, "37"), (16, "35")])
        body = first + self._digits(size - len(first) - 1)
        check = next(d for d in "0123456789" if _luhn(body + d))
        digits = body + (check if valid else str((int(check) + self._dice.number(1, 9)) % 10))
        if self._dice.chance(0.5):
            sign = self._dice.pick([" ", " ", "-"])
            groups = [digits[at : at + 4] for at in range(0, size, 4)]
            return sign.join([digits[:4], digits[4:10], digits[10:]] if size == 15 else groups)
        return self._maybe_wide(digits) if valid else digits

    def _name(self) -> str:
        names = self._phrases["names"]
        if self._lang == "zh":
            if self._dice.chance(0.08):
                return self._dice.pick(names["foreign"])
            return self._dice.pick(names["surnames"]) + self._dice.pick(names["given"])
        name = f"{self._dice.pick(names['given'])} {self._dice.pick(names['surnames'])}"
        return self._dice.weighted({name: 0.85, name.lower(): 0.1, name.upper(): 0.05})

    def _surname(self) -> str:
        return self._dice.pick(self._phrases["names"]["surnames"])

    def _order(self) -> str:
        return self._dice.pick(
            [self._digits(10), "2026" + self._digits(10), "1" + self._digits(10), self._digits(13), self._digits(16)]
        )

    def _bad_id(self) -> str:
        first = "110105" + "19900307" + self._digits(3)
        wrong = next(d for d in "1234567890" if d != self._check(first))
        return first + wrong

    def _bad_card(self) -> str:
        return self._card(valid=False)

    def _price(self) -> str:
        return str(self._dice.number(80, 99_999))

    def _day(self) -> str:
        dice = self._dice
        y, m, d = dice.number(2025, 2027), dice.number(1, 12), dice.number(1, 28)
        return dice.pick(
            [f"{y}-{m:02d}-{d:02d}", f"{d:02d}.{m:02d}.{y}", f"{y}/{m}/{d}", f"{y}{m:02d}{d:02d}", f"{y}.{m}.{d}"]
        )

    def _room(self) -> str:
        return str(self._dice.number(101, 2999))

    def _code(self) -> str:
        return self._dice.pick(["KL", "HB", "ST", "PNR", "X"]) + self._digits(self._dice.number(4, 11))


def _luhn(digits: str) -> bool:
    doubled = (int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
