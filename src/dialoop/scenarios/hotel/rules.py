"""An agent of rules alone, without a model: keywords to understand, the reference agent's rules for what comes next.

At each step it goes through the conversation that the model would be shown and plays it anew: what customers said is
read by `keywords.read`, what tools gave is taken from the record, and the first call without a result is the next one.
It is the plain thing that a model must beat, and it is used as a policy (`hotel_rules`) or looked at by itself
(`next_step`). It never sees what a customer really meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import date

from dialoop.agent import Decision, Situation
from dialoop.conversation import Message, model_view
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.agent import ReferenceAgent
from dialoop.scenarios.hotel.keywords import read
from dialoop.scenarios.hotel.reader import hear
from dialoop.scenarios.hotel.talk import Heard, Said, Value
from dialoop.scenarios.hotel.tools import Result
from dialoop.scenarios.hotel.world import World

Understand = Callable[[str, Heard, str, Sequence[str]], Said]

_NEEDED = {"rule": ("topic",), "room": ("room",), "compare": ("room", "other_room"), "chat": ("topic",)}


class _Wanted(Exception):
    """The next call: it has no result yet."""

    def __init__(self, tool: str, arguments: dict[str, Value]) -> None:
        super().__init__(tool)
        self.tool, self.arguments = tool, arguments


class _Denied(Exception):
    """The call was refused before it was made; the agent has said why."""


class _Replayed(ReferenceAgent):
    """The reference agent's rules, with results from the record in the place of tools."""

    def __init__(self, world: World, results: Sequence[tuple[str, Result]]) -> None:
        super().__init__(world, "train", Dice("rules", world.hotel, world.today))
        self._results = list(results)

    def _topic(self, text: str) -> str:
        return text  # it does not know the house's rules; the tool does

    def _call(self, tool: str, /, **arguments: Value) -> Result:
        while self._results:
            name, result = self._results.pop(0)
            if name == tool and "denied" in result:
                raise _Denied
            if name == tool:
                return result
        raise _Wanted(tool, arguments)


def next_step(
    messages: Sequence[Message], lang: str, understand: Understand = read
) -> Message | tuple[str, dict[str, Value]]:
    """What comes next after these messages: a text, or a call (name, arguments).

    `understand` reads each customer turn: its text, what the agent asked before, the language, the rooms offered.
    """
    turns = _turns(messages)
    agent = _Replayed(_place_of(messages, lang), [one for _, results, _ in turns for one in results])
    heard, offered = Heard("greeted"), list[str]()
    answer = Message(role="assistant", content="")
    for text, _, told in turns:
        said = _fitting(understand(text, heard, lang, offered), heard)
        try:
            answer = agent.answer(said).messages[-1]
        except _Wanted as wanted:
            return wanted.tool, wanted.arguments
        except (KeyError, IndexError, _Denied):
            answer = Message(role="assistant", content="")
        if not answer.content:
            answer = Message(role="assistant", content=_not_understood(lang))
        heard = hear(told if told is not None else answer.content or "", lang)
        if heard.act == "offered" and not heard.rooms:
            heard = Heard("offered", rooms=tuple(offered))
        offered = list(heard.rooms) or offered
    return answer


def hotel_rules(situation: Situation) -> Decision:
    """Decides every turn of a hotel's conversation by rules; a policy of `dialoop.agent`."""
    step = next_step(model_view(situation.state).messages, situation.state.lang or situation.lang)
    if isinstance(step, Message):
        return Decision(text=step.content, rule="hotel")
    return Decision(calls=[step], rule="hotel")


def _turns(messages: Sequence[Message]) -> list[tuple[str, list[tuple[str, Result]], str | None]]:
    """For each customer turn: its text, the results of the calls that followed, and the text told, if it was."""
    turns: list[tuple[str, list[tuple[str, Result]], str | None]] = []
    names: dict[str, str] = {}
    for message in messages:
        if message.role == "user":
            turns.append((message.content or "", [], None))
        for call in message.tool_calls or []:
            names[call.id] = call.function.name
        if not turns:
            continue
        text, results, _ = turns[-1]
        if message.role == "tool":
            results.append((names.get(message.tool_call_id or "", ""), _result(message.content or "")))
        elif message.role == "assistant" and message.content:
            turns[-1] = (text, results, message.content)
    return turns


def _result(content: str) -> Result:
    try:
        result = json.loads(content)
    except ValueError:
        result = None
    return result if isinstance(result, dict) else {"error": "unreadable"}


def _place_of(messages: Sequence[Message], lang: str) -> World:
    """The hotel and city as the system message names them; the rules know nothing else of the world."""
    told = next((message.content or "" for message in messages if message.role == "system"), "")
    found = re.search(r"(?:of|for) ([A-Z].*?)(?: in |, | \()([A-Z][\w -]*)", told)
    if lang == "zh":
        found = re.search("你是(.{2})(.+?)的助手|你在(.{2})的(.+?)前台|你为(.+?)（(.{2})）", told)
        pair = [one for one in found.groups() if one] if found else ["", "本店"]
        city, hotel = pair if found is None or found[5] is None else pair[::-1]
    else:
        hotel, city = (found[1], found[2]) if found else ("the hotel", "town")
    return World(lang, hotel, city, date(2000, 1, 1), {}, {}, "", 0)


def _fitting(said: Said, heard: Heard) -> Said:
    """A wish without what it is about becomes a plain turn, so that the open question is asked again."""
    if any(slot not in said.values for slot in _NEEDED.get(said.intent, ())):
        return Said(said.text, "inform", {}, private=said.private)
    return said


def _not_understood(lang: str) -> str:
    return (
        "抱歉，我没听懂，请换个说法。" if lang == "zh" else "Sorry, I did not understand. Could you say it differently?"
    )
