"""The chat page in a real Chromium: links of other sites, tabs, several agents, dead connections, Chinese input."""

import pytest
from playwright.sync_api import expect

from dialoop.server import House

from ..browser import opened_page
from .inn import inn
from .running import serving
from .test_pages_in_browser import say

pytestmark = pytest.mark.slow


@pytest.fixture
def page():
    with opened_page() as (page, complaints):
        yield page
        assert [line for line in complaints if "ERR_" not in line and "failed:" not in line and "404" not in line] == []


def user_texts(store, conversation):
    return [event.text for event in store.events(conversation) if event.kind == "user_said"]


def test_a_link_of_another_site_finds_the_conversation_again(store, page):
    with serving(house=inn(store, ["Room 12."])) as address:
        page.goto(f"{address}/chat")
        say(page, "A room?")
        expect(page.locator("#lines")).to_contain_text("Room 12.")
        page.goto(f"{address.replace('127.0.0.1', 'localhost')}/chat")
        page.evaluate(f"location.href = '{address}/chat'")
        page.wait_for_url(f"{address}/chat")
        expect(page.locator("#lines")).to_contain_text("Room 12.")


def test_a_connection_on_which_nothing_comes_is_made_anew(store, page, monkeypatch):
    monkeypatch.setattr("dialoop.server.live.BEAT", 3600.0)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/chat/events" in request.url else None)
    with serving(house=inn(store, ["Room 12.", "Room 14."])) as address:
        page.clock.install()
        page.goto(f"{address}/chat")
        for text, answer in (("A room?", "Room 12."), ("Another?", "Room 14.")):
            say(page, text)
            expect(page.locator("#lines")).to_contain_text(answer)
            expect(page.locator("#writing")).to_be_hidden()
            page.clock.fast_forward(30_000)
        assert len(asked) == 1  # every event starts the time anew
        with page.expect_request("**/chat/events*"):
            page.clock.fast_forward(41_000)


def test_what_is_told_of_a_conversation_that_was_left_ends_no_other(store, page, monkeypatch):
    monkeypatch.setattr("dialoop.server.live.BEAT", 3600.0)
    held = []

    def hold(route):
        if route.request.resource_type == "fetch":
            return held.append(route)
        return route.continue_()

    with serving(house=inn(store, ["Room 12.", "Room 14.", "Until tomorrow."])) as address:
        page.clock.install()
        page.goto(f"{address}/chat")
        say(page, "A room?")
        expect(page.locator("#lines")).to_contain_text("Room 12.")
        page.route("**/chat/events*", hold)
        page.clock.fast_forward(41_000)
        expect(page.locator("#dot")).to_have_class("dot lost")
        page.get_by_role("button", name="New conversation").click()
        say(page, "Another?")
        expect(page.locator("#lines")).to_contain_text("Room 14.")
        with page.expect_response("**/chat/events*"):
            held.pop().fulfill(status=404, json={})
        say(page, "Thank you!")
        expect(page.locator("#lines")).to_contain_text("Until tomorrow.")
        expect(page.locator("#lines")).to_contain_text("Room 14.")


def test_enter_that_takes_what_an_input_method_offers_sends_nothing(store, page):
    with serving(house=inn(store, ["Room 12."])) as address:
        page.goto(f"{address}/chat")
        page.locator("#text").fill("我要订")
        page.locator("#text").evaluate(
            "field => field.dispatchEvent(new KeyboardEvent('keydown',"
            " {key: 'Enter', keyCode: 229, isComposing: false, bubbles: true, cancelable: true}))"
        )
        expect(page.locator("#text")).to_have_value("我要订")
        page.locator("#text").press("Enter")
        expect(page.locator("#lines")).to_contain_text("Room 12.")


def test_tabs_share_a_conversation_and_what_was_not_sent(store, page):
    context = page.context.browser.new_context()
    one, two = context.new_page(), context.new_page()
    with serving(house=inn(store, [f"Answer {number}." for number in range(6)])) as address:
        for tab in (one, two):
            tab.goto(f"{address}/chat")
            expect(tab.locator(".greeting")).to_be_visible()
        say(one, "first")
        expect(two.locator("#lines")).to_contain_text("first")
        say(two, "second")
        expect(one.locator("#lines")).to_contain_text("second")
        expect(one.locator("#lines")).to_contain_text("Answer 1.")
        context.route("**/chat/messages", lambda route: route.abort())
        for tab, text in ((one, "third"), (two, "fourth")):
            say(tab, text)
            expect(tab.locator("#pending", has_text=text)).to_contain_text("Not sent.")
        context.unroute("**/chat/messages")
        one.reload()
        expect(one.locator("#lines")).to_contain_text("third")
        expect(one.locator("#lines")).to_contain_text("fourth")
        (known,) = store.conversations(tenant="default")
        assert sorted(user_texts(store, known.conversation)) == ["first", "fourth", "second", "third"]


def test_a_tab_on_an_older_conversation_leaves_the_new_one_alone(store, page):
    context = page.context.browser.new_context()
    one, two = context.new_page(), context.new_page()
    with serving(house=inn(store, [f"Answer {number}." for number in range(3)])) as address:
        for tab in (one, two):
            tab.goto(f"{address}/chat")
        say(one, "old")
        expect(two.locator("#lines")).to_contain_text("Answer 0.")
        one.get_by_role("button", name="New conversation").click()
        say(one, "new")
        expect(one.locator("#lines")).to_contain_text("Answer 1.")
        say(two, "old again")
        expect(two.locator("#lines")).to_contain_text("Answer 2.")
        one.reload()
        expect(one.locator(".line.customer")).to_have_text("Customer: new")
    assert len(store.conversations(tenant="default")) == 2


def test_each_agent_has_its_own_conversation_and_an_unknown_one_is_told(store, page):
    both = {**inn(store, ["Room 12."]).agents, **inn(store, ["A table is free."], name="bar").agents}
    with serving(house=House(both, store)) as address:
        page.goto(f"{address}/chat?agent=inn")
        say(page, "A room?")
        expect(page.locator("#lines")).to_contain_text("Room 12.")
        page.goto(f"{address}/chat?agent=bar")
        expect(page.locator(".greeting")).to_be_visible()
        say(page, "A table?")
        expect(page.locator("#lines")).to_contain_text("A table is free.")
        page.goto(f"{address}/chat?agent=pub")
        expect(page.locator(".greeting")).to_contain_text("There is no assistant called “pub” here.")
        expect(page.locator("#form")).to_be_hidden()
        page.get_by_role("link", name="inn").click()
        expect(page.locator("#lines")).to_contain_text("Room 12.")
        expect(page.locator("#lines")).not_to_contain_text("A table")
