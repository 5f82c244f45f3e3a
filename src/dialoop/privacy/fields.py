"""Private values in a tool's arguments and results: JSON is walked, and a key says what its value is.

`{"name": "Li Wei"}` holds a name without any cue in its text. A list's items have the list's key. Under a key of a
thing (`"room": {"name": …}`) a name is the thing's. It knows no vault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dialoop.errors import DataError
from dialoop.privacy.common_words import COMMON
from dialoop.privacy.finding import Memory, find
from dialoop.privacy.found import CARD, EMAIL, ID, NAME, PHONE, Finder, Found, settle

CONTACT = "contact"
"""A key's kind where the value says which: an address, a number, or else a name."""

Keys = Mapping[str, str | None]
"""What a project says of its own keys, by their names as written: a kind, `CONTACT`, or None for nothing private."""


@dataclass(frozen=True)
class Field:
    """One string or whole number in JSON. `path`: keys and indices from the top; `is_key`: the text is a key itself."""

    path: tuple[str | int, ...]
    text: str
    is_key: bool = False
    is_number: bool = False

    @property
    def keys(self) -> list[str]:
        """The keys on the way, the nearest last."""
        return [part for part in self.path if isinstance(part, str)]


_WORDS: dict[str, str] = {
    **dict.fromkeys("email mail 邮箱 电子邮箱 电邮 邮件 邮件地址 电子邮件".split(), EMAIL),
    **dict.fromkeys(
        "phone mobile tel telephone cell cellphone mobilephone phonenumber fax whatsapp 手机 电话 手机号 手机号码 "
        "电话号码 联系电话 座机 传真 预留电话 微信".split(),
        PHONE,
    ),
    **dict.fromkeys("idcard passport ssn identity 身份证 身份证号 身份证号码 证件号 证件号码 护照 护照号".split(), ID),
    **dict.fromkeys("card cardnumber creditcard bankcard pan 卡号 银行卡 银行卡号 信用卡 信用卡号".split(), CARD),
    **dict.fromkeys(
        "fullname firstname lastname surname forename customername guestname username cardholder 姓名 名字 联系人 "
        "入住人 预订人 预定人 客人 旅客 乘客 收件人 持卡人 住客 顾客 客户 乘机人 登记人".split(),
        NAME,
    ),
    **dict.fromkeys("contact contacts reachable 联系方式 联络方式".split(), CONTACT),
}
_PERSON = frozenset(
    "full first last given family sur middle guest customer contact passenger user client holder booker person your my "
    "recipient cardholder caller traveller traveler patient employee member owner driver sender payer lead name".split()
)
_PEOPLE = frozenset(
    "guest passenger customer caller traveller traveler cardholder booker occupant companion "
    "guests passengers customers travellers travelers occupants companions".split()
)
_ROLES = _PEOPLE | (_PERSON - set("full first last given family sur middle your my lead name".split()))
_PARTS = frozenset(["first", "last", "given", "family", "middle", "full"])
"""Keys that are a name's parts below a name or a person: `"guest": {"first": …}`."""
_WITHIN = frozenset(["number", "no", "value"])
"""Keys that say nothing by themselves: `"phone": {"number": …}`."""
_SINGULAR = {"names": "name", "phones": "phone", "mobiles": "mobile", "emails": "email", "numbers": "number"}
_CHINESE_ENDS = (
    "姓名",
    "联系人",
    "电话",
    "电话号码",
    "手机",
    "手机号",
    "手机号码",
    "邮箱",
    "身份证",
    "身份证号",
    "证件号",
)
"""What a Chinese key ends in that says whose it is before: 住客姓名, 紧急联系人."""
_THINGS = frozenset(
    "room rooms hotel hotels restaurant restaurants city tool function item items product products service services "
    "place places file course dish airline airport station attraction attractions movie event type file company "
    "tools functions dishes courses airlines airports stations movies events files companies".split()
)
_EMPTY = frozenset(["", "-", "none", "null", "n/a", "na", "unknown", "无", "未知", "没有", "不详", "未提供", "暂无"])
_MOST_NAME = 60  # characters; a longer value under a key of a name is a text


def kind_of_key(keys: list[str], own: Keys | None = None) -> str | None:
    """What the last of `keys` says of its value; None where it says nothing. `own` goes first."""
    if not keys:
        return None
    key = keys[-1]
    if own and key in own:
        return own[key]
    words = _words(key.rstrip("0123456789 _-"))  # phone1, mobile_2
    words = [*words[:-1], _SINGULAR.get(words[-1], words[-1])] if words else []
    joined = "".join(words)
    if joined in _WORDS:
        return _WORDS[joined]
    if any(word in ("email", "mail") for word in words):
        return EMAIL
    if words[-1:] == ["name"]:
        return NAME if set(words) <= _PERSON and not (words == ["name"] and _of_a_thing(keys[:-1])) else None
    if ends := [end for end in _CHINESE_ENDS if joined.endswith(end)]:
        return _WORDS[max(ends, key=len)]
    if len(words) == 1 and len(keys) > 1 and words[0] in _PARTS | _WITHIN:
        above = kind_of_key(keys[:-1], own)
        return above if above and (above == NAME) == (words[0] in _PARTS) else None
    if len(words) == 1 and words[0] in _PEOPLE:
        return NAME
    if words[-1:] in (["number"], ["no"], ["num"]) and len(words) > 1:
        words = words[:-1]
    if words[-1:] and _WORDS.get(words[-1]) in (PHONE, CARD, ID):
        return _WORDS[words[-1]]
    if words[-1:] == ["id"] and set(words[:-1]) & {"national", "identity", "citizen", "personal"}:
        return ID
    return ID if words[-2:] == ["id", "card"] else None


def _of_a_thing(above: list[str]) -> bool:
    """Whether the nearest key above that is a thing or a person is a thing."""
    for key in reversed(above):
        for word in reversed(_words(key)):
            if word in _THINGS or word in _ROLES:
                return word in _THINGS
    return False


def find_field(
    field: Field,
    *,
    own: Keys | None = None,
    finders: Iterable[Finder] = (),
    known: Iterable[Found] = (),
    memory: Memory | None = None,
) -> list[Found]:
    """The private values in one field, by its text and its key; spans in the field's text. `memory` as `find` takes
    it.
    """
    kind = None if field.is_key else kind_of_key(field.keys, own)
    if field.is_key or not field.keys:
        return find(field.text, finders=finders, known=known, memory=memory)
    if own and own.get(field.keys[-1], kind) is None and field.keys[-1] in own:
        return []
    if any(sign.isalpha() for sign in field.text):
        found = find(field.text, finders=finders, known=known, memory=memory)
    else:  # digits alone: the key is the word before them
        lead = " ".join(_words(field.keys[-1])) + ": "
        moved = find(lead + field.text, finders=finders, known=known, memory=memory)
        found = [replace(one, start=one.start - len(lead), end=one.end - len(lead)) for one in moved]
        found = [one for one in found if one.start >= 0]
    if whole := None if _says_nothing(field, kind) else _whole(field.text, kind, found):
        return settle([*found, whole])
    return found


def _says_nothing(field: Field, kind: str | None) -> bool:
    """Whether a value is a number of people ("2 adults") or common words ("by phone"), whatever its key says."""
    told = kind in (NAME, CONTACT, EMAIL) and any(sign.isalpha() for sign in field.text)
    if not told or _words(field.keys[-1])[-1:] == ["name"]:
        return False
    words = re.findall(r"[^\W\d_]+", field.text)
    counted = re.match(r"\s*\d{1,2}\s*[^\W\d_]", field.text) is not None and not re.search(r"\d{3}|@", field.text)
    return counted or (field.text.islower() and COMMON.issuperset(words))


def _whole(text: str, kind: str | None, found: list[Found]) -> Found | None:
    """The whole value as one, where its key says what it is and it looks like one."""
    value = text.strip()
    digits = sum(sign.isdecimal() for sign in value)
    if kind is None or value.casefold() in _EMPTY:
        return None
    if kind == CONTACT:
        if found:
            return None
        kind = PHONE if digits >= 5 else NAME if not digits else None
        kind = EMAIL if "@" in value else kind
    fits = {
        NAME: len(value) <= _MOST_NAME and any(sign.isalpha() for sign in value),
        PHONE: digits >= 5,
        ID: digits >= 4,
        CARD: digits >= 4,
    }
    if kind is None or not fits.get(kind, True):
        return None
    start = text.index(value)
    return Found(kind, start, start + len(value), value, "the key says so", 0.4)


def fields(value: Any) -> Iterator[Field]:
    """Every string and whole number of a JSON value, and its keys."""
    seen: list[Field] = []

    def note(field: Field) -> str:
        seen.append(field)
        return field.text

    changed(value, note)
    yield from seen


def changed(value: Any, change: Callable[[Field], str], path: tuple[str | int, ...] = ()) -> Any:
    """The value with `change` in the place of every string, key and whole number; a number stays if unchanged.

    A number is whole where nothing stands behind its point. Raises DataError where two keys of one object become the
    same: a value would be lost.
    """
    if isinstance(value, str):
        return change(Field(path, value))
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15  # a table's 13812345678.0
    if whole or (isinstance(value, int) and not isinstance(value, bool)):
        text = str(int(value))
        new = change(Field(path, text, is_number=True))
        return value if new == text else new
    if isinstance(value, list | tuple):
        return [changed(inner, change, (*path, at)) for at, inner in enumerate(value)]
    if isinstance(value, dict):
        renamed = {key: change(Field(path, key, is_key=True)) for key in value}
        if len(set(renamed.values())) != len(renamed):
            what = "two keys of one JSON object are writings of the same private value"
            raise DataError(what, remedy="put private data into values, not into keys")
        return {renamed[key]: changed(inner, change, (*path, key)) for key, inner in value.items()}
    return value


def _words(key: str) -> list[str]:
    """The words of a key: `guestName`, `guest_name` and `Guest name` alike."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key)
    return [word for word in re.split(r"[^0-9a-z\u3400-\u9fff]+", split.casefold()) if word]
