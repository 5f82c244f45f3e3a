"""Days as people say them: reading them (`parse_day`) and saying them (`spoken_day`), in English and Chinese.

Tools take days in the customer's own words and read them here, so that a model has only to copy. It knows no world.

"this Friday" is the Friday of this week (weeks begin on Monday), "next Friday" that of the week after. A day without a
year is the next such day, today included.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from dialoop.errors import DataError
from dialoop.scenarios.dice import Dice

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NUMERALS = "一二三四五六七八九"
_SOON = {"today": 0, "tomorrow": 1, "the day after tomorrow": 2, "今天": 0, "明天": 1, "后天": 2, "大后天": 3}
_SAID_SOON = {"en": {1: "tomorrow"}, "zh": {1: "明天", 2: "后天"}}
_MONTH = "|".join(f"{month}|{month[:3]}" for month in MONTHS)
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DAY_MONTH = re.compile(rf"(?:the )?(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})\.?,?(?: (\d{{4}}))?", re.I)
_MONTH_DAY = re.compile(rf"({_MONTH})\.? (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?,?(?: (\d{{4}}))?", re.I)
_CHINESE = re.compile(r"(?:(\d{4})年)?([\d一二三四五六七八九十]{1,3})月([\d一二三四五六七八九十]{1,3})[日号]?")
_WEEKDAY = re.compile(rf"(this|next) ({'|'.join(WEEKDAYS)})", re.I)
_CHINESE_WEEKDAY = re.compile(r"([这本下])个?(?:周|星期|礼拜)([一二三四五六日天])")
_ORDINAL = r"\d{1,2}(?:st|nd|rd|th)?"
DAY = (
    rf"(?i:{'|'.join(sorted(_SOON, key=len, reverse=True))}|(?:this|next) (?:{'|'.join(WEEKDAYS)})"
    rf"|(?:the )?{_ORDINAL}(?: of)? (?:{_MONTH})(?:\.?,? \d{{4}})?"
    rf"|(?:{_MONTH})\.? (?:the )?{_ORDINAL}(?:,? \d{{4}})?)"
    r"|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|(?:\d{4}年)?[\d一二三四五六七八九十]{1,3}月[\d一二三四五六七八九十]{1,3}[日号]?"
    r"|[这本下]个?(?:周|星期|礼拜)[一二三四五六日天]"
)
"""A regular expression for how `parse_day` is told a day, also one that the calendar does not have."""


def parse_day(text: str, today: date) -> date:
    """The day that `text` names. Raises DataError for a text that names no day, or a day before `today`."""
    said = " ".join(text.split())
    day = _relative(said, today) or _absolute(said, today)
    if day is None:
        raise DataError(f"no day can be read from {text!r}", remedy="say it as 2026-03-05, 5 March or 3月5日")
    if day < today:
        raise DataError(f"{text!r} is before today, {today.isoformat()}", remedy="give today or a later day")
    return day


def _relative(said: str, today: date) -> date | None:
    if said.lower() in _SOON:
        return today + timedelta(days=_SOON[said.lower()])
    monday = today - timedelta(days=today.weekday())
    if found := _WEEKDAY.fullmatch(said):
        weekday = WEEKDAYS.index(found[2].capitalize())
        return monday + timedelta(days=weekday + (7 if found[1].lower() == "next" else 0))
    if found := _CHINESE_WEEKDAY.fullmatch(said):
        weekday = min("一二三四五六日天".index(found[2]), 6)
        return monday + timedelta(days=weekday + (7 if found[1] == "下" else 0))
    return None


def _absolute(said: str, today: date) -> date | None:
    if found := _ISO.fullmatch(said):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := _DAY_MONTH.fullmatch(said):
        return _in_year(found[3], _month(found[2]), int(found[1]), today)
    if found := _MONTH_DAY.fullmatch(said):
        return _in_year(found[3], _month(found[1]), int(found[2]), today)
    if found := _CHINESE.fullmatch(said.replace(" ", "")):
        return _in_year(found[1], _number(found[2]), _number(found[3]), today)
    return None


def _in_year(year: str | None, month: int, day: int, today: date) -> date | None:
    if year:
        return _date(int(year), month, day)
    this_year = _date(today.year, month, day)
    if this_year is not None and this_year >= today:
        return this_year
    return _date(today.year + 1, month, day)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    return next(i for i, month in enumerate(MONTHS, 1) if month.lower().startswith(name.lower()[:3]))


def _number(text: str) -> int:
    """A number up to 39 in digits or Chinese numerals; 0 where it is neither."""
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if any(part and (len(part) > 1 or part not in _NUMERALS) for part in (tens, ones)):
        return 0
    units = _NUMERALS.index(ones) + 1 if ones else 0
    return units if not ten else 10 * (_NUMERALS.index(tens) + 1 if tens else 1) + units


def chinese_number(number: int) -> str:
    """1 to 39 in Chinese numerals."""
    tens, ones = divmod(number, 10)
    lead = "" if tens == 0 else "十" if tens == 1 else _NUMERALS[tens - 1] + "十"
    return lead + (_NUMERALS[ones - 1] if ones else "")


def spoken_day(day: date, today: date, lang: str, dice: Dice) -> str:
    """One of the ways in which a customer says `day`; `parse_day` reads it back to the same day."""
    forms = _chinese_forms(day) if lang == "zh" else _english_forms(day)
    ahead = (day - today).days
    soon = _SAID_SOON[lang].get(ahead)
    if soon and dice.chance(0.7):
        return soon
    weeks_ahead = (day - today + timedelta(days=today.weekday())).days // 7
    if weeks_ahead in (0, 1) and ahead > 0 and dice.chance(0.6):
        if lang == "zh":
            return ("这周", "下周")[weeks_ahead] + "一二三四五六日"[day.weekday()]
        return f"{('this', 'next')[weeks_ahead]} {WEEKDAYS[day.weekday()]}"
    said = dice.pick(forms)
    return said if parse_day(said, today) == day else day.isoformat()


def written_forms(day: date) -> list[str]:
    """The ways of writing `day` out in both languages, without the year but for the last."""
    return [*_english_forms(day)[:-1], *_chinese_forms(day)]


def _english_forms(day: date) -> list[str]:
    month = MONTHS[day.month - 1]
    ending = "th" if 10 < day.day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    return [
        f"{day.day} {month}",
        f"{month} {day.day}",
        f"{month} {day.day}{ending}",
        f"{day.day}{ending} of {month}",
        f"{day.day} {month[:3]}",
        day.isoformat(),
    ]


def _chinese_forms(day: date) -> list[str]:
    plain = f"{day.month}月{day.day}"
    spelt = f"{chinese_number(day.month)}月{chinese_number(day.day)}"
    return [f"{plain}日", f"{plain}号", f"{plain}号", f"{spelt}号", f"{spelt}日", day.isoformat()]
