"""Values in a customer's text by regular expressions: days, numbers, rooms, contacts, names, topics, problems.

Written from the training wording. Of several values the last counts, as customers put themselves right in one breath.
Stand-ins (`<phone_1>`) are taken as what they stand for. It knows no intents and no state.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable

from dialoop.scenarios.hotel.days import MONTHS, WEEKDAYS

_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_NUMERALS = {"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6}
_MONTH = "|".join(f"{month}|{month[:3]}" for month in MONTHS)
_DAY = {
    "en": re.compile(
        rf"\d{{4}}-\d{{2}}-\d{{2}}|(?<!\d)\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH})\b|(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?\b|"
        rf"(?:this|next) (?:{'|'.join(WEEKDAYS)})|the day after tomorrow|tomorrow|today",
        re.I,
    ),
    "zh": re.compile(
        r"\d{4}-\d{2}-\d{2}|(?:\d{1,2}|[一二三四五六七八九十]{1,3})月(?:\d{1,2}|[一二三四五六七八九十]{1,3})[日号]|"
        r"大后天|后天|明天|今天|[这下本](?:周|星期|礼拜)[一二三四五六日天]"
    ),
}
_NIGHTS = {
    "en": re.compile(r"\b(\d{1,2}|one|two|three|four|five|six) nights?\b", re.I),
    "zh": re.compile(r"(\d{1,2}|[一两二三四五六])个?晚"),
}
_GUESTS = {
    "en": re.compile(r"\b(\d{1,2}|one|two|three|four|five|six) (?:people|persons?|adults?|guests?)\b", re.I),
    "zh": re.compile(r"(\d{1,2}|[一两二三四五六])(?:个大?人|位|人)"),
}
_PRICE = {
    "en": re.compile(
        r"(?:under|below|at most|up to|(?:not?|nothing) more than|less than|cheaper than|within|over|maximum|max\.?|"
        r"budget(?: of| is)?|can pay|spend|for|than)\s+(?:€\s*)?(\d{2,4})(?!\s*(?:nights?|people|adults?|guests?))",
        re.I,
    ),
    "zh": re.compile(
        r"(?:不超过|超过|预算是?|最多|上限|最高|不高于)(\d{2,4})|(\d{2,4})(?:元|块)?(?:钱)?(?:以内|以下|之内|封顶)"
    ),
}
_CONTACT = re.compile(
    r"<(?:email|phone)_\d+>|[A-Za-z0-9.]+@[A-Za-z0-9.]+[a-z]|(?<![A-Za-z0-9-])\+?\d[\d -]{5,}\d(?![A-Za-z0-9-])"
)
_BOOKING = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{3,6}(?!\d)")
_DOOR = re.compile(r"(?<![\d<_-])\d{3,4}(?![\d>-])")
_STAND_IN_NAME = re.compile(r"<name_\d+>")
_NAME = {
    "en": re.compile(
        r"(?:name is|name:|I'm(?: called)?|I am|under|it's(?: for)?|write|that's|(?:is )?for|put)\s+"
        r"([A-ZÀ-Ý][\w'’-]+ [A-ZÀ-Ý][\w'’-]+)"
    ),
    "zh": re.compile(
        "(?:我叫|我是|姓名是?[：:]?|名字是?|登记|写|用|预订人|住客|叫)([\u4e00-\u9fff]{2,4}?)(?=[，。、：,吧订这]|$)"
    ),
}
_CAPITALS = re.compile(r"\b([A-ZÀ-Ý][\w'’-]+(?: [A-ZÀ-Ý][\w'’-]+)+)")
_CHINESE_ROOM = re.compile(
    "(?:想订|预订|预定|一间|订|定|住过|住|要|来|换成|改成|换到|改住|换|改|和|跟|还是|说说|讲讲|介绍一下|了解一下|介绍|了解|"
    "推荐了|看中了|看好|选|请问|比|是|喜欢|决定了|给我|多|情况|，|。|^)"
    "((?!什么|还剩|一下|空|安静|好一|麻烦|请问|有)[\u4e00-\u9fff]{2}(?:(?:[大双单榻家亲复圆商][\u4e00-\u9fff]{1,2})房|套房|[一二三四]人间))"
)
_TOPIC = {
    "en": re.compile(
        r"(?:rules?|policy|question(?: first)?|information|a word|information|wondering|asking|ask|say|know|stand|apply|applies)?,?\s*"
        r"\b(?:on|about|for|regarding|with|handle|to know about)\s+(?:your )?([a-zA-Z][\w' -]+?)"
        r"(?=\s*(?:[?.!,:]| at your place| first\b| please| there\b|$))",
        re.I,
    ),
    "zh": re.compile(
        "(?:关于|你们对|酒店对|想问一下|问一下|问问|想问|了解一下|咨询一下|打听一下|介绍一下|说一下|关心|知道|有没有|你们|"
        "(?:^|[，。])(?!问|想|我|咨询|打听|了解|对了|等等|先|顺便|还有|另外|稍等|插|打断|你好|您好|请|早上|晚上|嗨|hi|hello))"
        "([\u4e00-\u9fff]{2,6}?)(?=有什么|有限制|有讲究|是怎么|是什么|怎么|的规定|的规矩|的事|的情况|的问题|方面|这块|这边|政策|要注意|"
        "可以吗|能说说|呢|的rule|，|。|吗|$)"
    ),
}
_PROBLEM_LEAD = {
    "en": re.compile(
        r"^.*?(?:complain(?:t)?|problem|bother you, but|happy|believe it|so you know|noticed that|annoying|please help|because|"
        r"must say that|seems that|looks like|wrong here|report something|should know that|be right|angry|"
        r"room \d+(?: here)?|\bin \d+)(?:\s+and\b)?[:,]?\s+",
        re.I,
    ),
    "zh": re.compile(
        "^.*?(?:投诉|问题|打扰了|不满意|过分了|说一下|烦人|看看|客人|不得不说|怎么回事|报修|得知道|毛病|帮帮忙|"
        r"\d{3,4}(?:号房|房的|房间|房|吗)?)[，：？。]"
    ),
}
_PROBLEM_TAIL = {
    "en": re.compile(r"(?:\s+in (?:room )?\d+|[.,] (?:It's|I'm in|This is|My room is) (?:room )?\d+)?[.!?]*$", re.I),
    "zh": re.compile("(?:[，。](?:我住|房号|我在|这里是)\\d+房?)?[。！？]*$"),
}


def day(text: str, lang: str) -> str | None:
    """The last day in the text, in its words."""
    return _last(_DAY[lang].findall(text))


def count(text: str, unit: str, lang: str) -> int | None:
    """The last number of "nights" or "guests"."""
    found = _last((_NIGHTS if unit == "nights" else _GUESTS)[lang].findall(text))
    return None if found is None else _number(found)


def price(text: str, lang: str, *, asked: bool = False) -> int | None:
    """The highest price that the customer will pay; any number will do where that was `asked`."""
    found = [one for match in _PRICE[lang].finditer(text) for one in match.groups() if one]
    if not found and asked:
        found = re.findall(r"(?<!\d)\d{2,4}(?!\d)", text)
    return int(found[-1]) if found else None


def contact(text: str) -> str | None:
    """A phone number or mail address, or a stand-in of one."""
    return _last(found for found in _CONTACT.findall(text) if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", found))


def reference(text: str) -> str | None:
    """A booking's number, else a contact."""
    return _last(_BOOKING.findall(text)) or contact(text)


def name(text: str, lang: str, *, asked: bool = False) -> str | None:
    """A person's name by its cue, or a stand-in of one; where it was `asked` for, what looks like one."""
    found = _last(_STAND_IN_NAME.findall(text)) or _last(_NAME[lang].findall(text))
    if found is None and asked and lang == "en":
        return _last(_CAPITALS.findall(text))
    if found is None and asked:
        return _last(re.findall("(?:^|[，。])([\u4e00-\u9fff]{2,4})(?=[，。]|$)", text))
    return found


def rooms(text: str, lang: str, known: Iterable[str] = ()) -> list[str]:
    """Rooms by name: those known from what was offered, else what looks like a room's name."""
    low = text.casefold()
    there = sorted((low.find(one.casefold()), one) for one in known if one.casefold() in low)
    if there:
        return [one for _, one in there]
    if lang == "zh":
        return _CHINESE_ROOM.findall(text)
    return [one for one in re.findall(r"\b(?:the|a|or) " + _CAPITALS.pattern[2:], text) if not _DAY["en"].search(one)]


def door(text: str) -> int | None:
    """A room's number."""
    found = _last(_DOOR.findall(text))
    return None if found is None else int(found)


def topic(text: str, lang: str) -> str | None:
    """What a question about the house's rules is about."""
    return _last(found.strip() for found in _TOPIC[lang].findall(text))


def problem(text: str, lang: str, *, asked: bool = False) -> str:
    """What a complaint is about: the text without its lead and the room's number."""
    lead = _PROBLEM_LEAD[lang]
    left = text if asked else lead.sub("", text, count=1)
    return _PROBLEM_TAIL[lang].sub("", left, count=1).strip() or text


def is_private(text: str) -> bool:
    """Whether an identity number is told."""
    return re.search(r"\bID\b|passport|identity card|身份证|证件", text) is not None


def _last(found: Iterable[str]) -> str | None:
    return next(iter(deque(found, maxlen=1)), None)


def _number(text: str) -> int:
    low = text.casefold()
    return int(low) if low.isdigit() else _NUMBERS.get(low) or _NUMERALS.get(low, 1)
