"""Conversations with random tools in which names, numbers, dates and addresses must be copied into calls and answers.

For pretraining: before a small model can use tools that it has never seen, it must learn to find a value in the conversation
and write it again. And for measuring that: part="test" shares no value, no tool name and no parameter key with part="train"
(except kinds of value with few members; see `values`). What the agent does next follows from what stands before: it asks
for what the schema requires and nobody said, in the schema's order, confirms changes if the system message says so,
and then calls. It knows nothing of models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from dialoop.conversation import Conversation, FunctionCall, Message, ToolCall
from dialoop.scenarios.copying import phrases as say
from dialoop.scenarios.copying.tools import Parameter, RandomTool, ToolMaker
from dialoop.scenarios.copying.values import MAKERS, Part

_ENOUGH = {"en": 600, "zh": 230}
"""Characters of messages after which no further job is begun; in long conversations twice as many."""


def make_copying(
    count: int, *, lang: str | None = None, seed: int = 0, part: Part = "train", long: bool = False
) -> Iterator[Conversation]:
    """`count` conversations, the same for the same arguments on every machine; English and Chinese in turn if no `lang`.

    With `long`, there are more tools and more work for them: some 1,000 tokens instead of 350.
    """
    for index in range(count):
        language = lang or ("en", "zh")[index % 2]
        name = f"{'long-' if long else ''}copying-{part}-{language}-{seed}-{index}"
        yield _Talk(Random(name), language, part, long).conversation(name)


class _Talk:
    """One conversation in the making: what was said, and the values known so far."""

    def __init__(self, rng: Random, lang: str, part: Part, long: bool) -> None:
        self.rng, self.lang, self.part, self.long = rng, lang, part, long
        self.maker = ToolMaker(rng, lang, part)
        self.confirms = rng.random() < 0.4
        self.messages: list[Message] = []
        self.known: dict[Parameter, str] = {}
        self.calls = 0

    def conversation(self, name: str) -> Conversation:
        tools: list[dict[str, Any]] = []
        if self.rng.random() < 0.1 and not self.long:
            self._echo()
        else:
            tools = self._jobs()
        if self.rng.random() < 0.25:
            user, answer = self.rng.choice(say.SMALL[self.lang])
            self._put("user", user)
            self._put("assistant", answer)
        return Conversation(id=name, messages=self.messages, tools=tools, lang=self.lang, source="dialoop/copying")

    def _jobs(self) -> list[dict[str, Any]]:
        """Some tools, and one to three pieces of work for them; gives the tools' schemas in the order shown."""
        plain = [self.maker.tool() for _ in range(self.rng.choice((4, 5, 6) if self.long else (1, 1, 2, 2, 3, 4)))]
        pair = self.maker.finder_and_user() if self.long or self.rng.random() < 0.4 else None
        enough = _ENOUGH[self.lang] * (2 if self.long else 1)
        shown = {tool.name: tool for tool in [*plain, *(pair[:2] if pair else ())]}
        schemas = [shown[name].schema() for name in self.rng.sample(list(shown), len(shown))]
        self._put("system", self._system())
        work = self.rng.sample(plain, min(len(plain), 6 if self.long else self.rng.choice((1, 1, 2, 2, 3))))
        work = [tool for tool in work if shown[tool.name] is tool]
        if pair and all(shown[tool.name] is tool for tool in pair[:2]):
            self._choose(*pair)
            work = work if self.long else work[: self.rng.randint(0, 1)]
        for tool in work:
            if self.calls and sum(len(m.content or "") for m in self.messages) > enough:
                break
            self._job(tool)
        return schemas

    # -- pieces of talk

    def _put(self, role: Any, content: str) -> None:
        self.messages.append(Message(role=role, content=content))

    def _pick(self, choices: dict[str, list[str]]) -> str:
        return self.rng.choice(choices[self.lang])

    def _value(self, kind: str) -> str:
        return MAKERS[self.lang][kind](self.rng, self.part)

    def _system(self) -> str:
        place = {"who": self._value("organisation"), "where": self._value("place"), "when": self._value("date")}
        sentences = [self._pick(say.SYSTEM).format(**place)]
        if self.confirms:
            sentences.append(self._pick(say.CONFIRM_RULE))
        return self._join(sentences)

    def _echo(self) -> None:
        for _ in range(self.rng.randint(1, 3)):
            kinds = self.rng.sample(list(MAKERS[self.lang]), self.rng.randint(1, 4))
            text = (" " if self.lang == "en" else "，").join(self._value(kind) for kind in kinds)
            self._put("user", self._pick(say.ECHO).format(v=text))
            self._put("assistant", text)

    def _spoken(self, parameter: Parameter, value: str) -> str:
        """The value as a person may say it: small whole numbers in words, or with what they count."""
        if parameter.kind != "count" or not parameter.integer:
            return value
        draw = self.rng.random()
        number = say.NUMBER_WORDS[self.lang][int(value) - 1] if draw < 0.25 else value
        if self.lang == "zh" and (draw < 0.25 or draw > 0.7):
            return number + self.rng.choice(say.MEASURES)
        return number

    def _fact(self, parameter: Parameter, value: str) -> str:
        return self._pick(say.FACTS).format(p=parameter.phrase, v=self._spoken(parameter, value))

    def _join(self, sentences: list[str]) -> str:
        return (" " if self.lang == "en" else "").join(sentences)

    def _list(self, told: list[Parameter], values: dict[str, str]) -> str:
        gap, comma = (" ", ", ") if self.lang == "en" else ("", "，")
        return comma.join(f"{p.phrase}{gap}{values[p.key]}" for p in told)

    # -- pieces of work

    def _job(self, tool: RandomTool) -> None:
        """Ask for a tool's work, give its values in one of the ways people do, call it, tell and ask about the
        result.
        """
        used, values = self._gather(tool, tool.job, {})
        if tool.changes and self.confirms:
            self._confirm(used, values)
        self._call(tool, used, values)
        self.known.update({p: values[p.key] for p in used})
        self._result(used, values)

    def _gather(
        self, tool: RandomTool, job: str | None, carried: dict[str, str]
    ) -> tuple[list[Parameter], dict[str, str]]:
        """The customer says what is wanted and some facts, the agent asks for what else is required.

        `carried` values need no asking. Gives the parameters to call with, in the schema's order, and their values.
        """
        before = {p.key: self.known[p] for p in tool.parameters if p in self.known and self.rng.random() < 0.5}
        values = {p.key: carried.get(p.key) or before.get(p.key) or self._value(p.kind) for p in tool.parameters}
        open_ones = [p for p in tool.parameters if p.key not in carried and p.key not in before]
        told = self.rng.sample(open_ones, self.rng.randint(0, len(open_ones)))
        same = [p for p in tool.parameters if p.key in before and p.key not in carried]
        sentences = [self._fact(p, values[p.key]) for p in told]
        sentences += [self._pick(say.SAME).format(p=p.phrase) for p in same]
        if job is not None:
            self._put("user", self._join([self._pick(say.OPENINGS).format(job=job), *sentences]))
        elif sentences:
            last = self.messages.pop()
            self._put("user", self._join([last.content or "", *sentences]))
        missing = [p for p in tool.parameters if p in open_ones and p not in told and p.key in tool.required]
        for parameter in missing:
            self._put("assistant", self._pick(say.QUESTIONS).format(p=parameter.phrase))
            self._put("user", self._pick(say.ANSWERS).format(v=self._spoken(parameter, values[parameter.key])))
        used = [p for p in tool.parameters if p not in open_ones or p in told or p in missing]
        return used, {p.key: values[p.key] for p in used}

    def _confirm(self, used: list[Parameter], values: dict[str, str]) -> None:
        self._put("assistant", self._pick(say.CONFIRM).format(facts=self._list(used, values)))
        if self.rng.random() < 0.3:
            wrong = self.rng.choice(used)
            values[wrong.key] = self._value(wrong.kind)
            self._put("user", self._pick(say.CORRECTIONS).format(p=wrong.phrase, v=values[wrong.key]))
        else:
            self._put("user", self._pick(say.YES))

    def _choose(self, finder: RandomTool, user: RandomTool, item: Parameter) -> None:
        """Something is looked up, one of the things found is chosen, and the second tool is called with it."""
        asked, values = self._gather(finder, self.rng.choice((finder, finder, user)).job, {})
        self._call(finder, asked, values)
        self.known.update({p: values[p.key] for p in asked})
        about = self.maker.parameters(self.rng.choice((0, 1, 1, 2)), but={item.key, item.phrase, *values})
        count = self.rng.choice((1, 2, 2, 3, 4))
        found = [{p.key: self._value(p.kind) for p in (item, *about)} for _ in range(count)]
        self._tool_says({self.rng.choice(say.LISTS): found} if count > 1 or self.rng.random() < 0.4 else found[0])
        gap, comma = ("; ", ", ") if self.lang == "en" else ("；", "，")
        named = [comma.join([one[item.key], *([self._list(about, one)] if about else [])]) for one in found]
        chosen = self.rng.randrange(count)
        if count == 1:
            self._put("assistant", self._pick(say.FOUND_ONE).format(facts=named[0]))
            self._put("user", self._pick(say.YES))
        else:
            self._put("assistant", self._pick(say.FOUND_SOME).format(facts=gap.join(named)))
            self._put("user", self._chosen(chosen, [one[item.key] for one in found]))
        carried = {item.key: found[chosen][item.key]}
        carried |= {p.key: values[p.key] for p in user.parameters if p.key in values}
        used, given = self._gather(user, None, carried)
        if self.confirms and len(used) > 1:
            self._confirm(used, given)
        self._call(user, used, given)
        self.known.update({p: given[p.key] for p in used if p != item})
        self._result(used, given)

    def _chosen(self, index: int, names: list[str]) -> str:
        """How a person picks the one at `index`: by name, by place, or as the last."""
        ways = [self._pick(say.ANSWERS).format(v=names[index]), self.rng.choice(say.NTH[self.lang][index])]
        if index == len(names) - 1:
            ways.append(self._pick(say.LAST))
        return self.rng.choice(ways)

    def _call(self, tool: RandomTool, used: list[Parameter], values: dict[str, str]) -> None:
        self.calls += 1
        arguments = {p.key: int(values[p.key]) if p.integer else values[p.key] for p in used}
        function = FunctionCall(name=tool.name, arguments=json.dumps(arguments, ensure_ascii=False))
        call = ToolCall(id=f"call_{self.calls}", function=function)
        self.messages.append(Message(role="assistant", tool_calls=[call]))

    def _tool_says(self, result: dict[str, Any]) -> None:
        separators = self.rng.choice(((",", ":"), (", ", ": ")))
        content = json.dumps(result, ensure_ascii=False, separators=separators)
        self.messages.append(Message(role="tool", content=content, tool_call_id=f"call_{self.calls}"))

    def _result(self, used: list[Parameter], values: dict[str, str]) -> None:
        """What the tool gave, what the agent tells of it, and questions about it."""
        extra = self.maker.parameters(self.rng.randint(1, 3), but={p.phrase for p in used} | set(values))
        found = {p.key: self._value(p.kind) for p in extra}
        repeated = self.rng.sample(used, self.rng.randint(0, min(2, len(used))))
        given = {**found, **{p.key: values[p.key] for p in repeated}}
        keys = self.rng.sample(list(given), len(given))
        numbers = self.rng.random() < 0.5
        self._tool_says({key: int(given[key]) if numbers and _plain(given[key]) else given[key] for key in keys})
        told = [p for key in keys for p in extra if p.key == key]
        self._put("assistant", self._pick(say.DONE).format(facts=self._list(told, found)))
        asking = [*extra, *used]
        for asked in self.rng.sample(asking, min(len(asking), self.rng.choice((0, 0, 1, 2)))):
            value = found.get(asked.key) or values[asked.key]
            self._put("user", self._pick(say.ASK).format(p=asked.phrase))
            self._put("assistant", self._pick(say.TELL).format(p=asked.phrase, v=value))


def _plain(value: str) -> bool:
    """Whether JSON can hold the value as a whole number and give it back the same."""
    return value.isascii() and value.isdigit() and str(int(value)) == value
