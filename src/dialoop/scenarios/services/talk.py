"""Conversations of many kinds of services, for pretraining: customers ask, book, change, cancel, complain and digress,
in many wordings, and the agent looks up, asks for what is missing, offers, confirms and calls tools.

Names of tools and keys, values and wordings are drawn anew for each, so what carries over is how such talk goes and
where values come from. No hotel is among the services. What the agent does follows from what can be seen. It knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from dialoop.conversation import Conversation, Message
from dialoop.scenarios.copying import phrases as copying
from dialoop.scenarios.copying import values as made
from dialoop.scenarios.services.speech import Speech

_CONFIRMS = {
    "en": ["Confirm before you book, change or cancel.", "Ask for what is missing; confirm first.", "Before any booking or change, say it back and wait for a yes.",
           "Use the tools. Never book, change or cancel without a yes."],
    "zh": ["预订、修改、取消前先确认。", "缺什么就问，办理前要确认。", "任何变更都要客户同意后再办。", "请用工具，先复述再办理。"],
}  # fmt: skip


def make_services(count: int, *, lang: str | None = None, seed: int = 0) -> Iterator[Conversation]:
    """`count` conversations, the same for the same arguments on every machine; English and Chinese in turn if no `lang`."""
    for index in range(count):
        language = lang or ("en", "zh")[index % 2]
        name = f"services-{language}-{seed}-{index}"
        yield _Talk(Random(name), language, name).conversation()


class _Talk(Speech):
    """One conversation in the making."""

    def __init__(self, rng: Random, lang: str, name: str) -> None:
        super().__init__(rng, lang, name)
        self.digressed = False
        self.found = ""
        self.told = False

    # the course

    def conversation(self) -> Conversation:
        where, when = self._value("place"), self.today.isoformat()
        told = (
            self._pick(copying.SYSTEM[self.lang], where=where, when=when, v="", job="", p="")
            if self.rng.random() < 0.3
            else ""
        )
        if not told or when not in told:
            lead = {
                "en": f"You are the assistant of {self.who} in {where}. Today is {when}.",
                "zh": f"你是{where}{self.who}的助手。今天是{when}。",
            }
            told = lead[self.lang]
        if self.confirms:
            told += (" " if self.lang == "en" else "") + self.rng.choice(_CONFIRMS[self.lang])
        self.messages.append(Message(role="system", content=told))
        if self.rng.random() < 0.1:
            self._user(self.rng.choice(self.w.GREET))
            self._agent(self._say("greet"))
        jobs = {"book": 45, "change": 14, "cancel": 11, "find": 6, "ask": 12, "report": 9, "chat": 5}
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            kind = self.rng.choices(list(jobs), list(jobs.values()))[0]
            getattr(self, f"_{kind}")()
        if self.rng.random() < 0.15:
            self._user(self.rng.choice(self.w.THANKS))
            self._agent(self._say("thanks"))
        self._user(self.rng.choice(self.w.BYE))
        self._agent(self._say("bye"))
        used = {call.function.name for m in self.messages for call in m.tool_calls or ()}
        kept = self.rng.choice((1.0, 0.6, 0.3))
        tools = [t for t in self.service.schemas if t["function"]["name"] in used or self.rng.random() < kept]
        return Conversation(
            id=self.name, messages=self.messages, tools=tools, lang=self.lang, source="dialoop/services"
        )

    def _done(self, *sentences: str) -> None:
        self._agent(*sentences, self._say("else"))

    def _digress(self) -> None:
        """Now and then something else before the open question is answered; the agent answers it and asks again."""
        if self.digressed or self.rng.random() > 0.12:
            return
        self.digressed = True
        question = (self.messages[-1].content or "") if self.messages[-1].role == "assistant" else ""
        if self.rng.random() < 0.3:
            said, answers = self.rng.choice(self.w.CHAT)
            self._user(self.rng.choice(said))
            self._agent(self.rng.choice(answers), question)
            return
        topic = self._topic()
        self._user(self._pick(self.w.FIRST_ASK, topic=topic), topic)
        self._agent(self._rule(topic), question)

    def _rule(self, topic: str) -> str:
        key = self.service.key("topic")
        if self.rng.random() < 0.12:
            self._call("rule", {key: topic}, {"error": self.rng.choice(("no_rule", "not_found", "unknown"))})
            return self._say("no_rule", topic=topic)
        rule = str(self.rng.choice(self.w.RULES)).format(n=self.rng.randint(2, 90), h=self.rng.randint(6, 23))
        self._call("rule", {key: topic}, {key: topic, self.rng.choice(("rule", "text", "answer")): rule})
        return self._say("rule", rule=rule)

    def _ask(self) -> None:
        for _ in range(self.rng.choice((1, 1, 2))):
            if self.rng.random() < 0.7:
                topic = self._topic()
                self._opened(self.w.ASK_TOPIC, {}, topic=topic)
                self._done(self._rule(topic))
            else:
                item = self._item()
                self._opened(self.w.ASK_ITEM, {}, name_of=item)
                self._done(self._say("item", facts=self._details(item)))

    def _chat(self) -> None:
        said, answers = self.rng.choice(self.w.CHAT)
        self._user(self.rng.choice(said))
        self._done(self.rng.choice(answers))

    def _item(self) -> str:
        kind = self.rng.choice(self.domain.kinds)
        if self.rng.random() < 0.3:
            return self._value("title")
        if self.lang == "zh":
            return made._zh_stem(self.rng, "train") + kind
        head = (
            self._value("word").capitalize() if self.rng.random() < 0.6 else self.rng.choice(made._NOUNS).capitalize()
        )
        return f"{head} {kind}"

    def _details(self, item: str) -> str:
        key = self.service.key("item")
        facts = {"price": self.rng.randint(5, 900), "size": self.rng.randint(2, 80), "note": self._value("title")}
        some = {name: facts[name] for name in self.rng.sample(list(facts), self.rng.randint(1, 3))}
        self._call("details", {key: item}, {key: item, **some})
        return str(self.w.JOIN.join([item, *(f"{name} {value}" for name, value in some.items())]))

    def _gather(self, slots: list[str], values: dict[str, Any], told: dict[str, Any]) -> None:
        """Ask for what of `slots` was not told, all at once, and once more for what the answer leaves out."""
        while missing := [slot for slot in slots if slot not in told]:
            what = self._list([self._pick(self.w.WHAT[slot]) for slot in missing])
            self._agent(self._pick(self.w.ASKING, what=what))
            self._digress()
            given = missing if self.rng.random() < 0.85 else missing[:1]
            self._user(self._answered({slot: values[slot] for slot in given}), *(str(values[s]) for s in given))
            told |= {slot: values[slot] for slot in given}

    def _answered(self, values: dict[str, Any]) -> str:
        texts = [self._pick(self.w.ANSWERS[slot], v=self._spoken(slot, value)) for slot, value in values.items()]
        return (self.rng.choice((", ", ", ", " and ")) if self.lang == "en" else "，").join(texts)

    def _list(self, texts: list[str]) -> str:
        return str(self.w.JOIN.join(texts[:-1]) + (self.w.AND if texts[1:] else "") + texts[-1])

    def _facts(self, values: dict[str, Any]) -> str:
        said = []
        for slot, value in values.items():
            if slot in ("people", "length"):
                units = self.domain.heads if slot == "people" else self.domain.unit
                unit = units[0] if value == 1 or self.lang == "zh" else units[1]
                said.append(f"{value} {unit or 'people'}" if self.lang == "en" else f"{value}{unit or '位'}")
            else:
                said.append(str(value))
        return str(self.w.JOIN.join(said))

    # a booking

    def _book(self) -> None:
        slots = list(self.domain.slots)
        values = {slot: self._slot(slot) for slot in (*slots, "name", "contact")}
        named = self.rng.random() < 0.25
        told = self._volunteered({slot: values[slot] for slot in slots})
        if named:
            item = self._item()
            self._opened(self.w.BOOK_ITEM, told, name_of=item)
        else:
            if self.service.budget and self.rng.random() < 0.25:
                told["budget"] = self._slot("budget")
            self._opened(self.w.BOOK, told)
        self._gather(slots, values, told)
        values |= told
        if not named:
            chosen = self._searched(slots, values, told)
            if chosen is None:
                return
            item = chosen
        self._gather(["name", "contact"], values, told)
        if self.confirms and not self._confirmed(item, slots, values):
            return
        arguments = {self.service.key("item"): item}
        arguments |= {self.service.key(slot): values[slot] for slot in (*slots, "name", "contact")}
        code, total = self._value("code"), self.rng.randint(20, 2000)
        result = {self.service.key("record"): code, self.service.key("item"): item, "total": total}
        self._call("book", arguments, result)
        self._done(self._say("done", code=code, total=total))

    def _confirmed(self, item: str, slots: list[str], values: dict[str, Any]) -> bool:
        """Say it back until the customer says yes (True) or no."""
        corrected = False
        while True:
            said = {"item": item, **{slot: values[slot] for slot in (*slots, "name", "contact")}}
            self._agent(self._say("confirm", facts=self._facts(said)))
            self._digress()
            if not corrected and self.rng.random() < 0.15:
                corrected = True
                slot = self.rng.choice(slots)
                values[slot] = self._slot(slot)
                self._user(self._pick(self.w.CORRECT, tail=self._tail(slot, values[slot])), str(values[slot]))
                continue
            if self.rng.random() < 0.06:
                self._user(self.rng.choice(self.w.NO))
                self._done(self._say("kept"))
                return False
            self._user(self.rng.choice(self.w.YES))
            return True

    def _searched(self, slots: list[str], values: dict[str, Any], told: dict[str, Any]) -> str | None:
        """Search until something is chosen; None where the customer gives up."""
        key, items = self.service.key("item"), self.rng.choice((self.domain.key + "s", "results", "items", "free"))
        for attempt in range(4):
            used = [*slots, *(["budget"] if "budget" in values else [])]
            arguments = {self.service.key(slot): values[slot] for slot in used}
            draw = self.rng.random() if attempt < 3 else 1.0
            if draw < 0.07:
                self._call("search", arguments, {"error": self.rng.choice(("bad_day", "invalid_date", "no_such_day"))})
                self._agent(self._say("bad_day"))
                values["day"] = self._day()
                self._user(self._pick(self.w.ANSWERS["day"], v=values["day"]), values["day"])
                continue
            if draw < 0.15:
                following = self._iso()
                self._call("search", arguments, {items: [], "next_free": following})
                self._agent(self._say("none", next=following))
                if self.rng.random() < 0.25:
                    self._user(self.rng.choice(self.w.NO))
                    self._done(self._say("kept"))
                    return None
                values["day"] = self._day()
                self._user(self._pick(self.w.ANSWERS["new_day"], v=values["day"]), values["day"])
                continue
            if "budget" in values and draw < 0.35:
                price = values["budget"] + self.rng.randint(1, 90)
                self._call("search", arguments, {items: [], "cheapest": price})
                self._agent(self._say("too_dear", price=price))
                values["budget"] = -(-price // 10) * 10
                self._user(self._pick(self.w.TAILS["budget"], v=self._spoken("budget", values["budget"])))
                continue
            prices = sorted(self.rng.sample(range(5, 900), self.rng.choice((1, 2, 2, 3, 3))))
            found = [(self._item(), price) for price in prices]
            self._call("search", arguments, {items: [{key: item, "price": price} for item, price in found]})
            style = self.rng.choice(self.w.PRICE)
            things = self._list([style.format(item=item, price=price) for item, price in found])
            self._agent(self._say("offer" if found[1:] else "offer_one", things=things))
            if attempt < 2 and self.rng.random() < 0.1:
                slot = self.rng.choice(slots)
                values[slot] = self._slot(slot)
                self._user(self._pick(self.w.CORRECT, tail=self._tail(slot, values[slot])), str(values[slot]))
                continue
            return self._chosen([item for item, _ in found])
        return None

    def _chosen(self, items: list[str]) -> str:
        if len(items) > 1 and self.rng.random() < 0.15:
            one, other = self.rng.sample(items, 2)
            self._user(self._pick(self.w.COMPARE, name_of=one, other=other), one, other)
            facts, more = self._details(one), self._details(other)
            self._agent(self._say("compared", facts=facts, more=more), self._say("which"))
        elif self.rng.random() < 0.12:
            asked = self.rng.choice(items)
            self._user(self._pick(self.w.ASK_ITEM, name_of=asked), asked)
            again = self._say("which") if len(items) > 1 else ""
            self._agent(self._say("item", facts=self._details(asked)), again)
        else:
            self._digress()
        at = self.rng.randrange(len(items))
        ways = [self._pick(self.w.CHOOSE, v=items[at])] * 3
        if len(items) == 1:
            ways += [self.rng.choice(self.w.ONLY)] * 2
        else:
            ways.append(self.rng.choice(self.w.NTH[at]))
            ways += [self.rng.choice(self.w.CHEAP)] if at == 0 else []
            ways += [self.rng.choice(self.w.DEAR)] if at == len(items) - 1 else []
        self._user(self.rng.choice(ways), items[at])
        return items[at]

    # what was booked before

    def _looked_up(self, templates: list[str], more: dict[str, Any]) -> str | None:
        """Find the customer's record; gives its code. None where the customer gives up."""
        code = self._value("code")
        reference = code if self.rng.random() < 0.7 else self._slot("contact")
        told = {"reference": reference} if self.rng.random() < self.talkative else {}
        self._opened(templates, {**told, **(more if told or self.rng.random() < 0.5 else {})})
        given = more if any(str(v) in (self.messages[-1].content or "") for v in more.values()) else {}
        self.told = bool(given)
        self._gather(["reference"], {"reference": reference}, told)
        key = self.service.key("reference")
        if self.rng.random() < 0.1:
            wrong = self._value("code")
            last = self.messages.pop()
            self.messages.append(last.model_copy(update={"content": (last.content or "").replace(reference, wrong)}))
            self._call("find", {key: wrong}, {"error": "not_found"})
            self._agent(self._say("not_found"))
            self._user(self._pick(self.w.ANSWERS["reference"], v=reference), reference)
        facts: dict[str, Any] = {self.service.key("record"): code, self.service.key("item"): self._item()}
        facts |= {self.service.key("day"): self._iso(), self.service.key("name"): self._slot("name")}
        self._call("find", {key: reference}, facts)
        self.found = self._say("found", facts=self.w.JOIN.join(str(value) for value in facts.values()))
        return code

    def _find(self) -> None:
        if self._looked_up(self.w.FIND, {}):
            self._done(self.found)

    def _cancel(self) -> None:
        code = self._looked_up(self.w.CANCEL, {})
        if self.confirms:
            self._agent(self.found, self._say("confirm_cancel", code=code))
            self._digress()
            if self.rng.random() < 0.08:
                self._user(self.rng.choice(self.w.NO))
                return self._done(self._say("kept"))
            self._user(self.rng.choice(self.w.YES))
        refused = self.rng.random() < 0.12
        result = {"error": "too_late"} if refused else {self.service.key("record"): code, "status": "cancelled"}
        self._call("cancel", {self.service.key("record"): code}, result)
        return self._done(self._say("refused") if refused else self._say("cancelled", code=code))

    def _change(self) -> None:
        possible = ["day", *[s for s in self.domain.slots if s in ("length", "people")], "item"]
        slots = self.rng.sample(possible, self.rng.choice((1, 1, 2)))
        wanted = {slot: self._item() if slot == "item" else self._slot(slot) for slot in possible if slot in slots}
        code = self._looked_up(self.w.CHANGE, {f"new_{slot}": value for slot, value in wanted.items()})
        lead = self.found
        said = "".join(m.content or "" for m in self.messages[1:] if m.role == "user")
        if not all(self._stands(slot, value, said) for slot, value in wanted.items()):
            self._agent(lead, self._say("what_change"))
            self._digress()
            self._user(
                self._answered({f"new_{slot}": value for slot, value in wanted.items()}), *map(str, wanted.values())
            )
            lead = ""
        if self.confirms:
            self._agent(lead, self._say("confirm_change", code=code, facts=self._facts(wanted)))
            self._digress()
            if self.rng.random() < 0.08:
                self._user(self.rng.choice(self.w.NO))
                return self._done(self._say("kept"))
            self._user(self.rng.choice(self.w.YES))
        arguments = {self.service.key("record"): code, **{self.service.key(s): v for s, v in wanted.items()}}
        self._call("change", arguments, {self.service.key("record"): code, "status": "changed"})
        return self._done(self._say("changed", code=code, facts=self._facts(wanted)))

    def _stands(self, slot: str, value: Any, said: str) -> bool:
        return self.told if slot in ("people", "length") else str(value).lower() in said.lower()

    def _report(self) -> None:
        values = {"problem": self._problem(), "unit_number": self._slot("unit_number")}
        template = self.rng.choice(self.w.COMPLAIN)
        told = {"problem": values["problem"]}
        if "{unit_number}" in template:
            told["unit_number"] = values["unit_number"]
        self._opened([template], {}, **values)
        self._gather(["unit_number", "problem"], values, told)
        key, number = self.service.key("unit_number"), values["unit_number"]
        arguments = {key: number, self.service.key("problem"): values["problem"]}
        if self.rng.random() < 0.12:
            wrong = self.rng.randint(1000, 9999)
            last = self.messages.pop()
            if str(number) in (last.content or ""):
                self.messages.append(
                    last.model_copy(update={"content": (last.content or "").replace(str(number), str(wrong))})
                )
                self._call("report", arguments | {key: wrong}, {"error": "no_such_number"})
                self._agent(self._say("no_number"))
                self._user(self._pick(self.w.ANSWERS["unit_number"], v=number))
            else:
                self.messages.append(last)
        code, minutes = self._value("code"), self.rng.randint(5, 60)
        self._call("report", arguments, {"ticket": code, "minutes": minutes})
        self._done(self._say("reported", code=code, minutes=minutes))
