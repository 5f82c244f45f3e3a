"""What a customer notices in what is read back, and says then."""

from datetime import date

import pytest

from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel import make_customer, make_world
from dialoop.scenarios.hotel.goals import Book, Cancel, Change, Find
from dialoop.scenarios.hotel.live import LiveCustomer
from dialoop.scenarios.hotel.readback import misread
from tests.scenarios.hotel.talks import talk

TODAY = date(2027, 3, 1)
STAY = Book(date(2027, 3, 9), 3, 2, "Ada King", "0155 1234", room="Harbour Loft")
LATER = Change("VD1234", "VD1234", check_in=date(2027, 3, 9), nights=3)


@pytest.mark.parametrize(
    ("goal", "lang", "text", "wrong"),
    [
        (STAY, "en", "The Harbour Loft from 9 March, 3 nights, for Ada King, contact 0155. Shall I book it?", None),
        (STAY, "en", "The Sky Loft from 9 March, 3 nights, for Ada King, contact 0155. Shall I book it?", "room"),
        (STAY, "en", "The Harbour Loft from 8 March, 3 nights, for Ada King, contact 1. Shall I book it?", "check_in"),
        (STAY, "en", "The Harbour Loft from soon, 3 nights, for Ada King, contact 1. Shall I book it?", "check_in"),
        (STAY, "en", "The Harbour Loft from 2027-03-09, 4 nights, for Ada King, contact 1. Shall I book it?", "nights"),
        (STAY, "en", "Shall I go ahead with this? book room: room Harbour Loft, check in 9 March, nights 3.", None),
        (STAY, "en", "Shall I go ahead with this? book room: room Harbour Loft, check in 9 March, nights 1.", "nights"),
        (STAY, "en", "Shall I go ahead?", None),
        (STAY, "zh", "请确认要这样办吗？book room：room Harbour Loft，check in 3月9日，nights 3。", None),
        (STAY, "zh", "核对一下：王一（1）订Harbour Loft，3月9号，两晚，没错吧？", "nights"),
        (STAY, "en", "For 3 nights and 2 guests we have the Sky Loft at 75 euros. Would you like it?", None),
        (STAY, "en", "For 3 nights and 1 guest we have the Sky Loft at 75 euros. Would you like it?", "guests"),
        (STAY, "en", "For 2 guests, 1 night, I can offer the Sky Loft at 75 euros. Does that suit you?", "nights"),
        (STAY, "en", "You can choose from the Sky Loft at 75 euros and the Dune Loft at 80 euros.", None),
        (STAY, "zh", "4位住3晚，只有海景复式房298元，可以吗？", "guests"),
        (STAY, "zh", "2位住3晚，可以选择海景复式房298元和海景双床房398元，您要哪间？", None),
        (LATER, "en", "Shall I change booking VD1234 to arrival March 9?", None),
        (LATER, "en", "Shall I change booking VD1234 to 3 nights?", None),
        (LATER, "en", "I found VD1234, 2027-02-01, 1 night. Shall I change booking VD1234 to 2 nights?", "changes"),
        (LATER, "en", "Shall I change booking VD1234 to Ada King?", "changes"),
        (LATER, "zh", "VD1234要调到三月八号到店，没错吧？", "changes"),
        (LATER, "en", "Shall I cancel booking VD1234?", "act"),
        (Cancel("VD1234", "VD1234"), "en", "Shall I cancel booking VD1234?", None),
        (Cancel("VD1234", "VD1234"), "zh", "VD1234要调到三月八号到店，没错吧？", "act"),
        (Find("VD1234", "VD1234"), "en", "So booking VD1234 is to be cancelled. Is that right?", "act"),
    ],
)
def test_what_is_wrong_is_noticed(goal, lang: str, text: str, wrong: str | None):
    assert misread(text, goal, lang, TODAY) == wrong


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_agent_that_reads_back_rightly_is_never_corrected(lang: str, monkeypatch: pytest.MonkeyPatch):
    noticed = []
    monkeypatch.setattr(
        "dialoop.scenarios.hotel.live.misread", lambda *told: noticed.append((misread(*told), told[0])) or None
    )
    for seed in range(25):
        talk(lang, seed)
    assert len(noticed) > 10
    wrong = [text for found, text in noticed if found]
    assert not [text for text in wrong if "31" not in text and "30" not in text], "only days that no calendar has"


def _customer(lang: str, kind: type) -> tuple[LiveCustomer, object]:
    """A customer whose first goal is of a kind, and the goal."""
    for seed in range(400):
        dice = Dice("readback", lang, seed)
        world = make_world(lang, "test", dice)
        customer = make_customer(world, "test", dice)
        if isinstance(customer.goals[0], kind):
            live = LiveCustomer(customer, lang, world.today)
            live.opening()
            if live.said.intent not in ("greet", "chat"):
                return live, customer.goals[0]
    raise AssertionError(f"no customer comes for {kind}")


def test_a_customer_does_not_say_yes_to_another_act():
    live, goal = _customer("en", Change)
    said = live.reply(f"Shall I cancel booking {goal.booking}?")
    assert said is not None
    assert live.said.intent == "change"


def test_a_customer_puts_the_nights_right():
    live, goal = _customer("en", Book)
    goal.room = "Harbour Loft"
    day = goal.check_in.isoformat()
    live.reply(f"The Harbour Loft from {day}, {goal.nights + 1} nights, for Ada, contact 1. Shall I book it?")
    assert live.said.intent == "inform"
    assert live.said.values == {"nights": goal.nights}
    live.reply(f"The Harbour Loft from {day}, {goal.nights} nights, for Ada, contact 1. Shall I book it?")
    assert live.said.intent in ("yes", "no", "rule", "chat", "inform")


def test_a_customer_who_has_said_no_says_no_again_and_puts_nothing_right():
    live, goal = _customer("en", Book)
    goal.room, goal.given_up = "Harbour Loft", True
    day = goal.check_in.isoformat()
    for nights in (goal.nights, goal.nights + 1):
        live.reply(f"The Harbour Loft from {day}, {nights} nights, for Ada, contact 1. Shall I book it?")
        assert live.said.intent == "no"
