"""What a row of digits can be: identity number, bank card, telephone number.

Pure predicates over digits and the sizes of their groups. They know no text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

_PROVINCES = {
    *range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83,
}  # fmt: skip
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_OLDEST = 1900

_MOBILE = re.compile(r"1[3-9]\d{9}")
_LAND = re.compile(r"0(?:10|2\d)[2-8]\d{7}|0[3-9]\d{2}[2-8]\d{6,7}")
_AMERICAN = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}")
_LENGTHS = {
    "1": (10, 10), "7": (10, 10), "31": (9, 9), "32": (8, 9), "33": (9, 9), "34": (9, 9), "39": (8, 11),
    "41": (9, 9), "43": (7, 12), "44": (9, 10), "45": (8, 8), "46": (7, 10), "47": (8, 8), "48": (9, 9), "49": (7, 11),
    "52": (10, 10), "55": (10, 11), "60": (8, 10), "61": (9, 9), "62": (8, 12), "63": (10, 10), "64": (8, 10),
    "65": (8, 8), "66": (8, 9), "81": (9, 10), "82": (8, 10), "84": (9, 10), "90": (10, 10), "91": (10, 10),
    "852": (8, 8), "853": (8, 8), "886": (8, 9), "971": (8, 9), "353": (7, 9), "351": (9, 9), "358": (6, 11),
}  # fmt: skip
"""Digits after the country code, least and most (ITU-T E.164 lists and national plans)."""


def is_identity_number(text: str, *, today: date | None = None) -> bool:
    """A Chinese resident identity number by GB 11643: province, a date of birth that can be, ISO 7064 MOD 11-2."""
    if len(text) != 18 or not text[:17].isascii() or not text[:17].isdigit():
        return False
    if int(text[:2]) not in _PROVINCES or not _born(text[6:14], today or date.today()):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == text[17].upper()


def is_old_identity_number(text: str) -> bool:
    """The form of 15 digits issued until 1999. It has no checksum: only to be believed beside a cue."""
    return len(text) == 15 and int(text[:2]) in _PROVINCES and _born("19" + text[6:12], date(2000, 1, 1))


def is_date(digits: str) -> bool:
    """Whether eight digits are a day from 1900 to 2099, as YYYYMMDD."""
    return len(digits) == 8 and "1900" <= digits[:4] <= "2099" and _day(digits) is not None


def is_card(digits: str, groups: Sequence[int]) -> bool:
    """A payment card by ISO/IEC 7812: a network's first digits, its length, Luhn, written in one piece or in groups."""
    if not _card_groups(groups) or not _network(digits):
        return False
    doubled = (int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def is_chinese_phone(digits: str) -> bool:
    """A mobile, or a land line with its area code."""
    return bool(_MOBILE.fullmatch(digits) or _LAND.fullmatch(digits))


def is_mobile(digits: str) -> bool:
    """A Chinese mobile number, without country code."""
    return bool(_MOBILE.fullmatch(digits))


def is_american(digits: str, groups: Sequence[int]) -> bool:
    """A number of the North American plan, grouped 3-3-4, with or without the 1."""
    return bool(_AMERICAN.fullmatch(digits)) and list(groups)[-3:] == [3, 3, 4] and sum(list(groups)[:-3]) <= 1


def is_service(digits: str, groups: Sequence[int], *, plus: bool) -> bool:
    """A company's number that anybody may call: 400 or 800 and seven digits, also behind +86, in America behind a 1."""
    if digits[:-10] in ("", "86"):
        return digits[-10:-7] in ("400", "800") and len(digits) >= 10
    return len(digits) == 11 and digits[:4] == "1800" and (plus or groups[0] == 1)


def is_local(digits: str, groups: Sequence[int]) -> bool:
    """A number of the North American plan without its area code: 3-4."""
    return list(groups) == [3, 4] and digits[0] in "23456789"


def is_national(digits: str, groups: Sequence[int]) -> bool:
    """A number with a trunk 0, in groups as people outside China write it."""
    return (
        digits[0] == "0"
        and digits[1] != "0"
        and 9 <= len(digits) <= 11
        and 2 <= len(groups) <= 5
        and all(size >= 2 for size in groups)
        and not is_date(digits[:8])
    )


def is_international(digits: str) -> bool:
    """Digits after `+` or `00`: a country code, then as many as that country has."""
    if digits.startswith("86"):
        return is_chinese_phone(digits[2:]) or bool(_LAND.fullmatch("0" + digits[2:]))
    for size in (3, 2, 1):
        if lengths := _LENGTHS.get(digits[:size]):
            rest = len(digits) - size
            if digits[:size] not in ("1", "7", "39") and digits[size : size + 1] == "0":  # the "(0)" of +44 (0)20 …
                rest -= 1
            return lengths[0] <= rest <= lengths[1]
    return digits[:1] not in ("0", "1", "") and 9 <= len(digits) <= 15


def same_phone(digits: str, *, plus: bool) -> str:
    """Equal for writings of one number: without 86, 1, 00 and the zeros that go with them."""
    if not plus and digits.startswith("00"):
        digits, plus = digits[2:], True
    if digits.startswith("86") and (plus or len(digits) == 13):
        rest = digits[2:]
        return rest if is_chinese_phone(rest) else "0" + rest
    if digits.startswith("1") and len(digits) == 11 and _AMERICAN.fullmatch(digits) and not is_mobile(digits):
        return digits[1:]
    if plus and len(digits) == 11 and digits.startswith("1"):
        return digits[1:]
    return f"+{digits}" if plus else digits


def _born(day: str, today: date) -> bool:
    born = _day(day)
    return born is not None and date(_OLDEST, 1, 1) <= born <= today


def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def _card_groups(groups: Sequence[int]) -> bool:
    if len(groups) == 1:
        return True
    if list(groups) in ([4, 6, 5], [4, 6, 4], [6, 13], [6, 10]):
        return True
    return 4 <= len(groups) <= 5 and all(size == 4 for size in groups[:-1]) and 1 <= groups[-1] <= 4


def _network(digits: str) -> bool:
    size = len(digits)
    if digits[:2] in ("34", "37"):
        return size == 15
    if digits[:2] in ("36", "38", "30"):
        return size == 14
    if digits[0] == "4":
        return size in (13, 16, 19)
    if digits[0] == "5" or "2221" <= digits[:4] <= "2720" or digits[:2] == "35":
        return size == 16
    return digits[0] == "6" and 16 <= size <= 19
