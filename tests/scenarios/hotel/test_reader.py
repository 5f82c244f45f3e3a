"""What is heard in an agent's text is what it asks: in the wording of both parts, and in other words too."""

import pytest

from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel import Heard, ReferenceAgent, make_customer, make_world
from dialoop.scenarios.hotel.reader import asked_slots, hear, offered_rooms

TALK_ON = {"told", "greeted", "refused"}
"""What a customer answers in the same way: with what it wants next."""


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_all_that_the_reference_agent_asks_is_heard(lang: str, part: str):
    acts = set()
    for seed in range(50):
        dice = Dice("heard", part, lang, seed)
        world = make_world(lang, part, dice)
        customer, agent = make_customer(world, part, dice), ReferenceAgent(world, part, dice)
        said = customer.opening()
        while said is not None:
            answer = agent.answer(said)
            text, meant = answer.messages[-1].content, answer.heard
            heard = hear(text, lang)
            acts.add(meant.act)
            if meant.act in TALK_ON:
                assert heard.act in TALK_ON, text
            else:
                assert (heard.act, heard.slots) == (meant.act, meant.slots), text
                assert heard.rooms in ((), meant.rooms), text
                assert heard.act == "offered" or heard.note == meant.note, text
            said = customer.reply(meant)
    assert acts >= {"asked", "offered", "confirming", "told", "left"}


@pytest.mark.parametrize(
    ("lang", "text", "heard"),
    [
        ("en", "And for how many nights will you stay, and how many guests?", Heard("asked", ("nights", "guests"))),
        ("en", "On which date will you arrive?", Heard("asked", ("check_in",))),
        ("en", "Could you tell me the the number of guests?", Heard("asked", ("guests",))),
        ("en", "What is your name and your phone number?", Heard("asked", ("name", "contact"))),
        ("en", "Which room number are you calling from, please?", Heard("asked", ("room_number",))),
        ("en", "I need your booking number or the phone number you used.", Heard("asked", ("reference",))),
        ("en", "Shall I go ahead with this? Cancel booking: GT1. Please answer yes or no.", Heard("confirming")),
        ("en", "Parking costs 12 euros a day.", Heard("told")),
        ("en", "Parking costs 12 euros a day. May I have the number of nights?", Heard("asked", ("nights",))),
        ("en", "All the best, bye!", Heard("left")),
        ("en", "What would you like to change about it?", Heard("asked", ("changes",))),
        (
            "en",
            "I can offer the Dune Loft at 90 euros. Shall I take that for you?",
            Heard("offered", (), ("Dune Loft",)),
        ),
        ("zh", "请问您打算住几晚？", Heard("asked", ("nights",))),
        ("zh", "请问您哪一天到店，一共几位？", Heard("asked", ("check_in", "guests"))),
        ("zh", "请确认要这样办吗？cancel booking：booking GT1。请回答“是”或“否”。", Heard("confirming")),
        ("zh", "请留一下您的姓名和电话。", Heard("asked", ("name", "contact"))),
        ("zh", "停车每天12元。", Heard("told")),
        ("zh", "", Heard("told")),
    ],
)
def test_other_words_are_heard_too(lang: str, text: str, heard: Heard):
    assert hear(text, lang) == heard


def test_rooms_and_prices_of_an_offer():
    text = "We have the Oak Twin at 85 euros, the Dune Loft, 139 euros per night and the Old Mill Suite (200 euros)."
    assert offered_rooms(text, "en") == [("Oak Twin", 85), ("Dune Loft", 139), ("Old Mill Suite", 200)]
    assert offered_rooms("Oak Twin and Dune Loft", "en") == [("Oak Twin", None), ("Dune Loft", None)]
    assert offered_rooms("星空亲子房每晚348元和时尚复式房（898元）", "zh") == [("星空亲子房", 348), ("时尚复式房", 898)]


def test_nothing_is_asked_in_what_names_no_slot():
    assert asked_slots("the meaning of life", "en") == ()
