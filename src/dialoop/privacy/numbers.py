"""Finds telephone, identity and card numbers: groups of digits that stand together, read in windows.

No word boundaries: a number may stand directly beside Han characters. Beside Latin letters it is a code, unless the
letters say what it is (`tel138…`). Words before a number decide what its digits leave open: after "order" eleven
digits are no telephone number, after "电话" eight are one. It reads folded text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dialoop.privacy.folding import unquoted
from dialoop.privacy.found import CARD, ID, PHONE, Found
from dialoop.privacy.numbering import (
    is_american,
    is_card,
    is_chinese_phone,
    is_date,
    is_identity_number,
    is_international,
    is_local,
    is_mobile,
    is_national,
    is_old_identity_number,
    is_service,
)

_MOST_GROUPS = 18  # of one number: an identity number with a space after each digit
_MOST_DIGITS = 19
_BEFORE = 24  # characters before a number that are read for words
_GLUE = re.compile(r"[ .()·-]{1,3}")
_LAST_SIGNS = "xX×хХ"
"""What people write at the end of an identity number: the letter, the sign for times, the Cyrillic letter."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_GROUP = re.compile(r"[0-9]+")
_DAY = re.compile(
    r"(?<![0-9])(?<![0-9][-.])(?:(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d)"
    r"(?![0-9])(?![-.][0-9])"
)
_TELLS = r"(?:tel|telephone|phone|mobile|mob|cell|call|ph|fax|whatsapp|wechat|sms|no|nr|number|id|card)"
_LINK = r"(?:\s|numbers?|no\b|nr\b|num|id\b|code|is|was|the|my|me|号码|号|是|为|了|[:：.,，#=(（'\"-])*"
_CALLS = re.compile(
    r"(?:phone|tel|mobile|cell|call|ring|dial|text|whatsapp|wechat|fax|contact|reach|sms|landline|extension"
    r"|电话|手机|号码|联系|致电|拨打|拨|打给|打到|微信|传真|座机|短信|热线|回电)"
    rf"(?:\s?(?:me|us|him|her|back|on|at|via|under|方式|我|人))*[?？]?{_LINK}$",
    re.I,
)
_COUNTS = re.compile(
    r"(?:order|booking|reservation|confirmation|reference|ref|tracking|invoice|ticket|transaction|serial|receipt|case|sku"
    r"|isbn|voucher|coupon|member|订单|单|编|预订|预定|确认|流水|快递|物流|发票|序列|交易|会员|货|券|凭证)"
    rf"{_LINK.replace(',，', '')}$",  # behind a comma something else begins: "我要预订,138…"
    re.I,
)
_IDENTITY = re.compile(rf"(?:身份证|证件|identity|national|\bid\b)(?:\s?(?:card|number|号码|号))*{_LINK}$", re.I)
_MONEY = re.compile(r"(?:[$¥￥€£#]|usd|rmb|cny|eur) ?$", re.I)
_MONEY_AFTER = re.compile(r" ?(?:[%元块€]|euros?\b|yuan\b|dollars?\b|rmb|cny)", re.I)
_EXTENSION = re.compile(r" ?(?:转|分机号?|ext\.?|extension|x) ?[0-9]{1,5}(?![0-9])", re.I)
_PASSPORT = re.compile(
    r"(?:passport|护照|通行证)(?:\s|number|no\b|号码|号|is|says|reads|是|为|[:：.#]"
    r"|(?:or|and|或|和|/)\s?(?:my |the )?(?:id|身份证)(?:\scard)?)*"
    r"((?=(?:[A-Za-z]*[0-9]){5})[A-Za-z0-9]{6,10})(?![A-Za-z0-9])"
    r"|(?<!booking )(?<!order )(?<!room )(?<![A-Za-z])(?:id|ID|证件)(?:\s|number|card|号码|号|is|是|为|[:：.#])+"
    r"([A-Z]{1,2}[0-9]{6,8})(?![A-Za-z0-9])",
    re.I,
)
_NUMERALS = "零〇一二三四五六七八九幺"
_SPOKEN = re.compile(rf"(?<![{_NUMERALS}])[{_NUMERALS}](?:[ -]?[{_NUMERALS}]){{10}}(?![{_NUMERALS}])")
_NUMERAL_DIGITS = str.maketrans(_NUMERALS, "00123456789" + "1")


@dataclass(frozen=True)
class _Window:
    """Groups of digits that are read as one number: from `start` to `end`, `plus` before them or not."""

    text: str
    start: int
    end: int
    digits: str
    groups: tuple[int, ...]
    plus: bool

    @property
    def before(self) -> str:
        return self.text[max(0, self.start - _BEFORE) : self.start]

    def found(self, kind: str, why: str, certainty: float, *, end: int | None = None) -> Found:
        end = end or self.end
        return Found(kind, self.start, end, self.text[self.start : end], why, certainty)


def find_numbers(text: str) -> Iterator[Found]:
    """Identity numbers, cards and telephone numbers in folded text. Overlaps are left in."""
    text = unquoted(text)
    for run in _runs(text):
        for window, inside in _windows(text, run):
            found = _identity(window) or _card(window) or (None if inside else _phone(window))
            if found and not _beside_letters(text, window.start, window.end):
                yield found
    for match in _PASSPORT.finditer(text):
        group = 1 if match[1] else 2
        yield Found(ID, match.start(group), match.end(group), match[group], "a document number after its cue", 0.8)
    for match in _SPOKEN.finditer(text):
        if is_mobile(spoken_digits(match[0])):
            yield Found(PHONE, match.start(), match.end(), match[0], "a mobile number in Chinese numerals", 0.9)


def spoken_digits(text: str) -> str:
    """The digits of a number in digits or Chinese numerals."""
    return re.sub(r"[^0-9]", "", text.translate(_NUMERAL_DIGITS))


def _runs(text: str) -> Iterator[list[tuple[int, int]]]:
    """Groups of digits that stand together, as (start, end); days are no part of a run."""
    days = [match.span() for match in _DAY.finditer(text)]
    run: list[tuple[int, int]] = []
    for match in _GROUP.finditer(text):
        span = match.span()
        if any(start <= span[0] < end for start, end in days):
            if run:
                yield run
            run = []
            continue
        if run and not _GLUE.fullmatch(text, run[-1][1], span[0]):
            yield run
            run = []
        run.append(span)
    if run:
        yield run


def _windows(text: str, run: list[tuple[int, int]]) -> Iterator[tuple[_Window, bool]]:
    """Every stretch of neighbouring groups, and whether it is cut out of what is shaped like a card or an identity
    number: a card that fails its check does not hold a telephone number.
    """
    sizes = [end - start for start, end in run]
    ends = {at: at + size for at in range(len(run)) for size in (3, 4, 5) if _is_block(sizes[at : at + size])}
    for first in range(len(run)):
        for last in range(first + 1, min(len(run), first + _MOST_GROUPS) + 1):
            if sum(sizes[first:last]) > _MOST_DIGITS:
                break
            if window := _window(text, run[first:last]):
                yield window, any(last <= ends.get(at, 0) for at in range(first - 4, first + 1))


def _is_block(sizes: list[int]) -> bool:
    return sizes in ([4, 4, 4, 4], [4, 4, 4, 4, 3], [4, 6, 5], [4, 6, 4], [6, 8, 4], [6, 8, 3])


def _window(text: str, run: list[tuple[int, int]]) -> _Window | None:
    """None where it has too few or too many digits, or half a pair of brackets."""
    start, end = run[0][0], run[-1][1]
    digits = "".join(text[a:b] for a, b in run)
    if not 7 <= len(digits) <= _MOST_DIGITS:
        return None
    groups = tuple(b - a for a, b in run)
    if len(digits) == 17 and text[end : end + 1] and text[end] in _LAST_SIGNS:
        digits, end = digits + "X", end + 1
    elif len(digits) == 17 and re.match(rf"[ -][{_LAST_SIGNS}](?![A-Za-z])", text[end : end + 2]):
        digits, end = digits + "X", end + 2
    if start and text[start - 1] == "(" and ")" in text[start:end]:
        start -= 1
    plus = start > 0 and text[start - 1] == "+"
    if plus and text[start - 2 : start - 1] != "\0":  # a quoted sign stays in its link
        start -= 1
        if start and text[start - 1] == "(" and ")" in text[start:end]:
            start -= 1
    if text[start:end].count("(") != text[start:end].count(")"):
        return None
    return _Window(text, start, end, digits, groups, plus)


def _beside_letters(text: str, start: int, end: int) -> bool:
    """Whether letters or money stand directly beside it, so that it is a code or an amount."""
    after = text[end : end + 1]
    if after.isascii() and (after.isalpha() or after == "_") and not _EXTENSION.match(text, end):
        return True
    if _MONEY_AFTER.match(text, end):
        return True
    before = text[max(0, start - 12) : start]
    if _MONEY.search(before):
        return True
    letters = re.search(r"[A-Za-z_]+-?$", before)
    return letters is not None and re.fullmatch(_TELLS + "-?", letters[0], re.I) is None


def _identity(window: _Window) -> Found | None:
    if window.plus or any(sign in window.text[window.start : window.end] for sign in "()."):
        return None
    if is_identity_number(window.digits):
        return window.found(ID, "an identity number by its checksum", 1.0)
    if len(window.groups) == 1 and len(window.digits) in (15, 18) and _IDENTITY.search(window.before):
        sure = is_old_identity_number(window.digits)
        return window.found(ID, "a number as long as an identity number, after its cue", 0.8 if sure else 0.7)
    return None


def _card(window: _Window) -> Found | None:
    if window.plus or any(sign in window.text[window.start : window.end] for sign in "()."):
        return None
    if not window.digits.isdigit() or len(window.digits) < 13 or not is_card(window.digits, window.groups):
        return None
    if len(window.groups) == 1 and _COUNTS.search(window.before):
        return None
    return window.found(CARD, "a card number by Luhn", 0.9)


def _phone(window: _Window) -> Found | None:
    digits, groups = window.digits, window.groups
    if not digits.isdigit():
        return None
    if is_service(digits, groups, plus=window.plus):
        return None
    if window.plus:
        if is_international(digits) and groups[-1] > 1:
            return window.found(PHONE, "a number with its country code", 1.0, end=_with_extension(window))
        return None
    if len(groups) == 1 and _COUNTS.search(window.before):  # nobody writes an order's number in groups
        return None
    if is_mobile(digits) or (digits[:2] == "86" and is_mobile(digits[2:])):
        return window.found(PHONE, "a mobile number", 0.95)
    if digits[:2] == "00" and is_international(digits[2:]) and groups[-1] > 1:
        return window.found(PHONE, "a number with its country code", 0.9, end=_with_extension(window))
    if is_chinese_phone(digits):
        return window.found(PHONE, "a land line", 0.9, end=_with_extension(window))
    if len(groups) > 2 and is_chinese_phone(digits[: -groups[-1]]) and groups[-1] < 6 and _hyphen(window):
        return window.found(PHONE, "a land line with its extension", 0.9)
    if is_american(digits, groups) or is_national(digits, groups):
        return window.found(PHONE, "a number as it is dialled in its country", 0.8, end=_with_extension(window))
    alone = re.search(r"[0-9][.-]$", window.before) is None  # "100-200-3000"
    if is_local(digits, groups) and _hyphen(window) and alone and not _HAN.search(window.text):
        return window.found(PHONE, "seven digits with a dash, in a text without Han", 0.5)
    if _callable(digits, groups) and _CALLS.search(window.before):
        return window.found(PHONE, "digits after a word for telephone", 0.6, end=_with_extension(window))
    return None


def _callable(digits: str, groups: tuple[int, ...]) -> bool:
    plausible = 7 <= len(digits) <= 13 and len(groups) <= 5 and (len(groups) == 1 or min(groups) >= 2)
    return plausible and not is_date(digits) and digits[:3] not in ("400", "800") and len(set(digits)) > 1


def _hyphen(window: _Window) -> bool:
    return window.text[window.end - window.groups[-1] - 1] == "-"


def _with_extension(window: _Window) -> int:
    match = _EXTENSION.match(window.text, window.end)
    return match.end() if match else window.end
