"""Random values in English and Chinese: names, places, codes, telephone numbers, dates, addresses, notes.

Training and test never share a value: a value belongs to the test part if its SHA-256 says so (one in ten), and so does each
invented word inside it. Kinds with few members (times, colours, small counts, yes or no) are exempt, as they must be.
It knows nothing of tools or conversations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random
from typing import Literal

from dialoop.model.bpe import common_han

Part = Literal["train", "test"]
Maker = Callable[[Random, Part], str]

_ONSETS = "b c d f g h j k l m n p r s t v w z br ch cl cr dr fl gr kl pl pr qu sh sl st th tr".split()
_VOWELS = "a e i o u a e i o ai ea ee oo ou ie".split()
_CODAS = ["", "", "", *"n r s l m t d k x".split(), *"nd rt ck ll ss ng".split()]
_FIRST = (
    "Anna Ben Carla David Elena Farid Grace Hugo Irene James Kate Liam Mona Nadia Oscar Paula Quentin Rosa Sam Tara "
    "Umar Vera Will Xenia Yusuf Zoe Maria Peter Julia Thomas Laura Kevin Sarah Daniel Emily Marco Nina Victor"
).split()
_NOUNS = (
    "lamp chair bottle garden river window carpet mirror basket candle ladder pillow blanket guitar kettle jacket "
    "bicycle notebook umbrella camera printer desk table phone watch wallet scarf helmet tent drum clock vase"
).split()
_ADJECTIVES = (
    "red blue green small large quiet old new round wooden silver golden soft dark light long short heavy warm cold"
).split()
_STREETS = "Street Road Avenue Lane Drive Court Square Way Boulevard".split()
_PLACES = "ville ton field burg port ford haven wood mouth bridge".split()
_MONTHS = "January February March April May June July August September October November December".split()
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_ZH_WEEKDAYS = "周一 周二 周三 周四 周五 周六 周日 星期一 星期三 星期五 星期天".split()
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏"
)
_HAN = common_han()
_FREQUENT_HAN = "安北长春大德东风福光广海和华吉嘉金静兴康兰乐丽林龙明南宁平清泉人山盛松泰天万文西香新星阳永玉园云中竹紫"


def in_part(text: str, part: Part) -> bool:
    """Whether `text` belongs to the part: one text in ten, by its hash, is kept for tests."""
    return (hashlib.sha256(text.encode()).digest()[0] % 10 == 0) == (part == "test")


def parted(make: Callable[[Random, Part], str]) -> Maker:
    """The maker, drawing again until the whole value belongs to the part."""

    def draw(rng: Random, part: Part) -> str:
        while not in_part(value := make(rng, part), part):
            continue
        return value

    return draw


@parted
def invented(rng: Random, part: Part) -> str:
    """A word that no dictionary has, of one to three syllables, in lower case."""
    syllables = rng.choice((1, 2, 2, 2, 3))
    return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables)) + rng.choice(_CODAS)


def _capital(rng: Random, part: Part) -> str:
    return invented(rng, part).capitalize()


@parted
def _person(rng: Random, part: Part) -> str:
    first = rng.choice(_FIRST) if rng.random() < 0.4 else _capital(rng, part)
    return first if rng.random() < 0.15 else f"{first} {_capital(rng, part)}"


@parted
def _place(rng: Random, part: Part) -> str:
    stem = _capital(rng, part)
    return rng.choice((stem, stem + rng.choice(_PLACES), f"{rng.choice(('San', 'New', 'Port', 'Lake'))} {stem}"))


@parted
def _address(rng: Random, part: Part) -> str:
    return f"{rng.randint(1, 9999)} {_capital(rng, part)} {rng.choice(_STREETS)}"


@parted
def _organisation(rng: Random, part: Part) -> str:
    tail = rng.choice(("Hotel", "Bistro", "Kitchen", "Bank", "Travel", "Clinic", "Cafe", "Cinema", "& Sons", "Group"))
    head = rng.choice(("", "", "The "))
    return f"{head}{_capital(rng, part)} {tail}"


@parted
def _title(rng: Random, part: Part) -> str:
    words = [rng.choice(_ADJECTIVES), rng.choice(_NOUNS), invented(rng, part), invented(rng, part)]
    chosen = rng.sample(words, rng.randint(2, 3))
    return " ".join(chosen) if rng.random() < 0.4 else " ".join(word.capitalize() for word in chosen)


@parted
def _note(rng: Random, part: Part) -> str:
    words = [
        rng.choice((rng.choice(_NOUNS), rng.choice(_ADJECTIVES), invented(rng, part))) for _ in range(rng.randint(3, 6))
    ]
    return " ".join(words)


@parted
def _code(rng: Random, part: Part) -> str:
    letters = "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(rng.randint(1, 3)))
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(2, 6)))
    return rng.choice((f"{letters}{digits}", f"{letters}-{digits}", f"{digits}{letters}", f"#{digits}"))


@parted
def _telephone(rng: Random, part: Part) -> str:
    def digits(count: int) -> str:
        return "".join(rng.choice("0123456789") for _ in range(count))

    return rng.choice((f"{digits(3)}-{digits(3)}-{digits(4)}", f"+{digits(2)} {digits(3)} {digits(6)}", digits(10)))


@parted
def _email(rng: Random, part: Part) -> str:
    who, where = invented(rng, part), invented(rng, part)
    return f"{who}{rng.choice(('', '.', '_'))}{rng.choice(('', str(rng.randint(1, 99))))}@{where}.{rng.choice(('com', 'org', 'net', 'cn'))}"


@parted
def _date(rng: Random, part: Part) -> str:
    year, month, day = rng.randint(2015, 2035), rng.randint(1, 12), rng.randint(1, 28)
    name = _MONTHS[month - 1]
    forms = (
        f"{year}-{month:02}-{day:02}",
        f"{day} {name} {year}",
        f"{name} {day}, {year}",
        f"{day:02}/{month:02}/{year}",
        f"{rng.choice(_WEEKDAYS)} {day} {name} {year}",
    )
    return rng.choice(forms)


def _day(rng: Random, part: Part) -> str:
    month, day = rng.choice(_MONTHS), rng.randint(1, 28)
    return rng.choice((f"{month} {day}", f"{day} {month}", rng.choice(_WEEKDAYS), f"next {rng.choice(_WEEKDAYS)}"))


def _time(rng: Random, part: Part) -> str:
    hour, minute = rng.randint(0, 23), rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50))
    half = f"{hour % 12 or 12}:{minute:02} {'am' if hour < 12 else 'pm'}"
    return rng.choice((f"{hour:02}:{minute:02}", half, half.replace(" ", ""), f"{hour}:{minute:02}"))


@parted
def _number(rng: Random, part: Part) -> str:
    return str(rng.randint(10, 10 ** rng.randint(2, 6)))


def _count(rng: Random, part: Part) -> str:
    return str(rng.randint(1, 12))


def _colour(rng: Random, part: Part) -> str:
    return rng.choice("red blue green white black silver yellow purple orange brown".split())


@parted
def _zh_person(rng: Random, part: Part) -> str:
    given = "".join(rng.choice(_HAN) for _ in range(rng.choice((1, 2, 2))))
    return rng.choice(_SURNAMES) + given


@parted
def _zh_stem(rng: Random, part: Part) -> str:
    pool = _FREQUENT_HAN if rng.random() < 0.3 else _HAN
    return "".join(rng.choice(pool) for _ in range(rng.choice((2, 2, 3))))


@parted
def _zh_place(rng: Random, part: Part) -> str:
    return _zh_stem(rng, part) + rng.choice(("市", "县", "镇", "区", "站", "机场", "广场", "公园", "大厦", ""))


@parted
def _zh_address(rng: Random, part: Part) -> str:
    area = rng.choice(("", _zh_stem(rng, part) + "区", _zh_stem(rng, part) + "市"))
    return f"{area}{_zh_stem(rng, part)}{rng.choice(('路', '街', '大道', '巷'))}{rng.randint(1, 999)}号"


@parted
def _zh_organisation(rng: Random, part: Part) -> str:
    tail = rng.choice(("酒店", "宾馆", "饭店", "餐厅", "银行", "公司", "医院", "学校", "书店", "影城", "咖啡馆"))
    return _zh_stem(rng, part) + tail


@parted
def _zh_title(rng: Random, part: Part) -> str:
    return _zh_stem(rng, part) + rng.choice(("", "之", "的")) + _zh_stem(rng, part)


@parted
def _zh_note(rng: Random, part: Part) -> str:
    return "".join(rng.choice(_HAN) for _ in range(rng.randint(5, 12)))


@parted
def _zh_telephone(rng: Random, part: Part) -> str:
    mobile = "1" + rng.choice("3578") + "".join(rng.choice("0123456789") for _ in range(9))
    return rng.choice((mobile, f"010-{rng.randint(10000000, 99999999)}"))


@parted
def _zh_date(rng: Random, part: Part) -> str:
    year, month, day = rng.randint(2015, 2035), rng.randint(1, 12), rng.randint(1, 28)
    return rng.choice((f"{year}年{month}月{day}日", f"{year}-{month:02}-{day:02}", f"{year}/{month}/{day}"))


def _zh_day(rng: Random, part: Part) -> str:
    words = ("今天", "明天", "后天", "大后天", rng.choice(_ZH_WEEKDAYS), "下" + rng.choice(_ZH_WEEKDAYS))
    return rng.choice(
        (f"{rng.randint(1, 12)}月{rng.randint(1, 28)}日", f"{rng.randint(1, 12)}月{rng.randint(1, 28)}号", *words)
    )


def _zh_time(rng: Random, part: Part) -> str:
    half = rng.choice(("上午", "下午", "晚上", "早上", "中午", ""))
    hour = rng.randint(1, 12)
    return rng.choice(
        (f"{half}{hour}点", f"{half}{hour}点半", f"{rng.randint(0, 23):02}:{rng.choice((0, 15, 30, 45)):02}")
    )


@parted
def _zh_money(rng: Random, part: Part) -> str:
    low = rng.randint(1, 90) * 10
    return rng.choice((f"{low}元", f"{low}-{low + rng.randint(1, 50) * 10}元", f"{rng.randint(100, 99999)}元"))


def _zh_colour(rng: Random, part: Part) -> str:
    return rng.choice("红色 蓝色 绿色 白色 黑色 银色 黄色 紫色 橙色 棕色".split())


MAKERS: dict[str, dict[str, Maker]] = {
    "en": {
        "person": _person, "place": _place, "address": _address, "organisation": _organisation, "title": _title,
        "note": _note, "code": _code, "telephone": _telephone, "email": _email, "date": _date, "day": _day,
        "time": _time, "number": _number, "count": _count, "colour": _colour, "money": _number, "word": invented,
    },
    "zh": {
        "person": _zh_person, "place": _zh_place, "address": _zh_address, "organisation": _zh_organisation,
        "title": _zh_title, "note": _zh_note, "code": _code, "telephone": _zh_telephone, "email": _email,
        "date": _zh_date, "day": _zh_day, "time": _zh_time, "number": _number, "count": _count, "colour": _zh_colour,
        "money": _zh_money, "word": _zh_stem,
    },
}  # fmt: skip
"""For each language, kind of value → its maker."""
