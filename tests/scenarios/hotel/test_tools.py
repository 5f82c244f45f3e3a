"""The hotel's tools read and change the world, and refuse with a code."""

from datetime import date, timedelta

import pytest

from dialoop.scenarios.hotel import TOOLS, Room, World
from dialoop.scenarios.hotel.tools import (
    book_room,
    cancel_booking,
    change_booking,
    file_complaint,
    find_booking,
    house_rule,
    room_details,
    search_rooms,
)

TODAY = date(2026, 3, 4)


@pytest.fixture
def world() -> World:
    rooms = [
        Room("Green Single", 50, 1, "single bed", 12, "yard", (101,)),
        Room("Red Double", 80, 2, "double bed", 20, "lake", (201, 202)),
        Room("Blue Suite", 150, 4, "large bed", 40, "lake", (301,), frozenset({date(2026, 3, 20)})),
        Room("Old Hall", 200, 4, "bunk beds", 60, "street", (401,)),
    ]
    by_name = {room.name: room for room in rooms}
    return World(
        "en", "Test House", "Nowhere", TODAY, by_name, {"pets": "No pets.", "the pool": "Until 9."}, "AB", 1000
    )


def test_rooms_are_found_by_days_size_and_price(world: World):
    def names(**wanted: int) -> list[str]:
        return [room["room"] for room in search_rooms(world, "20 March", 1, **wanted)["rooms"]]

    assert names(guests=1) == ["Green Single", "Red Double", "Old Hall"]
    assert names(guests=2, max_price=100) == ["Red Double"]
    assert names(guests=3) == ["Old Hall"]


def test_a_search_in_vain_says_what_would_do(world: World):
    assert search_rooms(world, "tomorrow", 1, 2, 60) == {"rooms": [], "cheapest": 80}
    for room in list(world.rooms.values()):
        for number in room.numbers:
            world.book(room, TODAY, 5, f"guest {number}", "x")
    assert search_rooms(world, "tomorrow", 1, 1) == {"rooms": [], "next_free": "2026-03-09"}
    assert search_rooms(world, "tomorrow", 1, 9) == {"rooms": [], "next_free": None}


@pytest.mark.parametrize(
    ("check_in", "nights", "error"),
    [("31 April", 1, "bad_day"), ("yesterday", 1, "bad_day"), ("5 March", 0, "bad_nights")],
)
def test_a_stay_that_cannot_be_is_refused(world: World, check_in: str, nights: int, error: str):
    assert search_rooms(world, check_in, nights, 1) == {"error": error}
    assert book_room(world, "Red Double", check_in, nights, "Ann", "1") == {"error": error}
    made = book_room(world, "Red Double", "5 March", 2, "Ann", "1")
    assert change_booking(world, made["booking"], check_in=check_in, nights=nights) == {"error": error}
    assert world.bookings[made["booking"]].nights == 2


def test_booking_takes_a_room_until_all_are_taken(world: World):
    first = book_room(world, "red double", "March 5th", 2, " Ann ", "0770 090 0123")
    assert first == {"booking": "AB1000", "room": "Red Double", "check_in": "2026-03-05", "total": 160}
    assert world.bookings["AB1000"].name == "Ann"
    assert "error" not in book_room(world, "the Red Double", "6 March", 1, "Bob", "b@example.com")
    third = book_room(world, "Red Double", "6 March", 1, "Cid", "c@example.com")
    assert third == {"error": "not_free", "free": ["Green Single", "Blue Suite", "Old Hall"]}
    assert "error" not in book_room(world, "Red Double", "7 March", 1, "Cid", "c@example.com")
    assert len(world.bookings) == 3


def test_a_room_of_no_such_name(world: World):
    assert book_room(world, "Pink Room", "5 March", 1, "Ann", "1") == {"error": "no_such_room"}
    assert room_details(world, "Pink Room") == {"error": "no_such_room"}
    assert room_details(world, "Red Double")["size"] == 20


@pytest.mark.parametrize("reference", ["AB1000", "ab 1000", "0770 090 0123", "07700900123", "0770-090-0123"])
def test_a_booking_is_found_however_its_number_is_written(world: World, reference: str):
    book_room(world, "Red Double", "5 March", 2, "Ann", "0770 090 0123")
    assert find_booking(world, reference)["name"] == "Ann"


@pytest.mark.parametrize("reference", ["", " ", "AB1001", "Ann"])
def test_a_booking_is_not_found_by_something_else(world: World, reference: str):
    book_room(world, "Red Double", "5 March", 2, "Ann", "0770 090 0123")
    assert find_booking(world, reference) == {"error": "not_found"}


def test_a_change_is_made_as_a_whole_or_not_at_all(world: World):
    made = book_room(world, "Blue Suite", "17 March", 3, "Ann", "1")["booking"]
    assert change_booking(world, made, nights=4)["error"] == "not_free"
    assert change_booking(world, made, check_in="18 March", nights=2)["check_in"] == "2026-03-18"
    assert change_booking(world, made, room="Old Hall")["room"] == "Old Hall"
    assert change_booking(world, made, room="Attic") == {"error": "no_such_room"}
    one = world.bookings[made]
    assert (one.room, one.check_in, one.nights) == ("Old Hall", date(2026, 3, 18), 2)


def test_a_booking_is_cancelled_once_and_in_time(world: World):
    late = book_room(world, "Red Double", "tomorrow", 1, "Ann", "1")["booking"]
    assert cancel_booking(world, late) == {"error": "too_late", "notice_days": 2}
    early = book_room(world, "Red Double", (TODAY + timedelta(days=2)).isoformat(), 1, "Bob", "2")["booking"]
    assert cancel_booking(world, early) == {"booking": early, "status": "cancelled"}
    assert cancel_booking(world, early) == {"error": "not_found"}
    assert change_booking(world, early, nights=2) == {"error": "not_found"}
    assert find_booking(world, early) == {"error": "not_found"}


def test_a_cancelled_stay_frees_its_room(world: World):
    made = book_room(world, "Green Single", "20 March", 1, "Ann", "1")["booking"]
    assert book_room(world, "Green Single", "20 March", 1, "Bob", "2")["error"] == "not_free"
    cancel_booking(world, made)
    assert "error" not in book_room(world, "Green Single", "20 March", 1, "Bob", "2")


def test_rules_and_complaints(world: World):
    assert house_rule(world, "Pets") == {"topic": "pets", "rule": "No pets."}
    assert house_rule(world, "pool") == {"topic": "the pool", "rule": "Until 9."}
    assert house_rule(world, "drones") == {"error": "no_rule"}
    assert file_complaint(world, 999, "noise") == {"error": "no_such_room"}
    assert file_complaint(world, 201, "noise")["ticket"] == world.complaints[0].ticket
    assert [(one.room_number, one.problem) for one in world.complaints] == [(201, "noise")]


def test_the_schemas_are_short_for_they_stand_in_every_prompt():
    assert 6 <= len(TOOLS) <= 8
    for tool in TOOLS:
        assert len(tool["function"]["parameters"]["properties"]) <= 5
        assert len(tool["function"]["description"]) <= 50
