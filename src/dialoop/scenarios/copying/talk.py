"""Conversations with random tools in which names, numbers, dates and addresses must be copied into calls and answers.

For pretraining: before a small model can use tools that it has never seen, it must learn to find a value in the conversation
and write it again. And for measuring that: part="test" shares no value, no tool name and no parameter name with part="train"
(except kinds of value with few members; see `values`). It knows nothing of models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from dialoop.conversation import Conversation, FunctionCall, Message, ToolCall
from dialoop.scenarios.copying import phrases as say
from dialoop.scenarios.copying.values import MAKERS, Part, in_part, invented

_INTEGER_KINDS = {"count", "number"}


@dataclass(frozen=True)
class _Parameter:
    key: str
    phrase: str
    kind: str
    integer: bool


@dataclass(frozen=True)
class _Tool:
    name: str
    job: str
    parameters: tuple[_Parameter, ...]
    required: frozenset[str]

    def schema(self) -> dict[str, Any]:
        properties = {p.key: {"type": "integer" if p.integer else "string"} for p in self.parameters}
        names = [p.key for p in self.parameters if p.key in self.required]
        parameters = {"type": "object", "properties": properties, "required": names}
        return {"type": "function", "function": {"name": self.name, "description": self.job, "parameters": parameters}}


def make_copying(count: int, *, lang: str | None = None, seed: int = 0, part: Part = "train") -> Iterator[Conversation]:
    """`count` conversations, the same for the same arguments on every machine; English and Chinese in turn if no `lang`."""
    for index in range(count):
        language = lang or ("en", "zh")[index % 2]
        rng = Random(f"copying/{part}/{language}/{seed}/{index}")
        yield _Talk(rng, language, part).conversation(f"copying-{part}-{language}-{seed}-{index}")


class _Talk:
    """One conversation in the making: what was said, and the values known so far."""

    def __init__(self, rng: Random, lang: str, part: Part) -> None:
        self.rng, self.lang, self.part = rng, lang, part
        self.messages: list[Message] = []
        self.known: dict[_Parameter, str] = {}
        self.calls = 0

    def conversation(self, name: str) -> Conversation:
        if self.rng.random() < 0.12:
            tools: list[dict[str, Any]] = []
            self._echo()
        else:
            made = self._tools()
            chosen = self.rng.sample(made, min(len(made), self.rng.choice((1, 1, 2))))
            tools = [tool.schema() for tool in made]
            self._put("system", self._pick(say.SYSTEM))
            for tool in chosen:
                self._job(tool)
        if self.rng.random() < 0.3:
            user, answer = self.rng.choice(say.SMALL[self.lang])
            self._put("user", user)
            self._put("assistant", answer)
        return Conversation(id=name, messages=self.messages, tools=tools, lang=self.lang, source="dialoop/copying")

    # -- pieces of talk

    def _put(self, role: Any, content: str) -> None:
        self.messages.append(Message(role=role, content=content))

    def _pick(self, choices: dict[str, list[str]]) -> str:
        return self.rng.choice(choices[self.lang])

    def _value(self, kind: str) -> str:
        return MAKERS[self.lang][kind](self.rng, self.part)

    def _echo(self) -> None:
        for _ in range(self.rng.randint(1, 3)):
            kinds = self.rng.sample(list(MAKERS[self.lang]), self.rng.randint(1, 4))
            text = (" " if self.lang == "en" else "，").join(self._value(kind) for kind in kinds)
            self._put("user", self._pick(say.ECHO).format(v=text))
            self._put("assistant", text)

    def _job(self, tool: _Tool) -> None:
        """Ask for a tool's work, give its values in one of the ways people do, call it, tell and ask about the result."""
        used = [p for p in tool.parameters if p.key in tool.required or self.rng.random() < 0.5]
        known = {p.key: self.known[p] for p in used if p in self.known and self.rng.random() < 0.5}
        values = {p.key: known.get(p.key) or self._value(p.kind) for p in used}
        wanted = [p for p in used if p.key not in known]
        self.rng.shuffle(wanted)
        at_once = wanted[: self.rng.randint(0, len(wanted))]
        opening = self._pick(say.OPENINGS).format(job=tool.job)
        told = [self._fact(p, values[p.key]) for p in at_once] + [self._same(p) for p in used if p.key in known]
        self._put("user", self._join([opening, *told]))
        missing = [p for p in used if p.key in tool.required and p in wanted[len(at_once) :]]
        for parameter in missing:
            self._put("assistant", self._pick(say.QUESTIONS).format(p=parameter.phrase))
            self._put("user", self._pick(say.ANSWERS).format(v=values[parameter.key]))
        used = [p for p in used if p.key in known or p in at_once or p in missing]
        values = {p.key: values[p.key] for p in used}
        if used and self.rng.random() < 0.35:
            self._confirm(used, values)
        self._call(tool, used, values)
        self.known.update({p: values[p.key] for p in used})
        self._result(used, values)

    def _fact(self, parameter: _Parameter, value: str) -> str:
        return self._pick(say.FACTS).format(p=parameter.phrase, v=value)

    def _same(self, parameter: _Parameter) -> str:
        return f"Same {parameter.phrase} as before." if self.lang == "en" else f"{parameter.phrase}跟刚才一样。"

    def _join(self, sentences: list[str]) -> str:
        return (" " if self.lang == "en" else "").join(sentences)

    def _list(self, told: list[_Parameter], values: dict[str, str]) -> str:
        gap, comma = (" ", ", ") if self.lang == "en" else ("", "，")
        return comma.join(f"{p.phrase}{gap}{values[p.key]}" for p in told)

    def _confirm(self, used: list[_Parameter], values: dict[str, str]) -> None:
        self._put("assistant", self._pick(say.CONFIRM).format(facts=self._list(used, values)))
        if self.rng.random() < 0.4:
            wrong = self.rng.choice(used)
            values[wrong.key] = self._value(wrong.kind)
            self._put("user", self._pick(say.CORRECTIONS).format(p=wrong.phrase, v=values[wrong.key]))
        else:
            self._put("user", self._pick(say.YES))

    def _call(self, tool: _Tool, used: list[_Parameter], values: dict[str, str]) -> None:
        self.calls += 1
        arguments = {p.key: int(values[p.key]) if p.integer else values[p.key] for p in used}
        function = FunctionCall(name=tool.name, arguments=json.dumps(arguments, ensure_ascii=False))
        call = ToolCall(id=f"call_{self.calls}", function=function)
        self.messages.append(Message(role="assistant", tool_calls=[call]))

    def _result(self, used: list[_Parameter], values: dict[str, str]) -> None:
        """What the tool gave, what the agent tells of it, and questions about it."""
        others = [p for p in self._parameters() if p.key not in values] + [self._invented_parameter()]
        extra = self.rng.sample(others, min(len(others), self.rng.randint(1, 3)))
        found = {p.key: self._value(p.kind) for p in extra}
        for parameter in self.rng.sample(used, self.rng.randint(0, min(2, len(used)))):
            found.setdefault(parameter.key, values[parameter.key])
        items = list(found.items())
        self.rng.shuffle(items)
        separators = self.rng.choice(((",", ":"), (", ", ": ")))
        content = json.dumps(dict(items), ensure_ascii=False, separators=separators)
        self.messages.append(Message(role="tool", content=content, tool_call_id=f"call_{self.calls}"))
        told = extra[: self.rng.randint(1, len(extra))]
        self._put("assistant", self._pick(say.DONE).format(facts=self._list(told, found)))
        asking = [*extra, *used]
        for asked in self.rng.sample(asking, min(len(asking), self.rng.choice((0, 0, 1, 2)))):
            value = found.get(asked.key) or values[asked.key]
            self._put("user", self._pick(say.ASK).format(p=asked.phrase))
            self._put("assistant", self._pick(say.TELL).format(p=asked.phrase, v=value))

    # -- random tools

    def _parameters(self) -> list[_Parameter]:
        fitting = [entry for entry in say.PARAMETERS[self.lang] if in_part(f"parameter {entry[0]}", self.part)]
        return [_Parameter(k, p, kind, kind in _INTEGER_KINDS and _coin(k)) for k, p, kind in fitting]

    def _tools(self) -> list[_Tool]:
        made: dict[str, _Tool] = {}
        for _ in range(self.rng.choice((1, 1, 2, 2, 3, 4))):
            tool = self._tool()
            made[tool.name] = tool
        return list(made.values())

    def _tool(self) -> _Tool:
        while True:
            (verb, do), (noun, thing) = self.rng.choice(say.VERBS[self.lang]), self.rng.choice(say.NOUNS[self.lang])
            if in_part(f"tool {verb} {noun}", self.part):
                break
        name = self.rng.choice(
            (f"{verb}_{noun}", f"{verb}_{noun}", f"{verb}{noun.title().replace('_', '')}", f"{noun}.{verb}")
        )
        pool = self._parameters()
        if self.part == "test" or self.rng.random() < 0.6:  # they teach that the schema, not habit, says what to write
            pool = self.rng.sample(pool, min(4, len(pool))) + [self._invented_parameter() for _ in range(4)]
        parameters: dict[str, _Parameter] = {}
        for parameter in self.rng.sample(pool, min(len(pool), self.rng.choice((1, 2, 2, 3, 3, 4, 5)))):
            if all(parameter.phrase != other.phrase for other in parameters.values()):
                parameters[parameter.key] = parameter
        job = f"{do} a {thing}" if self.lang == "en" else f"{do}{thing}"
        required = self.rng.sample(list(parameters), self.rng.randint(1, len(parameters)))
        return _Tool(name, job, tuple(parameters.values()), frozenset(required))

    def _invented_parameter(self) -> _Parameter:
        """A parameter that no list has: two words put together, or a word that no dictionary has."""
        if self.rng.random() < 0.3:
            key = self._value("word") if self.rng.random() < 0.6 else invented(self.rng, self.part)
            kind = self.rng.choice(("person", "place", "title", "code", "word", "number", "day"))
            return _Parameter(key, key, kind, False)
        while True:
            first, called = self.rng.choice(say.FIRST_WORDS[self.lang])
            second, also_called, kind = self.rng.choice(say.SECOND_WORDS[self.lang])
            phrase = f"{called} {also_called}".strip() if self.lang == "en" else called + also_called
            english = self.lang == "en" or self.rng.random() < 0.4
            key = "_".join(word for word in (first, second) if word) if english else phrase
            if in_part(f"parameter {key}", self.part):
                return _Parameter(key, phrase, kind, kind in _INTEGER_KINDS and _coin(key))


def _coin(text: str) -> bool:
    """A fixed coin for `text`: which parameters take JSON integers."""
    return sum(text.encode()) % 2 == 0
