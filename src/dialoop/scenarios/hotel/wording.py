"""Phrasings: read from the packaged YAML files, filled with values, tidied.

A template is text with `{slot}` for values and `<part>` for one of the phrases of another list. While a text is put
together each value stands between private-use marks, so that afterwards its span is known and no typing mistake falls
into it. Files of the part "test" share no entry with those of "train". It knows nothing of customers, agents or
worlds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from dialoop.conversation import SlotSpan
from dialoop.errors import SettingsError
from dialoop.scenarios.dice import Dice

Part = Literal["train", "test"]
Lang = Literal["en", "zh"]
_FILES = {"customer": ("wishes", "answers"), "agent": ("agent",)}
_OPEN, _MIDDLE, _CLOSE = "\ue000", "\ue001", "\ue002"
_MARKED = re.compile(f"{_OPEN}(.*?){_MIDDLE}(.*?){_CLOSE}")
_SLOT = re.compile(r"\{(\w+)\}")
_PART = re.compile(r"<(\w+)>")
_ENGLISH_TIDYING = [(r"\s+", " "), (r" (?=[,.?!;:])", ""), (r",+(?=[,.?!;:])", ""), (r"^[,.;: ]+", "")]
_CHINESE_TIDYING = [(r"，+(?=[，。？！])", ""), (r"^[，。 ]+", ""), (r"([。？！])[，。]+", r"\1")]


@cache
def load(kind: str, lang: str, part: str) -> dict[str, Any]:
    """The packaged file `<kind>.<lang>.<part>.yaml` as a mapping. Raises SettingsError where there is none."""
    place = files("dialoop.scenarios.hotel") / "wording" / f"{kind}.{lang}.{part}.yaml"
    if not place.is_file():
        raise SettingsError(
            f"there is no hotel wording for {lang!r}, {part!r}", where=str(place), remedy="use en or zh, train or test"
        )
    loaded: dict[str, Any] = yaml.safe_load(place.read_text("utf-8"))
    return loaded


def mark(slot: str, text: str) -> str:
    """The text of a value, with the name of its slot ("" for none) kept beside it until `finish`."""
    return f"{_OPEN}{slot}{_MIDDLE}{text}{_CLOSE}"


@cache
def slots_of(template: str) -> frozenset[str]:
    """The slots that a template names."""
    return frozenset(_SLOT.findall(template))


class Wording:
    """The phrases of one speaker ("customer" or "agent") in one language and part."""

    def __init__(self, speaker: str, lang: str, part: str) -> None:
        self.lang = lang
        self.phrases = _phrases(speaker, lang, part)

    def __contains__(self, key: str) -> bool:
        return key in self.phrases

    def fill(self, dice: Dice, template: str, values: Mapping[str, str]) -> str:
        """The template with its parts chosen and its slots filled; still marked and untidied."""
        whole = _PART.sub(lambda found: dice.pick(self.phrases[found[1]]), template)
        return _SLOT.sub(lambda found: values[found[1]], whole)

    def say(self, dice: Dice, key: str, /, **values: object) -> str:
        """One of the phrases of `key`, filled and tidied."""
        filled = self.fill(dice, dice.pick(self.phrases[key]), {slot: str(value) for slot, value in values.items()})
        return finish(filled, self.lang)[0]


@cache
def _phrases(speaker: str, lang: str, part: str) -> dict[str, list[str]]:
    """The lists of phrases: one phrase a line; ~ is the empty phrase."""
    lists: dict[str, str] = {}
    for kind in _FILES[speaker]:
        lists |= load(kind, lang, part)
    return {key: ["" if line == "~" else line for line in text.splitlines()] for key, text in lists.items()}


def tidy(text: str, lang: str) -> str:
    """Spaces and punctuation put right where parts met, sentences begun with a capital; marks stay."""
    for pattern, repair in _CHINESE_TIDYING if lang == "zh" else _ENGLISH_TIDYING:
        text = re.sub(pattern, repair, text)
    text = text.strip()
    if lang == "en":
        text = re.sub(r"(^|[.?!] )([a-z])", lambda found: found[1] + found[2].upper(), text)
    return text


def split_marked(text: str) -> list[tuple[str | None, str]]:
    """The text in pieces: (None, free text) and (slot, value), in order."""
    pieces: list[tuple[str | None, str]] = []
    end = 0
    for found in _MARKED.finditer(text):
        pieces += [(None, text[end : found.start()]), (found[1], found[2])]
        end = found.end()
    return [(slot, piece) for slot, piece in [*pieces, (None, text[end:])] if piece]


def finish(text: str, lang: str) -> tuple[str, list[SlotSpan]]:
    """The tidied text without marks, and the spans of its named values."""
    said, spans = "", []
    for slot, piece in split_marked(tidy(text, lang)):
        if slot:
            spans.append(SlotSpan(label=slot, start=len(said), end=len(said) + len(piece)))
        said += piece
    return said, spans
