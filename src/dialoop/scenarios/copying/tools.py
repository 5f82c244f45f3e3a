"""Random tools: names, jobs and typed parameters, each parameter with what people call it and the kind of its values.

Training learns here that the schema, not habit, says what to write: a parameter that people call by one phrase has
another key from one tool to the next. It knows nothing of conversations.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from random import Random
from typing import Any

from dialoop.scenarios.copying import phrases as say
from dialoop.scenarios.copying.values import MAKERS, Part, in_part, invented

_INTEGER_KINDS = {"count", "number"}


@dataclass(frozen=True)
class Parameter:
    """`phrase` is what people call it; `kind` is one of `values.MAKERS`."""

    key: str
    phrase: str
    kind: str
    integer: bool = False


@dataclass(frozen=True)
class RandomTool:
    """`job` is what people say that they want done; `changes` tells tools that change something from those that look
    up.
    """

    name: str
    job: str
    parameters: tuple[Parameter, ...]
    required: frozenset[str]
    changes: bool = True

    def schema(self) -> dict[str, Any]:
        """In OpenAI's form."""
        properties = {p.key: {"type": "integer" if p.integer else "string"} for p in self.parameters}
        names = [p.key for p in self.parameters if p.key in self.required]
        parameters = {"type": "object", "properties": properties, "required": names}
        return {"type": "function", "function": {"name": self.name, "description": self.job, "parameters": parameters}}


class ToolMaker:
    """Draws tools for one language and part; names and parameter keys of part "test" are in no tool of "train".

    Keys for tests are new combinations of known words, or words that no dictionary has: a key that could only be known
    from a dictionary, such as `mobile` for 手机号, would ask for more than copying.
    """

    def __init__(self, rng: Random, lang: str, part: Part) -> None:
        self.rng, self.lang, self.part = rng, lang, part

    def parameter(self) -> Parameter:
        """A listed one, under its own or another key, or (always for tests) an invented one."""
        if self.part == "test" or self.rng.random() < 0.5:
            return self._invented()
        while True:
            key, phrase, kind = self.rng.choice(say.PARAMETERS[self.lang])
            key = self._restyled(key, phrase)
            if in_part(f"parameter {key}", self.part):
                return self._typed(key, phrase, kind)

    def parameters(self, count: int, *, but: Set[str] = frozenset()) -> list[Parameter]:
        """`count` parameters, no two with the same key or phrase, none with a key or phrase in `but`."""
        made: list[Parameter] = []
        taken = set(but)
        while len(made) < count:
            parameter = self.parameter()
            if parameter.key not in taken and parameter.phrase not in taken:
                made.append(parameter)
                taken |= {parameter.key, parameter.phrase}
        return made

    def tool(self) -> RandomTool:
        """A tool of one to five parameters."""
        changes = self.rng.random() < 0.7
        while True:
            name, job = self._named((say.CHANGERS if changes else say.FINDERS)[self.lang], *self._noun())
            if in_part(f"tool {name}", self.part):
                break
        parameters = self.parameters(self.rng.choice((1, 2, 2, 3, 3, 4, 5)))
        return RandomTool(name, job, tuple(parameters), self._some_required(parameters), changes)

    def finder_and_user(self) -> tuple[RandomTool, RandomTool, Parameter]:
        """A tool that looks things up, one that does something with the one chosen, and the latter's parameter for it."""
        while True:
            noun, thing = self._noun()
            find_name, find_job = self._named(say.FINDERS[self.lang], noun, thing)
            do_name, do_job = self._named(say.CHANGERS[self.lang], noun, thing)
            if in_part(f"tool {find_name}", self.part) and in_part(f"tool {do_name}", self.part):
                break
        while True:
            first, called = self.rng.choice(say.FIRST_WORDS[self.lang])
            key = self.rng.choice(
                (noun, f"{noun}_id", f"{noun}_name", f"{first}_id", f"{first}_name", f"{first}_choice")
            )
            if self.lang == "zh" and self.rng.random() < 0.4:
                key = self.rng.choice((thing, f"{thing}名称", f"{called}选项"))
            if in_part(f"parameter {key}", self.part):
                break
        item = Parameter(key, thing, self.rng.choice(("title", "code", "organisation", "word", "title")))
        asked = self.parameters(self.rng.choice((1, 1, 2, 3)), but={key, thing})
        more = self.parameters(self.rng.choice((0, 0, 1, 2)), but={key, thing} | {p.key for p in asked})
        shared = [p for p in asked if self.rng.random() < 0.4]
        rest = [*shared, *(p for p in more if all(p.phrase != q.phrase for q in shared))]
        finder = RandomTool(find_name, find_job, tuple(asked), frozenset(p.key for p in asked), changes=False)
        user = RandomTool(do_name, do_job, (item, *rest), frozenset((key, *(p.key for p in rest))))
        return finder, user, item

    def _noun(self) -> tuple[str, str]:
        """What a tool is about, as its name has it and as people say it; half of them of two words."""
        noun, thing = self.rng.choice(say.NOUNS[self.lang])
        if self.rng.random() < 0.5:
            return noun, thing
        first, called = self.rng.choice(say.FIRST_WORDS[self.lang])
        return f"{first}_{noun}", f"{called} {thing}" if self.lang == "en" else called + thing

    def _named(self, verbs: list[tuple[str, str]], noun: str, thing: str) -> tuple[str, str]:
        """A tool's name, and what it does."""
        verb, do = self.rng.choice(verbs)
        joined = (f"{verb}_{noun}", f"{verb}_{noun}", verb + noun.title().replace("_", ""), f"{noun}.{verb}")
        job = f"{do} {'an' if thing[0] in 'aeiou' else 'a'} {thing}" if self.lang == "en" else f"{do}{thing}"
        return self.rng.choice(joined), job

    def _some_required(self, parameters: list[Parameter]) -> frozenset[str]:
        return frozenset(self.rng.sample([p.key for p in parameters], self.rng.randint(1, len(parameters))))

    def _typed(self, key: str, phrase: str, kind: str) -> Parameter:
        """With a type that the key alone decides, so that one conversation never gives it two."""
        return Parameter(key, phrase, kind, kind in _INTEGER_KINDS and sum(key.encode()) % 2 == 0)

    def _restyled(self, key: str, phrase: str) -> str:
        """The key as another programmer might have written it."""
        if self.lang == "zh" and self.rng.random() < 0.35:
            return phrase
        draw = self.rng.random()
        if draw < 0.45 or not key.isascii():
            return key
        if draw < 0.65:
            return f"{self.rng.choice(say.KEY_HEADS)}_{key}"
        if draw < 0.85:
            return f"{key}_{self.rng.choice(say.KEY_TAILS)}"
        head, *tail = key.split("_")
        return head + "".join(word.capitalize() for word in tail)

    def _invented(self) -> Parameter:
        """A parameter that no list has: two words put together, or a word that no dictionary has."""
        if self.rng.random() < 0.3:
            word = MAKERS[self.lang]["word"] if self.rng.random() < 0.6 else invented
            key = word(self.rng, self.part)
            kind = self.rng.choice(("person", "place", "title", "code", "word", "number", "day", "telephone"))
            return Parameter(key, key, kind)
        while True:
            first, called = self.rng.choice(say.FIRST_WORDS[self.lang])
            second, also_called, kind = self.rng.choice(say.SECOND_WORDS[self.lang])
            phrase = f"{called} {also_called}".strip() if self.lang == "en" else called + also_called
            english = self.lang == "en" or self.rng.random() < 0.5
            key = "_".join(word for word in (first, second) if word) if english else phrase
            if (second or not english or self.part == "train") and in_part(f"parameter {key}", self.part):
                return self._typed(key, phrase, kind)
