"""What keywords make of customers' texts: intents and values, in the wording that they were written from."""

from collections import Counter

import pytest

from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel import Heard, ReferenceAgent, make_customer, make_world
from dialoop.scenarios.hotel.keywords import read


@pytest.mark.parametrize(
    ("lang", "text", "heard", "intent", "values"),
    [
        ("en", "Book me a room from 5 March, no, 6 March for two nights for 3 people.", Heard("greeted"), "book",
         {"check_in": "6 March", "nights": 2, "guests": 3}),
        ("en", "Please cancel my booking HB4711.", Heard("greeted"), "cancel", {"reference": "HB4711"}),
        ("en", "change my booking to next Friday", Heard("greeted"), "change", {"new_check_in": "next Friday"}),
        ("en", "what are your rules on late check-out?", Heard("told"), "rule", {"topic": "late check-out"}),
        ("en", "the last one please", Heard("offered", (), ("Oak Twin", "Dune Loft")), "choose", {"room": "Dune Loft"}),
        ("en", "how big is the Dune Loft?", Heard("offered", (), ("Dune Loft",)), "room", {"room": "Dune Loft"}),
        ("en", "yes, go ahead", Heard("confirming"), "yes", {}),
        ("en", "no, forget it", Heard("confirming"), "no", {}),
        ("en", "I'm Anna Berg, contact 555-0123.", Heard("asked", ("name", "contact")), "inform",
         {"name": "Anna Berg", "contact": "555-0123"}),
        ("en", "it's <name_1>, <phone_1>.", Heard("asked", ("name", "contact")), "inform",
         {"name": "<name_1>", "contact": "<phone_1>"}),
        ("en", "are you a robot?", Heard("told"), "chat", {"topic": "who"}),
        ("en", "that's all, thank you. Bye!", Heard("told"), "bye", {}),
        ("zh", "我想订一间房，五月二号入住，住3晚，两个人", Heard("greeted"), "book",
         {"check_in": "五月二号", "nights": 3, "guests": 2}),
        ("zh", "取消订单，订单号HB4711。", Heard("greeted"), "cancel", {"reference": "HB4711"}),
        ("zh", "你们对停车有什么规定？", Heard("told"), "rule", {"topic": "停车"}),
        ("zh", "是的，没错。", Heard("confirming"), "yes", {}),
        ("zh", "我叫王芳，联系方式138 0000 0000。", Heard("asked", ("name", "contact")), "inform",
         {"name": "王芳", "contact": "138 0000 0000"}),
        ("zh", "湖景大床房怎么样？", Heard("told"), "room", {"room": "湖景大床房"}),
    ],
)  # fmt: skip
def test_intents_and_values_are_read(lang: str, text: str, heard: Heard, intent: str, values: dict[str, object]):
    said = read(text, heard, lang, heard.rooms)
    assert said.intent == intent
    assert said.values == values


def test_an_identity_number_is_noticed():
    assert read("it's Anna. My ID number is X1234567.", Heard("asked", ("name",)), "en").private
    assert not read("it's Anna.", Heard("asked", ("name",)), "en").private


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_most_intents_of_the_training_wording_are_read(lang: str, monkeypatch):
    """Keywords were written from it; a rule that reads nothing of it any more is broken. None reads made-up words."""
    monkeypatch.setattr("dialoop.scenarios.hotel.voice._STRANGE_PHRASES", 0)
    right: Counter[bool] = Counter()
    for seed in range(40):
        dice = Dice("read", lang, seed)
        world = make_world(lang, "train", dice)
        customer, agent = make_customer(world, "train", dice), ReferenceAgent(world, "train", dice)
        said, heard, offered = customer.opening(), Heard("greeted"), []
        while said is not None:
            right[read(said.text, heard, lang, offered).intent == said.intent] += 1
            heard = agent.answer(said).heard
            offered = list(heard.rooms) or offered
            said = customer.reply(heard)
    assert right[True] / right.total() > 0.8
