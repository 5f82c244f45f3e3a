"""What the agent itself says, in the customer's language, where no model speaks: that a person was called, that a call
waits, the question before a transactional call.

A project may put its own words in their place (`AgentSettings.notices`). It knows no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from dialoop.errors import SettingsError

NOTICES: dict[str, dict[str, str]] = {
    "en": {
        "person": "I have called a colleague, who will answer you here.",
        "failed": "I am sorry, I cannot do this properly. I have called a colleague, who will answer you here.",
        "already": "A colleague has been called already and will answer you here.",
        "waiting": "A colleague has to approve this first: {calls}. You will hear from us here.",
        "confirm": "Shall I go ahead with this? {calls} Please answer yes or no.",
    },
    "zh": {
        "person": "我已经请同事过来，会在这里回复您。",
        "failed": "抱歉，这件事我处理不好，已经请同事过来，会在这里回复您。",
        "already": "已经请过同事了，会在这里回复您。",
        "waiting": "这一步要先由同事批准：{calls}。结果会在这里告诉您。",
        "confirm": "请确认要这样办吗？{calls}请回答“是”或“否”。",
    },
}
"""By language and name. `{calls}`: the tool calls, in words."""


class Notices:
    """The notices of one agent."""

    def __init__(self, own: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Raises SettingsError for a notice that there is not, or one that cannot be filled."""
        self._texts = {lang: dict(texts) for lang, texts in NOTICES.items()}
        for lang, texts in (own or {}).items():
            for name, text in texts.items():
                _check(lang, name, text)
            self._texts[lang] = {**self._texts.get(lang, NOTICES["en"]), **texts}

    def say(self, name: str, lang: str, calls: str = "") -> str:
        """The notice in the language; in English where there is none for it."""
        texts = self._texts.get(lang) or self._texts.get(lang.split("-")[0]) or self._texts["en"]
        return texts[name].replace("{calls}", calls)


def in_words(name: str, arguments: Mapping[str, Any], lang: str) -> str:
    """A call in words: the tool and its arguments, for a person to say yes or no to."""
    chinese = lang.startswith("zh")
    comma, colon, end = ("，", "：", "。") if chinese else (", ", ": ", ".")
    told = comma.join(
        f"{_word(key)} {_value(value, chinese=chinese)}" for key, value in arguments.items() if value is not None
    )
    return f"{_word(name)}{colon if told else ''}{told}{end}"


def _word(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any, *, chinese: bool) -> str:
    if isinstance(value, list):
        return ("、" if chinese else ", ").join(_value(one, chinese=chinese) for one in value)
    if isinstance(value, bool):
        return ("是" if value else "否") if chinese else ("yes" if value else "no")
    return str(value)


def _check(lang: str, name: str, text: str) -> None:
    where = f"notices.{lang}.{name}"
    if name not in NOTICES["en"]:
        near = get_close_matches(name, NOTICES["en"], n=1)
        remedy = f"did you mean {near[0]}?" if near else f"the notices are: {', '.join(NOTICES['en'])}"
        raise SettingsError("there is no such notice", where=where, remedy=remedy)
    if not text.strip():
        raise SettingsError("the notice is empty", where=where, remedy="write what the customer is to read")
    if "{calls}" in NOTICES["en"][name] and "{calls}" not in text:
        raise SettingsError("the notice does not tell which calls", where=where, remedy="put {calls} into it")
