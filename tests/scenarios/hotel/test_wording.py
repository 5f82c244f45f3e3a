"""What the test part says and names is nowhere in the training part; and every phrase can be said."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dialoop.errors import SettingsError
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.wording import Wording, finish, load, mark, slots_of

SPEAKERS = ("customer", "agent")
LANGUAGES = ("en", "zh")
PARTS = ("train", "test")
FREQUENT = (
    "want_book", "want_search", "want_book_room", "want_change", "want_cancel", "want_find", "complain", "ask_rule",
    "ask_room", "choose", "yes",
)  # fmt: skip


def values(tree: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every name and value with the key that it stands under; capacities of rooms are no names."""
    if isinstance(tree, dict):
        for name, below in tree.items():
            if key == "rules":
                yield "topic", name
            yield from values(below, "rule" if key == "rules" else name)
    elif isinstance(tree, list):
        for one in tree:
            yield from values(one, key)
    elif key != "guests":
        yield key, str(tree)


def shared(phrases):
    """The lists that both parts have; `part_` begins the name of one that only other phrases of its file use."""
    return {key for key in phrases if not key.startswith("part_")}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("speaker", SPEAKERS)
def test_the_parts_share_no_phrase(speaker: str, lang: str):
    said = [
        {phrase.casefold() for phrases in Wording(speaker, lang, part).phrases.values() for phrase in phrases if phrase}
        for part in PARTS
    ]
    assert not said[0] & said[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_parts_share_no_name_and_no_value(lang: str):
    train, test = (set(values(load("names", lang, part))) for part in PARTS)
    assert len(test) > 100
    assert not train & test


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("speaker", SPEAKERS)
def test_both_parts_can_say_the_same_things(speaker: str, lang: str):
    train, test = (Wording(speaker, lang, part).phrases for part in PARTS)
    assert [shared(one) for one in (train, test)] == [shared(test)] * 2
    assert all(train.values())
    assert all(test.values())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_frequent_wishes_have_many_phrasings(lang: str):
    train, test = (Wording("customer", lang, part).phrases for part in PARTS)
    few = {key: (len(train[key]), len(test[key])) for key in FREQUENT if len(train[key]) < 25 or len(test[key]) < 10}
    assert not few


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("speaker", SPEAKERS)
def test_no_phrase_stands_twice_in_a_list(speaker: str, lang: str, part: str):
    for key, phrases in Wording(speaker, lang, part).phrases.items():
        said = [phrase for phrase in phrases if phrase and not key.startswith(("tail_", "unit_", "aroom"))]
        assert len(said) == len(set(said)) or key in ("answer", "answer_check_in"), key


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("speaker", SPEAKERS)
def test_parts_that_phrases_name_exist_and_hold_no_slots(speaker: str, lang: str, part: str):
    phrases = Wording(speaker, lang, part).phrases
    for template in (one for some in phrases.values() for one in some):
        for name in re.findall(r"<(\w+)>", template):
            assert not any(slots_of(one) or "<" in one for one in phrases[name])


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("speaker", SPEAKERS)
def test_the_parts_fill_the_same_slots(speaker: str, lang: str):
    train, test = (Wording(speaker, lang, part).phrases for part in PARTS)
    for key in shared(train):
        in_train, in_test = (set().union(*map(slots_of, some[key])) for some in (train, test))
        assert in_test <= in_train, key


def test_marks_become_spans():
    said, spans = finish(
        f"from {mark('check_in', '3 March')} ,  for {mark('', 'x')} {mark('nights', 'two nights')} .", "en"
    )
    assert said == "From 3 March, for x two nights."
    assert [(one.label, said[one.start : one.end]) for one in spans] == [
        ("check_in", "3 March"),
        ("nights", "two nights"),
    ]


def test_values_keep_their_letters():
    assert finish(f"{mark('problem', 'the tap drips')}. well, yes", "en")[0] == "the tap drips. Well, yes"


def test_chinese_punctuation_is_put_right():
    assert finish("，你好，，。再见。，", "zh")[0] == "你好。再见。"


def test_there_is_no_other_language_or_part():
    with pytest.raises(SettingsError, match="no hotel wording for 'fr'"):
        Wording("agent", "fr", "train")


def test_an_agent_says_what_it_was_told():
    said = Wording("agent", "en", "train").say(Dice(1), "cancelled", booking="AB12")
    assert "AB12" in said
