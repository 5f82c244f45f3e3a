"""The desk page in a real Chromium: an answer goes out once, and nothing that an operator has typed is lost."""

import pytest
from playwright.sync_api import expect

from dialoop.desk import edit, rate, take_over

from ..browser import opened_page
from ..desk.talks import ASKED, JOINED, call, talk
from .inn import inn
from .running import serving

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(store):
    """The desk with Lin at it, in the conversation c1 that Lin has taken over; c2 is Lin's too."""
    talk(store, "c1", call(name="cancel_booking"), JOINED, tenant="default")
    talk(store, "c2", JOINED, tenant="default")
    with opened_page() as (page, complaints), serving(house=inn(store, [])) as address:
        page.goto(f"{address}/desk#c1")
        page.locator("#name").fill("Lin")
        page.locator("#enter").click()
        expect(page.locator("#form")).to_be_visible()
        yield page
        assert [line for line in complaints if "ERR_" not in line and "failed:" not in line] == []


def choose(desk, conversation):
    desk.evaluate(f"location.hash = '{conversation}'")
    expect(desk.locator("#who")).to_contain_text(conversation)


def said(store, conversation="c1"):
    return [event.text for event in store.events(conversation) if event.kind == "operator_said"]


def test_a_held_key_and_a_second_press_send_once(desk, store):
    held = []
    desk.route("**/desk/acts", lambda route: held.append(route))
    field = desk.locator("#text")
    field.fill("Good day.")
    field.focus()
    desk.keyboard.down("Control")
    for _ in range(3):
        desk.keyboard.down("Enter")  # the second and third are repeats
    desk.keyboard.up("Enter")
    desk.keyboard.press("Enter")
    expect(desk.locator("#send")).to_be_disabled()
    desk.keyboard.up("Control")
    field.fill("Good day. One more thing:")
    assert len(held) == 1
    held.pop().continue_()
    expect(desk.locator(".line.operator")).to_contain_text("Good day.")
    expect(desk.locator("#send")).to_be_enabled()
    expect(field).to_have_value("Good day. One more thing:")
    desk.unroute("**/desk/acts")
    field.press("Control+Enter")
    expect(field).to_have_value("")
    assert said(store) == ["Good day.", "Good day. One more thing:"]


def test_keys_of_an_input_method_send_nothing(desk, store):
    desk.locator("#text").fill("您好")
    desk.locator("#text").evaluate(
        "field => field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 229, ctrlKey: true}))"
    )
    desk.locator("#text").fill("您好！")
    desk.locator("#text").press("Control+Enter")
    expect(desk.locator("#text")).to_have_value("")
    assert said(store) == ["您好！"]


def test_a_draft_takes_the_place_of_nothing_that_was_typed_meanwhile(desk):
    held = []
    desk.route("**/desk/drafts", lambda route: held.append(route))
    field = desk.locator("#text")
    desk.locator("#draft").click()
    expect(desk.locator("#hint")).to_contain_text("drafting")
    field.fill("I write this")
    held.pop().fulfill(json={"draft": "The model's words."})
    expect(desk.locator("#alert")).to_contain_text("A draft is ready.")
    expect(field).to_have_value("I write this")
    desk.locator("#alert-do").click()
    expect(field).to_have_value("The model's words.")
    desk.locator("#draft").click()  # a draft that was left as it is makes room for another one
    expect(desk.locator("#draft")).to_be_disabled()
    held.pop().fulfill(json={"draft": "Other words."})
    expect(field).to_have_value("Other words.")


def test_what_was_begun_is_there_again_after_a_look_elsewhere(desk):
    desk.locator("#text").fill("half an ans")
    desk.locator(".line.agent").get_by_role("button", name="Edit").click()
    desk.locator(".editing textarea").fill("It is fr")
    choose(desk, "c2")
    expect(desk.locator("#text")).to_have_value("")
    choose(desk, "c1")
    expect(desk.locator("#text")).to_have_value("half an ans")
    expect(desk.locator(".editing textarea")).to_have_value("It is fr")


def test_a_correction_being_typed_stays_when_its_line_changes(desk, store):
    desk.locator(".line.agent").get_by_role("button", name="Edit").click()
    desk.locator(".editing textarea").fill("It is fr")
    rate(store, "c1", "customer", -1.0, said_at=3)
    edit(store, "c1", "Lin", 3, "Never.")
    take_over(store, "c1", "Kim", from_other=True)
    expect(desk.locator("#phase")).to_contain_text("with Kim")  # the page has seen it all
    expect(desk.locator(".editing textarea")).to_have_value("It is fr")
    desk.get_by_role("button", name="Cancel", exact=True).click()
    expect(desk.locator("#lines .line.agent")).to_contain_text("Never.")


def test_a_reason_being_typed_stays_while_the_call_waits(desk, store):
    desk.locator(".call").get_by_role("button", name="Refuse").click()
    desk.locator(".call input").fill("too la")
    take_over(store, "c1", "Kim", from_other=True)
    expect(desk.locator("#phase")).to_contain_text("with Kim")
    expect(desk.locator(".call input")).to_have_value("too la")


def test_the_address_chooses_and_a_lost_connection_is_told_in_words(desk, store):
    talk(store, "c3", ASKED, tenant="default")
    choose(desk, "c3")
    desk.go_back()
    expect(desk.locator("#who")).to_contain_text("c1")
    expect(desk.get_by_role("status")).to_have_text("")
    desk.context.set_offline(True)
    desk.evaluate("location.hash = 'c2'")  # a new connection, which cannot be made
    expect(desk.get_by_role("status")).to_have_text("connecting again …")
    desk.context.set_offline(False)
    expect(desk.get_by_role("status")).to_have_text("", timeout=15_000)
