"""What is wrong with what an agent reads back, offering or before it acts, as a customer who listens would notice it.

Only what the text says is compared with what the customer came for: a value that is not read back is not missed. It
knows how agents word things, no world and no tool result.
"""

from __future__ import annotations

import re
from datetime import date

from dialoop.errors import DataError
from dialoop.scenarios.hotel import values_heard
from dialoop.scenarios.hotel.days import DAY, parse_day
from dialoop.scenarios.hotel.goals import Book, Cancel, Change, Goal
from dialoop.scenarios.hotel.reader import phrases_in
from dialoop.scenarios.hotel.talk import Wrong

_ACTS: dict[str, type[Goal]] = {
    "offer": Book,
    "offer_one": Book,
    "confirm_book": Book,
    "confirm_change": Change,
    "confirm_cancel": Cancel,
}
_TOOLS = {"book room": Book, "change booking": Change, "cancel booking": Cancel}
"""How the agent's own question names what it is about to do (`dialoop.agent`): the tool's name, then its arguments."""
_ARGUMENTS = {"room": "room", "check_in": "check in", "stay": "nights"}
_ARGUMENT = r"(?:^|[,，])\s*{} ([^,，.。]+)"


def misread(text: str, goal: Goal, lang: str, today: date) -> Wrong | None:
    """The first thing that is wrong with a text that offers rooms or asks for a yes, or None."""
    act, values = _read(text, lang)
    if act is not None and not isinstance(goal, act):
        return "act"
    if isinstance(goal, Book):
        return _wrong_stay(goal, values, lang, today)
    if isinstance(goal, Change) and act is Change:
        return _wrong_change(goal, values, lang, today)
    return None


def _read(text: str, lang: str) -> tuple[type[Goal] | None, dict[str, str]]:
    """What the agent would do, as far as the text says, and the values that it reads back."""
    for name, act in _TOOLS.items():
        if asked := re.search(f"{name}[:：](.*)", text):
            found = {key: re.search(_ARGUMENT.format(said), asked[1]) for key, said in _ARGUMENTS.items()}
            return act, {key: match[1] for key, match in found.items() if match}
    phrases = [(key, match) for key, match in phrases_in(text, lang) if key in _ACTS]
    if not phrases:
        return None, {}
    key, match = max(phrases, key=lambda one: one[1].end())
    values = {slot: value for slot, value in match.groupdict().items() if value}
    return _ACTS[key], values


def _wrong_stay(goal: Book, values: dict[str, str], lang: str, today: date) -> Wrong | None:
    if "check_in" in values and _day(values["check_in"], today) != goal.check_in:
        return "check_in"
    if "stay" in values and _nights(values["stay"], lang) != goal.nights:
        return "nights"
    if "party" in values and values_heard.count(values["party"], "guests", lang) != goal.guests:
        return "guests"
    if goal.room and "room" in values and goal.room.casefold() not in values["room"].casefold():
        return "room"
    return None


def _wrong_change(goal: Change, values: dict[str, str], lang: str, today: date) -> Wrong | None:
    """Each value that is to be changed must be the one that was wanted, and nothing else may change."""
    changes = values.get("changes")
    if changes is None:
        day, stay, room = (values.get(key) for key in ("check_in", "stay", "room"))
        named = (_day(day, today) if day else None, _nights(stay, lang) if stay else None, room)
    else:
        found = re.search(DAY, changes)
        stay = re.sub(DAY, " ", changes)
        room = goal.room if goal.room and goal.room.casefold() in changes.casefold() else None
        named = (_day(found[0], today) if found else None, _nights(stay, lang), room)
        if not any(named):
            return "changes"
    wanted = (goal.check_in, goal.nights, goal.room)
    return "changes" if any(said is not None and said != one for said, one in zip(named, wanted, strict=True)) else None


def _day(text: str, today: date) -> date | None:
    try:
        return parse_day(text.strip(), today)
    except DataError:
        return None


def _nights(text: str, lang: str) -> int | None:
    return int(text) if text.strip().isdigit() else values_heard.count(text, "nights", lang)
