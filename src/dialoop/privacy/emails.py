"""Finds e-mail addresses, also beside Han characters and in spelled-out writings ("li dot wei at example dot com").

A reading of RFC 5321 for what people type: no quoted local parts, no address literals. It reads folded text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dialoop.privacy.common_words import COMMON
from dialoop.privacy.found import EMAIL, Found

_LATIN = "A-Za-z0-9À-ÖØ-öø-ɏ"
_LOCAL = rf"(?<![{_LATIN}._%+-])[{_LATIN}_%+][{_LATIN}._%+-]*+"
_LABEL = rf"[{_LATIN}](?:[{_LATIN}-]*[{_LATIN}])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*\.(?:xn--[A-Za-z0-9-]+|[A-Za-z]{{2,24}})(?![{_LATIN}_])"
_HAN_DOMAIN = r"[\u4e00-\u9fff]{1,12}\.(?:中国|公司|网络|com|cn|net)"
_PLAIN = re.compile(rf"{_LOCAL}@(?:{_DOMAIN}|{_HAN_DOMAIN})")

_QUOTED = re.compile(rf"(?<![{_LATIN}._+-])[{_LATIN}_+](?:[{_LATIN}._+-]|%2[Bb])*+%40{_DOMAIN}")
"""As an address stands in a link: `?to=kim%40example.com`."""
_STOP = re.compile(
    r"(?<=[A-Za-z0-9])[。｡](?=(?:[A-Za-z0-9-]{1,63}[.。｡]){0,3}(?:com|cn|net|org|edu|gov|hk|tw)(?![A-Za-z0-9]))", re.I
)
"""The full stop that a Chinese keyboard gives in an address."""

_SPACED = re.compile(
    rf"{_LOCAL}(?: @ ?| ?@ ){_LABEL}(?: ?\. ?{_LABEL}){{0,2}} ?\. ?"
    rf"(?:com|net|org|cn|de|uk|eu|fr|es|it|nl|ch|at|jp|kr|in|edu|io|me|info)(?![{_LATIN}_])",
    re.I,
)
"""With spaces around the sign only at common ends, and not after a common word: "meet me @ the hotel" is no address."""

_AT = r"(?: ?[(\[{] ?at ?[)\]}] ?| at |艾特)"
_DOT = r"(?: ?[(\[{] ?dot ?[)\]}] ?| dot |点)"
_WORD = r"[A-Za-z0-9_+-]++"
"""Possessive, and no separator is a part of a word: a text is read as words in one way, so that none is read anew."""
_MOST_WORDS = 30
"""Of a spelled-out address on either side of its sign: what goes on and on is none, and not read from each word."""
_SPELLED = re.compile(
    rf"(?<![{_LATIN}._%+-])(?:{_WORD}(?:\.|{_DOT}| underscore )){{0,{_MOST_WORDS}}}+{_WORD}{_AT}"
    rf"{_WORD}(?:(?:{_DOT}|\.){_WORD}){{0,{_MOST_WORDS}}}?"
    rf"{_DOT}(?:com|org|net|cn|de|io|edu|uk|eu|co{_DOT}uk)(?![{_LATIN}_])",
    re.I,
)
_BRACKETED = re.compile(rf"(?<![{_LATIN}._%+-])[{_LATIN}._%+-]+ ?[(\[{{] ?(?:at|@) ?[)\]}}] ?{_DOMAIN}", re.I)


def find_emails(text: str) -> Iterator[Found]:
    """Addresses in folded text; the spans' text is that of `text`."""
    text = _STOP.sub(".", text)
    if "@" in text:
        yield from _matches(_PLAIN, text, "an address", 1.0)
        for one in _matches(_SPACED, text, "an address with spaces", 0.9):
            if one.text.split("@")[0].strip().lower() not in COMMON:
                yield one
    if "%40" in text:
        yield from _matches(_QUOTED, text, "an address in a link", 0.9)
    low = text.lower()
    if "at" in low or "艾特" in low or "@" in low:
        yield from _matches(_BRACKETED, text, "an address with at in brackets", 0.9)
        if "dot" in low or "点" in low:
            yield from _matches(_SPELLED, text, "a spelled-out address", 0.8)


def same_email(text: str) -> str:
    """Equal for writings of one address: case, spaces and spelled-out signs make no difference."""
    low = re.sub(_AT, "@", _STOP.sub(".", text.casefold()).replace("%40", "@").replace("%2b", "+"))
    low = re.sub(_DOT, ".", low).replace(" underscore ", "_").replace("[@]", "@").replace("(@)", "@")
    return "".join(low.split())


def _matches(pattern: re.Pattern[str], text: str, why: str, certainty: float) -> Iterator[Found]:
    for match in pattern.finditer(text):
        if ".." not in match[0] and not match[0].split("@")[0].endswith("."):
            yield Found(EMAIL, match.start(), match.end(), match[0], why, certainty)
