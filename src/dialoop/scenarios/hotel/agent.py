"""The reference agent: what a good hotel assistant does next, from what was said and what the tools returned.

Its rules can be read off the visible conversation: ask for what a tool needs, look up, offer, say everything back
once and wait for a yes before a booking, change or cancellation, answer digressions and return to the open question.
The newest value counts. It is told the customer's intent and values (`Said`); a model that learns from its
conversations sees only the text. It knows nothing of goals.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dialoop.agent.typed_tools import call_tool
from dialoop.conversation import FunctionCall, Message, ToolCall
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.slips import Slips
from dialoop.scenarios.hotel.talk import Answer, Heard, Intent, Said, Value, Wrong
from dialoop.scenarios.hotel.tools import FUNCTIONS, Result, rule_of
from dialoop.scenarios.hotel.wording import Wording
from dialoop.scenarios.hotel.world import World

_STAY = ("check_in", "nights", "guests")
_READ_BACK: tuple[Wrong, ...] = ("room", "check_in", "nights")
_COUNTS: tuple[Wrong, ...] = ("nights", "guests")
_CHANGES = {"new_check_in": "check_in", "new_nights": "nights", "new_room": "room"}


@dataclass
class _Task:
    """What is being done for the customer: the values so far, the rooms on offer, whether a yes is awaited."""

    kind: Intent
    values: dict[str, Value] = field(default_factory=dict)
    rooms: tuple[str, ...] = ()
    confirming: bool = False

    def lacks(self, *slots: str) -> tuple[str, ...]:
        return tuple(slot for slot in slots if slot not in self.values)


class ReferenceAgent:
    """Answers a customer turn by turn, with tools that really run on `world`. `slips`: how often it misreads (0 to 1);
    a text that does has the weight 0."""

    def __init__(self, world: World, part: str, dice: Dice, *, slips: float = 0.0) -> None:
        self._world, self._dice, self._slips = world, dice, Slips(slips, world, dice)
        self._last = ""
        self._wording = Wording("agent", world.lang, part)
        self._task: _Task | None = None
        self._messages: list[Message] = []
        self._sentences: list[str] = []
        self._calls = 0

    def answer(self, said: Said) -> Answer:
        """The agent's turn: calls with their results, then one text."""
        self._messages, self._sentences, self._last = [], [], said.text
        if said.private:
            self._say("no_id_needed")
        heard = self._turn(said)
        glue = "" if self._world.lang == "zh" else " "
        weight: Literal[0] | None = 0 if heard.wrong else None
        self._messages.append(Message(role="assistant", content=glue.join(self._sentences), weight=weight))
        return Answer(self._messages, heard)

    def _turn(self, said: Said) -> Heard:
        talk: dict[Intent, Callable[[Said], Heard]] = {
            "greet": self._greet,
            "chat": self._chat,
            "rule": self._rule,
            "room": self._room,
            "compare": self._compare,
            "yes": self._yes,
            "no": self._no,
            "thanks": self._thanks,
            "bye": self._bye,
        }
        if said.intent in talk:
            return talk[said.intent](said)
        if said.intent not in ("inform", "choose"):
            self._task = _Task(said.intent)
        self._take(said)
        return self._advance()

    def _take(self, said: Said) -> None:
        """New values replace old ones; another day, length or number of guests asks for another search."""
        if self._task is None:
            return
        if "room" not in self._task.values and said.values.keys() & {*_STAY, "max_price"}:
            self._task.rooms = ()
        self._task.values.update(said.values)
        self._task.confirming = False

    # what the agent can do in any state

    def _greet(self, said: Said) -> Heard:
        self._say("greet", hotel=self._world.hotel)
        return Heard("greeted")

    def _chat(self, said: Said) -> Heard:
        self._say(f"chat_{said.values['topic']}", hotel=self._world.hotel, city=self._world.city)
        return self._resume()

    def _rule(self, said: Said) -> Heard:
        result = self._call("house_rule", topic=self._topic(str(said.values["topic"])))
        if "error" in result:
            self._say("no_rule", topic=said.values["topic"])
        else:
            self._say("rule", rule=result["rule"])
        return self._resume()

    def _topic(self, text: str) -> str:
        """As `house_rule` takes it."""
        return rule_of(self._world, text)

    def _room(self, said: Said) -> Heard:
        self._describe(said.values["room"])
        return self._resume()

    def _compare(self, said: Said) -> Heard:
        one, other = (self._call("room_details", room=said.values[slot]) for slot in ("room", "other_room"))
        if "error" in one or "error" in other:
            self._say("no_such_room")
            return self._resume()
        self._say(
            "compare", **{f"a_{key}": value for key, value in one.items()}, **{f"b_{k}": v for k, v in other.items()}
        )
        if one["price"] != other["price"] and one["size"] != other["size"]:
            cheap, big = min(one, other, key=lambda r: int(r["price"])), max(one, other, key=lambda r: int(r["size"]))
            self._say("verdict_same" if cheap is big else "verdict", cheaper=cheap["room"], bigger=big["room"])
        return self._resume()

    def _thanks(self, said: Said) -> Heard:
        self._say("welcome")
        return self._resume()

    def _bye(self, said: Said) -> Heard:
        self._say("bye", hotel=self._world.hotel)
        return Heard("left")

    def _resume(self) -> Heard:
        """Back to the open question, if there is one."""
        return self._advance() if self._task is not None else self._done()

    # one step of the open task

    def _advance(self) -> Heard:
        task = self._task
        if task is None:
            return self._done()
        if task.kind == "book":
            return self._advance_booking(task)
        if task.kind == "complain":
            return self._advance_complaint(task)
        return self._advance_existing(task)

    def _advance_booking(self, task: _Task) -> Heard:
        if "room" not in task.values:
            if task.rooms:
                self._say("which_room")
                return Heard("offered", rooms=task.rooms)
            missing = task.lacks(*_STAY)
            return self._ask(missing) if missing else self._search(task)
        missing = task.lacks("check_in", "nights") or task.lacks("name", "contact")
        if missing:
            return self._ask(missing)
        task.confirming = True
        values, wrong = dict(task.values), None
        if self._slips.due():
            wrong = self._dice.pick(_READ_BACK)
            values[wrong] = self._slips.instead(wrong, values[wrong], self._last)
        self._say("confirm_book", **values)
        return Heard("confirming", wrong=wrong)

    def _search(self, task: _Task) -> Heard:
        wanted = {slot: task.values[slot] for slot in (*_STAY, "max_price") if slot in task.values}
        if self._slips.due() and (slipped := self._misread_search(task, wanted)):
            return slipped
        result = self._call("search_rooms", **wanted)
        if "error" in result:
            return self._bad_day(task)
        if result["rooms"]:
            return self._offer(task, result["rooms"], wanted)
        if "cheapest" in result:
            self._say("too_dear", price=result["cheapest"])
            return Heard("too_dear", note=str(result["cheapest"]))
        if result["next_free"] is None:
            return self._full(task)
        del task.values["check_in"]
        self._say("sold_out", day=result["next_free"])
        return Heard("sold_out", note=result["next_free"])

    def _full(self, task: _Task) -> Heard:
        del task.values["check_in"]
        self._say("sold_out_stay")
        return Heard("asked", ("check_in",), note="sold_out")

    def _misread_search(self, task: _Task, wanted: dict[str, Value]) -> Heard | None:
        """A search for another stay than was asked for, with its offer; None where it would find nothing."""
        wrong = self._dice.pick(_COUNTS)
        other = wanted | {wrong: self._slips.instead(wrong, wanted[wrong], self._last)}
        result = self._call("search_rooms", **other)
        call, answer = self._messages[-2:]
        del self._messages[-2:]
        if not result.get("rooms"):
            return None
        self._messages += [call.model_copy(update={"weight": 0}), answer]
        return replace(self._offer(task, result["rooms"], other), wrong=wrong)

    def _offer(self, task: _Task, rooms: list[dict[str, Any]], stay: dict[str, Value]) -> Heard:
        """Most wordings say what was looked for, so that it can be put right."""
        task.rooms = tuple(room["room"] for room in rooms)
        style = self._dice.pick(self._wording.phrases["offer_item"])
        items = [style.format(room=room["room"], price=room["price"]) for room in rooms]
        counts = {unit: stay[unit] for unit in _COUNTS}
        self._say("offer" if len(items) > 1 else "offer_one", rooms=self._list(items), **counts)
        return Heard("offered", rooms=task.rooms)

    def _advance_complaint(self, task: _Task) -> Heard:
        missing = task.lacks("room_number", "problem")
        if missing:
            return self._ask(missing)
        result = self._call("file_complaint", room_number=task.values["room_number"], problem=task.values["problem"])
        if "error" in result:
            del task.values["room_number"]
            self._say("no_such_number")
            return Heard("asked", ("room_number",), note="no_such_number")
        self._say("complaint_filed", **result)
        return self._close()

    def _advance_existing(self, task: _Task) -> Heard:
        """Find, change or cancel: first the booking, then what else is needed, then a yes."""
        if "booking" not in task.values:
            if task.lacks("reference"):
                return self._ask(("reference",))
            result = self._call("find_booking", reference=task.values["reference"])
            if "error" in result:
                del task.values["reference"]
                self._say("not_found")
                return Heard("asked", ("reference",), note="not_found")
            task.values |= {"booking": result["booking"]}
            self._say("found", **result)
        if task.kind == "find":
            if self._slips.due():
                self._say("confirm_cancel", booking=task.values["booking"])
                return Heard("confirming", wrong="act")
            return self._close()
        changes = {slot: task.values[slot] for slot in _CHANGES if slot in task.values}
        if task.kind == "change" and not changes:
            self._say("ask_changes")
            return Heard("asked", ("changes",))
        task.confirming = True
        wrong: Wrong | None = "changes" if changes and self._slips.due() else None
        if wrong:
            slot = self._dice.pick(list(changes))
            changes[slot] = self._slips.instead(_CHANGES[slot], changes[slot], self._last)
        told = [self._say_part(f"to_{_CHANGES[slot]}", **{_CHANGES[slot]: value}) for slot, value in changes.items()]
        comma = "，" if self._world.lang == "zh" else " and "
        self._say(f"confirm_{task.kind}", booking=task.values["booking"], changes=comma.join(told))
        return Heard("confirming", wrong=wrong)

    # yes and no

    def _yes(self, said: Said) -> Heard:
        task = self._task
        if task is None or not task.confirming:
            return self._resume()
        return {"book": self._book, "change": self._change, "cancel": self._cancel}[str(task.kind)](task)

    def _no(self, said: Said) -> Heard:
        kind = self._task.kind if self._task is not None else None
        self._say("kept" if kind in ("change", "cancel") else "dropped")
        return self._close()

    def _book(self, task: _Task) -> Heard:
        slots = ("room", "check_in", "nights", "name", "contact")
        result = self._call("book_room", **{slot: task.values[slot] for slot in slots})
        if result.get("error") == "bad_day":
            return self._bad_day(task)
        if "error" in result:
            del task.values["room"]
            task.confirming, task.rooms = False, tuple(result.get("free", ()))
            if not task.rooms:
                return self._full(task)
            self._say("not_free", rooms=self._list(list(task.rooms)))
            return Heard("offered", rooms=task.rooms)
        self._say("booked", **result)
        return self._close()

    def _change(self, task: _Task) -> Heard:
        changes = {name: task.values[slot] for slot, name in _CHANGES.items() if slot in task.values}
        result = self._call("change_booking", booking=task.values["booking"], **changes)
        if "error" in result:
            task.values = {slot: value for slot, value in task.values.items() if slot not in _CHANGES}
            task.confirming = False
            free = tuple(result.get("free", ()))
            key = "bad_day" if result["error"] == "bad_day" else "change_not_free" if free else "change_sold_out"
            self._say(key, rooms=self._list(list(free)))
            return Heard("asked", ("changes",), rooms=free, note=str(result["error"]))
        self._say("changed", **result)
        return self._close()

    def _cancel(self, task: _Task) -> Heard:
        result = self._call("cancel_booking", booking=task.values["booking"])
        if "error" in result:
            self._say("too_late", days=result["notice_days"])
            self._task = None
            return Heard("refused")
        self._say("cancelled", booking=result["booking"])
        return self._close()

    # speaking and calling

    def _describe(self, room: Value) -> None:
        result = self._call("room_details", room=room)
        if "error" in result:
            self._say("no_such_room")
        else:
            self._say("room", **result)

    def _bad_day(self, task: _Task) -> Heard:
        del task.values["check_in"]
        task.confirming = False
        self._say("bad_day")
        return Heard("asked", ("check_in",), note="bad_day")

    def _ask(self, slots: tuple[str, ...]) -> Heard:
        self._say("ask", what=self._list([self._say_part(f"what_{slot}") for slot in slots]))
        return Heard("asked", slots)

    def _close(self) -> Heard:
        self._task = None
        return self._done()

    def _done(self) -> Heard:
        if self._dice.chance(0.5):
            self._say("anything_else")
        return Heard("told")

    def _list(self, items: list[str]) -> str:
        comma, last = ("、", "和") if self._world.lang == "zh" else (", ", " and ")
        return comma.join(items[:-1]) + (last if items[1:] else "") + items[-1] if items else ""

    def _say(self, key: str, /, **values: Any) -> None:
        self._sentences.append(self._wording.say(self._dice, key, **self._with_stay(values)))

    def _say_part(self, key: str, /, **values: Any) -> str:
        texts = {slot: str(value) for slot, value in self._with_stay(values).items()}
        return self._wording.fill(self._dice, self._dice.pick(self._wording.phrases[key]), texts)

    def _with_stay(self, values: dict[str, Any]) -> dict[str, Any]:
        """With `stay`, the number of nights and its noun, and `party`, that of guests, where there are such."""
        told = dict(values)
        for unit, name, sign in (("nights", "stay", "晚"), ("guests", "party", "位")):
            if unit in values:
                noun = sign if self._world.lang == "zh" else f" {unit.removesuffix('s') if values[unit] == 1 else unit}"
                told[name] = f"{values[unit]}{noun}"
        return told

    def _call(self, tool: str, /, **arguments: Value) -> Result:
        self._calls += 1
        identity = f"call_{self._calls}"
        written = json.dumps(arguments, ensure_ascii=False)
        result = call_tool(FUNCTIONS, self._world, tool, written)
        call = ToolCall(id=identity, function=FunctionCall(name=tool, arguments=written))
        self._messages += [
            Message(role="assistant", tool_calls=[call]),
            Message(role="tool", tool_call_id=identity, name=tool, content=json.dumps(result, ensure_ascii=False)),
        ]
        return result
