"""How one conversation about a service is spoken: values drawn and said in many ways, turns put down, tools called.

It knows what is said, and not what comes next.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from random import Random
from types import ModuleType
from typing import Any

from dialoop.conversation import FunctionCall, Message, ToolCall
from dialoop.scenarios.copying import values as made
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.days import spoken_day
from dialoop.scenarios.services import chinese, english
from dialoop.scenarios.services.domains import DOMAINS
from dialoop.scenarios.services.schema import Service, draw_service

_WORDS: dict[str, ModuleType] = {"en": english, "zh": chinese}


class Speech:
    """A conversation as far as it has been spoken: its service, today, the customer's habits, the messages."""

    def __init__(self, rng: Random, lang: str, name: str) -> None:
        self.rng, self.lang, self.name, self.dice = rng, lang, name, Dice(name)
        self.w = _WORDS[lang]
        self.domain = rng.choice(DOMAINS[lang])
        self.service: Service = draw_service(self.domain, lang, rng)
        self.today = date(rng.randint(2020, 2032), 1, 1) + timedelta(days=rng.randint(0, 364))
        self.confirms = rng.random() < 0.85
        self.careless = rng.choice((0.0, 0.0, 0.3, 0.9))
        self.talkative = rng.choice((0.2, 0.5, 0.8, 0.95))
        self.typos = rng.choice((0.0, 0.0, 0.0, 0.3))
        self.who = self._value("organisation")
        self.messages: list[Message] = []
        self.calls = 0

    def _value(self, kind: str) -> str:
        return made.MAKERS[self.lang][kind](self.rng, "train")

    def _filled(self, text: str, **values: Any) -> str:
        d = self.domain
        plain = {"item": d.item, "items": d.items, "record": d.record, "who": self.who}
        plain |= {
            "units": d.unit[1] or d.unit[0],
            "heads": d.heads[1] or d.heads[0] or ("people" if self.lang == "en" else "人"),
        }
        return text.format(**(plain | values))

    def _pick(self, texts: list[str], **values: Any) -> str:
        return self._filled(self.rng.choice(texts), **values)

    def _user(self, text: str, *kept: str) -> None:
        """A customer's turn; `kept` are values that no typing mistake may touch."""
        text = " ".join(text.split()).replace(" ,", ",").replace(" ?", "?").strip(" ,，")
        if self.lang == "en":
            if self.rng.random() >= self.careless:
                text = text[:1].upper() + text[1:]
                text += "" if text[-1:] in ".?!" else self.rng.choice((".", ".", "", "!"))
            if self.rng.random() < self.typos:
                text = self._mistyped(text, kept)
        elif text[-1:] not in "？。！?!" and self.rng.random() >= self.careless:
            text += self.rng.choice(("。", "。", ""))
        self.messages.append(Message(role="user", content=text))

    def _mistyped(self, text: str, kept: tuple[str, ...]) -> str:
        words = text.split(" ")
        inside = [*" ".join(kept).split(), *self.w.NUMBERS]
        free = [i for i, word in enumerate(words) if word.isalpha() and len(word) > 3 and word not in inside]
        if free:
            at = self.rng.choice(free)
            place = self.rng.randrange(1, len(words[at]) - 1)
            word = words[at]
            words[at] = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        return " ".join(words)

    def _agent(self, *sentences: str) -> None:
        glue = " " if self.lang == "en" else ""
        self.messages.append(Message(role="assistant", content=glue.join(s for s in sentences if s)))

    def _say(self, key: str, **values: Any) -> str:
        return self._pick(self.w.AGENT[key], **values)

    def _call(self, kind: str, arguments: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        function = FunctionCall(name=self.service.tools[kind], arguments=json.dumps(arguments, ensure_ascii=False))
        identity = f"call_{self.calls}"
        self.messages += [
            Message(role="assistant", tool_calls=[ToolCall(id=identity, function=function)]),
            Message(role="tool", tool_call_id=identity, content=json.dumps(result, ensure_ascii=False)),
        ]
        return result

    def _day(self) -> str:
        return spoken_day(self.today + timedelta(days=self.rng.randint(1, 90)), self.today, self.lang, self.dice)

    def _iso(self) -> str:
        return (self.today + timedelta(days=self.rng.randint(1, 90))).isoformat()

    def _slot(self, slot: str) -> Any:
        """A value as a tool takes it."""
        match slot:
            case "people" | "length":
                return self.rng.choice((1, 2, 2, 3, 4, 5, 6, 7, 8, 10, 12))
            case "budget":
                return self.rng.randint(3, 99) * 10
            case "unit_number":
                return self.rng.randint(2, 999)
            case "day":
                return self._day()
            case "name":
                return self._value("person")
            case "contact":
                return self._value(self.rng.choice(("telephone", "telephone", "email")))
            case "problem":
                return self._problem()
            case "topic":
                return self._topic()
        return self._value(slot)

    def _topic(self) -> str:
        if self.rng.random() < 0.35:
            return self._value("title" if self.lang == "en" else "word").lower()
        return str(self.rng.choice(self.w.TOPICS))

    def _problem(self) -> str:
        if self.lang == "zh":
            nouns, adjectives = self.w.NOUNS, self.w.ADJECTIVES
        else:
            nouns, adjectives = made._NOUNS, made._ADJECTIVES
        noun = self._value("word") if self.rng.random() < 0.2 else self.rng.choice(nouns)
        return str(self.rng.choice(self.w.PROBLEMS)).format(n=noun, a=self.rng.choice(adjectives))

    def _spoken(self, slot: str, value: Any) -> str:
        """A value as a person says it."""
        slot = slot.removeprefix("new_")
        if slot in ("people", "length"):
            number = self.w.NUMBERS[value - 1] if self.rng.random() < 0.45 else str(value)
            if slot == "people" and value in self.w.GROUPS and self.rng.random() < 0.25:
                return str(self.rng.choice(self.w.GROUPS[value]))
            if self.lang == "zh":
                units = self.domain.unit if slot == "length" else self.domain.heads
                return number + self.rng.choice([u for u in units if u] or ["个"])
            one, more = self.domain.unit if slot == "length" else self.domain.heads
            if slot == "people" and self.rng.random() < 0.5:
                one, more = self.rng.choice(
                    (("person", "people"), ("guest", "guests"), ("adult", "adults"), ("person", "persons"))
                )
            return f"{number} {(one if value == 1 else more) or 'people'}"
        if slot == "budget":
            unit = ("{v} euros", "{v}", "{v} dollars", "{v}") if self.lang == "en" else ("{v}元", "{v}块", "{v}")
            return str(self.rng.choice(unit)).format(v=value)
        return str(value)

    def _tail(self, slot: str, value: Any) -> str:
        if slot in ("people", "length", "day", "budget") and self.rng.random() < 0.06 and slot != "budget":
            wrong = self._slot(slot)
            said = self._pick(self.w.REPAIR, wrong=self._spoken(slot, wrong), right=self._spoken(slot, value))
        else:
            said = self._spoken(slot, value)
        return self._pick(self.w.TAILS[slot], v=said) if slot in self.w.TAILS else said

    def _tails(self, told: dict[str, Any]) -> str:
        """Several values in one breath, in any order."""
        order = self.rng.sample(list(told), len(told))
        return (" " if self.lang == "en" else self.rng.choice(("，", ""))).join(self._tail(s, told[s]) for s in order)

    def _volunteered(self, values: dict[str, Any]) -> dict[str, Any]:
        return {slot: value for slot, value in values.items() if self.rng.random() < self.talkative}

    def _opened(self, templates: list[str], told: dict[str, Any], **more: Any) -> None:
        hi = self.rng.choice(self.w.HI) if len(self.messages) < 3 else ""
        text = self._pick(templates, tails=self._tails(told), **more)
        self._user(f"{hi} {text}" if self.lang == "en" else hi + text, *map(str, (*told.values(), *more.values())))
