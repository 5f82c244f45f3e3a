"""Chat and desk in a real Chromium: chat, reload, ask for a person, take over, edit, approve, hand back, go on."""

import pytest
from playwright.sync_api import expect

from dialoop.server import add_operator
from dialoop.store import open_store

from ..browser import opened_page
from .inn import calls, inn
from .running import serving

ANSWERS = [
    calls("find_rooms", date="2026-05-12", guests=2),
    "Room 12 is free, for 95.",
    "Breakfast is never free.",
    calls("cancel_booking", booking="B1"),
    "B1 is cancelled.",
    "Until tomorrow.",
]
PHONE = "138 1234 5678"


def say(page, text):
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")


@pytest.mark.slow
def test_a_customer_and_an_operator(tmp_path):
    operators = tmp_path / "operators.json"
    add_operator(operators, "Lin", "a long password")
    with open_store(tmp_path / "store.db") as store, opened_page() as (chat, complaints):
        desk = chat.context.browser.new_page(viewport={"width": 390, "height": 844})
        desk.on("pageerror", lambda error: complaints.append(str(error)))
        with serving(house=inn(store, ANSWERS, operators=operators, greeting="Good day.")) as address:
            port = int(address.rpartition(":")[2])
            chat.goto(f"{address}/chat")
            expect(chat.locator("#lines")).to_contain_text("Good day.")
            say(chat, f"A room for two on 12 May? <b>Call</b> {PHONE}")
            expect(chat.locator(".call")).to_contain_text("find rooms · done")
            expect(chat.locator("#lines")).to_contain_text("Room 12 is free, for 95.")
            expect(chat.locator(".line.customer")).to_have_text(
                f"Customer: A room for two on 12 May? <b>Call</b> {PHONE}"
            )
            say(chat, "Is breakfast free?")
            expect(chat.locator("#lines")).to_contain_text("Breakfast is never free.")
            chat.get_by_role("button", name="A bad answer").last.click()
            expect(chat.get_by_role("button", name="A bad answer").last).to_have_attribute("aria-pressed", "true")
            chat.reload()
            expect(chat.locator(".line.customer")).to_have_count(2)
            chat.get_by_role("button", name="Ask for a person").click()
            expect(chat.locator("#person")).to_contain_text("A person was asked for")

            desk.goto(f"{address}/desk")
            desk.locator("#name").fill("Lin")
            desk.locator("#password").fill("a wrong password")
            desk.locator("#enter").click()
            expect(desk.locator("#alert")).to_contain_text("do not belong together")
            desk.locator("#password").fill("a long password")
            desk.locator("#enter").click()
            expect(desk.locator(".place.asked")).to_contain_text("Breakfast is never free.")
            desk.locator(".place").click()
            expect(desk.locator("#form")).to_be_hidden()
            desk.get_by_role("button", name="Take over").click()
            expect(chat.locator("#person")).to_contain_text("Lin is here")
            desk.locator("#text").fill("I am a person.")
            desk.locator("#send").click()
            expect(chat.locator(".line.operator")).to_contain_text("I am a person.")
            say(chat, "Good, and breakfast?")
            expect(desk.locator("#lines")).to_contain_text("Good, and breakfast?")
            answer = desk.locator(".line.agent", has_text="never free")
            answer.get_by_role("button", name="Edit").click()
            desk.locator(".editing textarea").fill("Breakfast is free.")
            desk.get_by_role("button", name="Save").click()
            expect(chat.locator("#lines")).to_contain_text("corrected by Lin")
            expect(chat.locator("#lines")).not_to_contain_text("never free")
            # handed back, the agent answers what was said meanwhile: it wants to cancel, and has to wait for a person
            desk.get_by_role("button", name="Hand back").click()
            expect(chat.locator("#lines")).to_contain_text("Lin has left")
            expect(desk.locator(".call.waiting")).to_contain_text("B1")
            desk.get_by_role("button", name="Approve").click()
            expect(chat.locator("#lines")).to_contain_text("B1 is cancelled.")
            expect(chat.locator(".call").last).to_contain_text("cancel booking · done")
            assert desk.evaluate("document.documentElement.scrollWidth") <= 390
            conversation = chat.evaluate("JSON.parse(localStorage.getItem('dialoop.chat.inn')).id")
        expect(chat.locator("#dot")).to_have_class("dot lost")
        complaints[:] = [line for line in complaints if not _of_the_restart(line)]
        with serving(house=inn(store, ["Until tomorrow."], operators=operators), port=port):
            expect(chat.locator("#dot")).to_have_class("dot", timeout=15_000)
            say(chat, "Thank you!")
            expect(chat.locator("#lines")).to_contain_text("Until tomorrow.")
            expect(desk.locator("#sign-in")).to_be_visible(timeout=15_000)  # sessions end with the server
        kept = "".join(event.model_dump_json() for event in store.events(conversation))
        assert PHONE not in kept
        assert store.verify().whole
    assert [line for line in complaints if not _of_the_restart(line)] == []


def _of_the_restart(line):
    """What a browser says by itself when a server goes away, and for the wrong password."""
    return any(word in line for word in ("ERR_", "failed:", "401", "incomplete"))
