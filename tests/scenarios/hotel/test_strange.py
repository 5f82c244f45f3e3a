"""Training houses call their things by made-up words, and what is said of them agrees with it."""

from __future__ import annotations

import json
import re

import pytest

from dialoop.model.bpe import twinned_words
from dialoop.model.names import resolve_model
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel import make_logs
from dialoop.scenarios.hotel.makers import make_world
from dialoop.scenarios.hotel.strange import estrange, strange, strange_unit


def test_numbers_marks_and_short_words_stay():
    for number in range(50):
        made = strange("The bar is open until 11 o'clock, 12 euros.", Dice("strange", number))
        assert re.sub(r"[A-Za-z]{2,}", "…", made) == "… … … … … 11 o'…, 12 …."


def test_as_many_chinese_signs_stand_as_before_but_for_one_that_stands_twice():
    made = {strange("露台22点关闭。", Dice("strange", number)) for number in range(200)}
    once = [one for one in made if re.fullmatch(r"[一-鿿]{2}22[一-鿿]{3}。", one)]
    twice = [one for one in made if re.search(r"([一-鿿])\1", one)]
    assert len(once) > 3 * len(twice) > 10
    assert set(once) | set(twice) == made


def test_words_with_a_token_of_their_own_after_a_space_are_among_the_made_up_ones():
    twins = set(twinned_words(resolve_model("mini") / "tokenizer.json"))
    assert "wide" in twins
    made = [strange("bed of reed", Dice("strange", number)).split()[-1] for number in range(200)]
    assert sum(word in twins for word in made) > 10


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_bookings_are_of_rooms_that_the_house_has(lang):
    world = make_world(lang, "train", Dice("house", lang))
    before = set(world.rooms)
    estrange(world, Dice("strange", lang))
    assert set(world.rooms) != before
    assert all(booking.room in world.rooms for booking in world.bookings.values())
    assert all(name == room.name for name, room in world.rooms.items())


def test_only_training_logs_are_estranged():
    names = {
        part: {
            room
            for one in make_logs(24, lang="en", part=part)
            for tool in one.tools or ()
            for room in json.loads(json.dumps(tool))["function"]["parameters"]["properties"]
            .get("room", {})
            .get("enum", ())
        }
        for part in ("train", "test")
    }
    known = {
        part: {name for number in range(400) for name in make_world("en", part, Dice(part, number)).rooms}
        for part in ("train", "test")
    }
    firsts = {part: {name.split()[0] for name in some} for part, some in known.items()}
    assert {name.split()[0] for name in names["test"]} <= firsts["test"]
    assert not {name.split()[0] for name in names["train"]} <= firsts["train"]


def test_made_up_units_keep_the_word_for_night_and_have_one_and_many_in_english():
    for number in range(50):
        dice = Dice("unit", number)
        assert all("night" in form for form in strange_unit("nights", "en", dice).split("/"))
        one, many = strange_unit("guests", "en", dice).split("/")
        assert many == f"{one}s"
        assert set("晚夜") & set(strange_unit("nights", "zh", dice))
        assert re.fullmatch(r"[个位名][一-鿿]{1,2}", strange_unit("guests", "zh", dice))
