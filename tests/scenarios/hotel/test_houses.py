"""Houses last: what a tool did is there afterwards, once, whatever is repeated, at once or in another process."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dialoop.errors import DataError, StoreError
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel import World, make_world
from dialoop.scenarios.hotel.houses import Houses
from dialoop.scenarios.hotel.tools import (
    book_room,
    cancel_booking,
    change_booking,
    file_complaint,
    house_rule,
    search_rooms,
)


@dataclass(frozen=True)
class Caller:
    idempotency_key: str = "k"
    customer: str | None = None
    tenant: str = "default"
    lang: str | None = "en"


@pytest.fixture
def houses(tmp_path: Path) -> Houses:
    made = Houses(tmp_path / "world.db", create=True)
    for lang in ("en", "zh"):
        made.add(lang, make_world(lang, "test", Dice("house", lang)))
    return made


def stay(world: World, **changes: object) -> dict[str, object]:
    day = f"{world.today.year + 1}-12-25"
    return {
        "room": next(iter(world.rooms)),
        "check_in": day,
        "nights": 2,
        "name": "Ann Bee",
        "contact": "123",
    } | changes


def test_a_house_comes_back_as_it_was_kept(houses: Houses):
    world = make_world("zh", "train", Dice("other"))
    houses.add("other", world)
    assert Houses(houses.path).world("other") == world
    assert houses.names() == ["en", "zh", "other"]


def test_a_repeat_gives_the_same_result_and_no_second_effect(houses: Houses):
    world = houses.world("en")
    first = houses.call(book_room, Caller("a"), **stay(world))
    again = Houses(houses.path).call(book_room, Caller("a"), **stay(world))
    other = houses.call(book_room, Caller("b"), **stay(world, name="Bob Cee"))
    assert first == again
    assert other["booking"] != first["booking"]
    new = set(houses.world("en").bookings) - set(world.bookings)
    assert new == {first["booking"], other["booking"]}
    assert [(one.key, one.tool, one.changed) for one in houses.effects("en")] == [
        ("a", "book_room", True),
        ("b", "book_room", True),
    ]


def test_every_changing_tool_leaves_its_mark_once(houses: Houses):
    world = houses.world("en")
    booking = next(one.booking for one in world.bookings.values() if (one.check_in - world.today).days > 9)
    number = next(iter(world.rooms.values())).numbers[0]
    for _ in range(2):
        houses.call(change_booking, Caller("1"), booking=booking, nights=1, check_in=None, room=None)
        houses.call(file_complaint, Caller("2"), room_number=number, problem="cold")
        houses.call(cancel_booking, Caller("3"), booking=booking)
    after = houses.world("en")
    assert (after.bookings[booking].nights, after.bookings[booking].status) == (1, "cancelled")
    assert [one.problem for one in after.complaints] == ["cold"]
    assert len(houses.effects("en")) == 3


def test_a_refusal_is_remembered_too_and_changes_nothing(houses: Houses):
    before = houses.world("en")
    refused = houses.call(book_room, Caller(), **stay(before, room="Nowhere"))
    houses.change(
        "en", lambda world: world.rooms.update({"Nowhere": replace(next(iter(world.rooms.values())), name="Nowhere")})
    )
    assert houses.call(book_room, Caller(), **stay(before, room="Nowhere")) == refused == {"error": "no_such_room"}
    assert [one.changed for one in houses.effects("en")] == [False]
    assert houses.world("en").bookings == before.bookings


def test_a_key_belongs_to_one_call(houses: Houses):
    world = houses.world("en")
    houses.call(book_room, Caller(), **stay(world))
    with pytest.raises(DataError, match="another call"):
        houses.call(book_room, Caller(), **stay(world, nights=3))
    with pytest.raises(DataError, match="another call"):
        houses.call(cancel_booking, Caller(), booking="X1")
    assert len(houses.world("en").bookings) == len(world.bookings) + 1


def test_a_call_that_breaks_off_changes_nothing(houses: Houses, monkeypatch: pytest.MonkeyPatch):
    world = houses.world("en")

    def dumps(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    before = houses.world("en")
    real = json.dumps
    calls = iter([real, dumps])
    monkeypatch.setattr("dialoop.scenarios.hotel.houses.json.dumps", lambda *a, **k: next(calls)(*a, **k))
    with pytest.raises(KeyboardInterrupt):
        houses.call(book_room, Caller(), **stay(world))
    monkeypatch.undo()
    assert houses.world("en") == before
    assert houses.effects("en") == []
    assert "booking" in houses.call(book_room, Caller(), **stay(world))


def test_many_at_once_have_one_effect_each(houses: Houses):
    world = houses.world("en")

    days = [f"{world.today.year + 1}-12-{day}" for day in (10, 13, 16, 19, 22, 25)]

    def book(number: int) -> str:
        return str(
            houses.call(book_room, Caller(f"k{number % 6}"), **stay(world, check_in=days[number % 6]))["booking"]
        )

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(book, range(24)))
    assert len(set(made)) == len(houses.world("en").bookings) - len(world.bookings) == 6


def test_a_house_is_found_by_customer_tenant_and_language(houses: Houses):
    guest = make_world("en", "train", Dice("guest"))
    houses.add("guest", guest)
    topic = next(iter(guest.rules))
    assert houses.call(house_rule, Caller(customer="guest", lang="zh"), topic=topic)["rule"] == guest.rules[topic]
    assert houses.call(house_rule, Caller(tenant="guest", lang="zh"), topic=topic)["rule"] == guest.rules[topic]
    topic = next(iter(houses.world("zh").rules))
    assert houses.call(house_rule, Caller(lang="zh"), topic=topic)["topic"] == topic
    assert "error" in houses.call(house_rule, Caller(lang="en"), topic=topic)
    houses.remove("guest")
    assert "guest" not in houses.names()
    assert "error" in houses.call(house_rule, Caller(customer="guest", lang="en"), topic="nothing")


def test_the_house_itself_can_change(houses: Houses):
    room = replace(
        next(iter(houses.world("en").rooms.values())), name="Tree House", price=1, guests=9, full=frozenset()
    )

    def change(world: World) -> None:
        world.rooms[room.name] = room
        world.rules["tree climbing"] = "Climbing is allowed."

    houses.change("en", change)
    world = houses.world("en")
    assert world.rooms["Tree House"] == room
    day = f"{world.today.year + 1}-12-25"
    found = houses.call(search_rooms, Caller(), check_in=day, nights=1, guests=9, max_price=None)
    assert found["rooms"] == [{"room": "Tree House", "price": 1}]


def test_what_holds_no_houses_is_refused(tmp_path: Path):
    with pytest.raises(StoreError, match="no such file"):
        Houses(tmp_path / "none.db")
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at\n" * 40)
    with pytest.raises(StoreError):
        Houses(tmp_path / "text.db")
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(StoreError, match="no houses"):
        Houses(tmp_path / "empty.db")
    made = Houses(tmp_path / "world.db", create=True)
    with pytest.raises(DataError, match="no house"):
        made.call(house_rule, Caller(), topic="pets")
    with pytest.raises(DataError, match="no house"):
        made.world("en")
    made.add("en", make_world("en", "test", Dice(1)))
    with pytest.raises(DataError, match="already"):
        made.add("en", make_world("en", "test", Dice(1)))
