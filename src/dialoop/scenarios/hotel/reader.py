"""What a customer hears in an agent's text: `hear` reads the text alone and gives what it asks of the customer.

First the phrases of both parts are looked for, filled with anything; what stands last in the text, and says most, is
what counts. A text that no phrase fits is read by keywords and questions, so that an agent may word things its own way.
It knows how agents word things, no world and no tool result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from dialoop.scenarios.hotel.days import MONTHS
from dialoop.scenarios.hotel.talk import Act, Heard
from dialoop.scenarios.hotel.wording import Wording

_PHRASED: dict[str, tuple[Act, tuple[str, ...], str]] = {
    "greet": ("greeted", (), ""),
    "chat_hello_again": ("greeted", (), ""),
    "ask": ("asked", (), ""),
    "ask_changes": ("asked", ("changes",), ""),
    "offer": ("offered", (), ""),
    "offer_one": ("offered", (), ""),
    "which_room": ("offered", (), ""),
    "not_free": ("offered", (), "not_free"),
    "too_dear": ("too_dear", (), ""),
    "sold_out": ("sold_out", (), ""),
    "sold_out_stay": ("asked", ("check_in",), "sold_out"),
    "bad_day": ("asked", ("check_in",), "bad_day"),
    "confirm_book": ("confirming", (), ""),
    "confirm_change": ("confirming", (), ""),
    "confirm_cancel": ("confirming", (), ""),
    "not_found": ("asked", ("reference",), "not_found"),
    "no_such_number": ("asked", ("room_number",), "no_such_number"),
    "change_not_free": ("asked", ("changes",), "not_free"),
    "change_sold_out": ("asked", ("changes",), "not_free"),
    "too_late": ("refused", (), ""),
    "booked": ("told", (), ""),
    "changed": ("told", (), ""),
    "cancelled": ("told", (), ""),
    "complaint_filed": ("told", (), ""),
    "found": ("told", (), ""),
    "kept": ("told", (), ""),
    "dropped": ("told", (), ""),
    "welcome": ("told", (), ""),
    "anything_else": ("told", (), ""),
    "bye": ("left", (), ""),
}
"""The agent's phrases that leave something open, or nothing: act, slots and note. Other phrases only answer."""

_SLOTS = ("check_in", "nights", "guests", "name", "contact", "reference", "room_number", "problem")
_KEYWORDS = {
    "en": {
        "reference": r"booking number|reservation number|reference|number of (?:your|the) booking|the number again",
        "room_number": r"room number|number of (?:your|the) room|number on (?:your|the) door|which room are you in",
        "check_in": r"arriv|check.?in\b|which day|what day|\bdate\b|first day|\bwhen\b|another day",
        "nights": r"\bnights?\b|how long|length of",
        "guests": r"\bguests\b|\bpeople\b|\bpersons?\b|party|how many of you",
        "name": r"\bnames?\b|guest's name",
        "contact": r"phone|e-?mail|contact|reach you",
        "problem": r"problem|what is wrong|what's wrong|what happened|description of",
    },
    "zh": {
        "reference": "订单号|预订编号|预订号|单号",
        "room_number": "房号|房间号|号房|哪间房住|住哪间",
        "check_in": "入住日期|入住的日子|到店|哪天|哪一天|日期|什么时候|几号",
        "nights": "晚数|几晚|多少晚|住多久|多久",
        "guests": "人数|几位|几个人|多少人|客人的数目|住客数",
        "name": "姓名|名字|怎么称呼|叫什么",
        "contact": "电话|邮箱|联系",
        "problem": "问题|具体情况|怎么了|什么毛病",
    },
}
_CONFIRMING = {
    "en": r"shall i|should i|may i (?:book|change|cancel|go ahead)|do you want me to|is that (?:right|correct)|"
    r"\bcorrect\?|agreed|all right\?|please confirm|do you confirm|yes or no",
    "zh": "对吗|是吗|没错吧|同意吗|确认吗|确定.*吗|是否确认|可以订了吗|订吗|请确认|要.*取消.*吗",
}
_CHANGES = {
    "en": r"(?:what|which|how).*(?:chang|alter|differ|modif)|what else would suit",
    "zh": "改什么|怎么改|改哪|变动|哪里不同",
}
_OFFERING = {
    "en": r"which (?:one|room|of)|would you like it|does that suit|prefer|take (?:it|that|this)",
    "zh": "哪一?间|哪个|您要吗|选哪",
}
_LEAVING = {"en": r"\b(?:good)?bye\b|see you (?:soon|at)", "zh": "再见|再会|拜拜"}
_QUESTION = {"en": r"\?", "zh": "[？?]|吗|呢[。？]?$"}
_STOPS = " .?!。？！"
_ENDS = re.compile(r"(?<=[.?!])\s+|(?<=[。？！])")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_PRICED = {
    "en": re.compile(
        r"(?:^|[,;:]\s*|\band\s+|\b(?:have|offer|from|are|is)\s+)(?:the\s+)?(?P<room>[^,;:().\d]+?)\s*(?:,|\bat\b|\bfor\b|\()"
        r"\s*(?:€\s*)?(?P<price>\d+)(?:\s*euros?)?(?:\s*(?:a|per)\s+night)?\)?",
        re.I,
    ),
    "zh": re.compile(
        r"(?P<room>[^、，。：；（）()\d]+?)[（(，]?(?:每晚|一晚)?(?P<price>\d+)元(?:一晚|每晚)?[）)]?(?:[、和，]|$|(?=[。？]))"
    ),
}
_LEAD = {
    "en": re.compile(r"^.*\b(?:have|offer|from|are|is|free|available)\s+(?:the\s+)?", re.I),
    "zh": re.compile("^.*(?:有|剩下一间|剩下|还剩|选择|可订的是|可以换|可订)(?:一间)?"),
}
"""What may stand before the first room of an offer."""
_JOINTS = {"en": re.compile(r",\s*(?:and\s+)?|\s+and\s+|;\s*"), "zh": re.compile("[、，；]|和")}


@dataclass(frozen=True)
class _Phrase:
    """One phrase as a pattern; `weight` is how many of its letters are its own, not a value's."""

    key: str
    pattern: re.Pattern[str]
    weight: int


def hear(text: str, lang: str) -> Heard:
    """What the text asks of the customer. `rooms` of an offer may be empty where the text only asks which room."""
    phrase, found = _last_phrase(text, lang)
    rest = text[found.end() :].lstrip(_STOPS) if found is not None else text
    if phrase is None or found is None or re.search("[?？]", rest):
        return _by_keywords(text, lang)
    act, slots, note = _PHRASED[phrase.key]
    groups = found.groupdict()
    if phrase.key == "ask":
        asked = asked_slots(groups["what"], lang)
        return Heard("asked", asked) if asked else _by_keywords(text, lang)
    if act == "too_dear":
        return Heard("too_dear", note=groups["price"]) if groups["price"].isdigit() else _by_keywords(text, lang)
    if act == "sold_out":
        day = _ISO.search(groups["day"])
        return Heard("sold_out", note=day[0] if day else "None")
    rooms = tuple(room for room, _ in offered_rooms(groups["rooms"], lang)) if groups.get("rooms") else ()
    return Heard(act, slots, rooms, note)


def asked_slots(what: str, lang: str) -> tuple[str, ...]:
    """The slots that are asked for in `what`, in the order in which a customer is asked for them."""
    left, found = what.casefold(), set()
    for slot, phrase in _what_phrases(lang):
        if phrase in left:
            found.add(slot)
            left = left.replace(phrase, " ")
    for slot, pattern in _KEYWORDS[lang].items():
        if slot not in found and (there := re.search(pattern, left)):
            found.add(slot)
            left = left.replace(there[0], " ")
            if slot == "reference":
                left = re.sub(_KEYWORDS[lang]["contact"], " ", left)
    return tuple(slot for slot in _SLOTS if slot in found)


def offered_rooms(text: str, lang: str) -> list[tuple[str, int | None]]:
    """The rooms of an offer with their prices, None where none is told."""
    found = [(one["room"].strip(), int(one["price"])) for one in _PRICED[lang].finditer(text)]
    priced = [(_LEAD[lang].sub("", room), price) for room, price in found]
    if priced:
        return list(dict.fromkeys(priced))
    names = [name.strip(" .。？?") for name in _JOINTS[lang].split(text)]
    return [(name.removeprefix("the "), None) for name in names if name]


def phrases_in(text: str, lang: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Every phrase that leaves something open, or says that something was done, with where it stands."""
    for phrase in _phrases(lang):
        for found in phrase.pattern.finditer(text):
            yield phrase.key, found


def _last_phrase(text: str, lang: str) -> tuple[_Phrase | None, re.Match[str] | None]:
    best: tuple[int, int] = (-1, -1)
    there: tuple[_Phrase | None, re.Match[str] | None] = (None, None)
    for phrase in _phrases(lang):
        for found in phrase.pattern.finditer(text):
            rank = (len(text[: found.end()].rstrip(_STOPS)), phrase.weight)
            if rank > best:
                best, there = rank, (phrase, found)
    return there


def _by_keywords(text: str, lang: str) -> Heard:
    """What the last question of the text, or its last sentence, asks for."""
    sentences = [one for one in _ENDS.split(text.strip()) if one.strip()]
    if not sentences:
        return Heard("told")
    questions = [one for one in sentences if re.search(_QUESTION[lang], one)]
    last = (questions or sentences)[-1].casefold()
    whole = text.casefold()
    if not questions and re.search(_LEAVING[lang], last):
        return Heard("left")
    if re.search(_CHANGES[lang], last):
        return Heard("asked", ("changes",))
    priced = [room for room, price in offered_rooms(text, lang) if price is not None]
    if priced and re.search(_OFFERING[lang], last):
        return Heard("offered", rooms=tuple(priced))
    if re.search(_CONFIRMING[lang], last):
        return Heard("confirming")
    asked = asked_slots(last, lang)
    requested = questions or re.search(r"\b(?:tell|give|need|let me know|missing)\b|请|需要|提供|告诉", last)
    if asked and requested:
        return Heard("asked", asked)
    if re.search(_OFFERING[lang], last):
        return Heard("offered")
    if re.search(r"\b(?:shall i|go ahead)\b|确认", whole) and questions:
        return Heard("confirming")
    return Heard("told")


@cache
def _what_phrases(lang: str) -> list[tuple[str, str]]:
    """What is asked for, in the words of both parts, the longest first."""
    known = {
        (slot, phrase.casefold())
        for part in ("train", "test")
        for slot in _SLOTS
        for phrase in Wording("agent", lang, part).phrases[f"what_{slot}"]
    }
    return sorted(known, key=lambda one: (-len(one[1]), one))


@cache
def _phrases(lang: str) -> list[_Phrase]:
    made = []
    for part in ("train", "test"):
        wording = Wording("agent", lang, part)
        made += [_phrase(key, template, lang) for key in _PHRASED for template in wording.phrases[key]]
    return made


def _phrase(key: str, template: str, lang: str) -> _Phrase:
    """The template as a pattern: any case and spacing, any value without a sentence's end, its last stop optional."""
    anything = "[^。？！]+?" if lang == "zh" else r"(?:(?![.?!](?:\s|$)).)+?"
    pieces = re.split(r"\{(\w+)\}", template.rstrip(_STOPS))
    pattern, seen = "", set()
    for number, piece in enumerate(pieces):
        if number % 2:
            pattern += anything if piece in seen else f"(?P<{piece}>{anything})"
            seen.add(piece)
        else:
            pattern += r"\s+".join(map(re.escape, re.split(r"\s+", piece)))
    begins = r"(?<![\w-])" if lang == "en" and template[0].isalnum() else ""
    ends = r"(?=\s*[.?!。？！]|\s*$)"
    weight = sum(map(len, pieces[::2]))
    return _Phrase(key, re.compile(begins + pattern + ends, re.I), weight)


__all__ = ["MONTHS", "asked_slots", "hear", "offered_rooms", "phrases_in"]
