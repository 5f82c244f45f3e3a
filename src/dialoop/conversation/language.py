"""The language of a record: what it says itself, else what its script shows.

Only scripts that one language alone writes are taken for it; a text in Latin letters that says nothing is `unstated`.
"""

from __future__ import annotations

import re

from dialoop.conversation.example import Example
from dialoop.conversation.record import Conversation

UNSTATED = "unstated"
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")


def language_of(record: Conversation | Example) -> str:
    """A language tag, or `unstated`."""
    if record.lang:
        return record.lang
    if isinstance(record, Example):
        return script_language(record.text)
    return script_language(" ".join(m.content or "" for m in record.messages if m.role in ("user", "assistant")))


def tongue(lang: str) -> str:
    """The language alone: `zh` of a tag (`zh-Hant`, BCP 47), a locale (`zh_CN`), a longer code (`zho`) or a name."""
    first = re.split("[-_]", lang.strip().casefold())[0]
    return _TONGUES.get(first, first)


_TONGUES = {
    name: tag
    for tag, names in {
        "zh": "zho chi cmn chinese mandarin 中文 汉语 漢語 普通话",
        "en": "eng english 英语 英文",
        "ja": "jpn japanese 日本語",
        "th": "tha thai ไทย",
        "de": "deu ger german deutsch",
        "fr": "fra fre french français",
        "es": "spa spanish español",
    }.items()
    for name in names.split()
}


def script_language(text: str) -> str:
    """`zh`, `ja` or `ko` where a fifth of the letters is of that script (a Chinese sign says more than a letter)."""
    letters = len(_LETTER.findall(text))
    for tag, script in (("ja", _KANA), ("ko", _HANGUL), ("zh", _HAN)):
        if letters and len(script.findall(text)) * 5 >= letters:
            return tag
    return UNSTATED
