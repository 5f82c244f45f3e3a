"""Pictures of the chat page and the desk page for the docs, taken in a real Chromium: docs/images/*.png.

    python -m benchmarks.pages [FOLDER]

An agent by script, no model: the pictures show the pages, not how well anything answers. Desktop 1280 x 800 in light
colours, phone 390 x 844 (in Chinese, dark).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser import chromium
from tests.server.running import serving

from dialoop.agent import Agent, AgentSettings, Toolbox, tool
from dialoop.conversation import FunctionCall, Message, ToolCall, canonical_json
from dialoop.engine import ScriptedEngine
from dialoop.server import House, InService, Running, ServedAgent
from dialoop.store import Store, open_store

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
LARGEST = 150_000


def find_rooms(arrival: str, nights: int, guests: int) -> dict[str, Any]:
    """Find free rooms."""
    return {"arrival": arrival, "nights": nights, "rooms": [{"room": "Heron", "beds": guests, "price": 95}]}


@tool(transactional=True)
def cancel_booking(booking: str, refund: bool) -> dict[str, Any]:
    """Cancel a booking."""
    return {"booking": booking, "cancelled": True, "refund": refund}


def call(name: str, **arguments: Any) -> Message:
    """The model calls a tool."""
    function = FunctionCall(name=name, arguments=canonical_json(arguments))
    return Message(role="assistant", tool_calls=[ToolCall(id="x", function=function)])


ENGLISH = [
    "I see that as well. A colleague can look at it for you.",
    call("find_rooms", arrival="2026-05-12", nights=2, guests=2),
    "Yes: the Heron room is free from 12 to 14 May. It has two beds and a view of the lake, for 95 a night.",
    "Breakfast is served from seven to ten. It is not included.",
    call("cancel_booking", booking="B-2041", refund=True),
    "Booking B-2041 is cancelled, and the deposit goes back to your card.",
]
CHINESE = [
    "我也看到了，可以请同事为您核对。",
    call("find_rooms", arrival="2026-05-12", nights=2, guests=2),
    "有的：苍鹭房五月十二日至十四日空着，两张床，可以看到湖，每晚九十五元。",
    "早餐七点到十点供应，房费不含早餐。",
    call("cancel_booking", booking="B-2041", refund=True),
    "预订 B-2041 已取消，定金会退回您的卡上。",
]
TALK = {
    "en": [
        "Do you have a room for two from 12 May, two nights?",
        "Is breakfast included?",
        "Please cancel my old booking B-2041. I would like the deposit back.",
    ],
    "zh": ["五月十二日起两晚，有双人房吗？", "含早餐吗？", "请取消我之前的预订 B-2041，并退还定金。"],
}
GREETING = {
    "en": "Good day, this is the Lake Inn. How can I help you?",
    "zh": "您好，这里是湖畔客栈。请问有什么可以帮您？",
}
EDITED = {
    "en": "Breakfast is served from seven to ten, and it is included for guests of the Heron room.",
    "zh": "早餐七点到十点供应，苍鹭房的客人免费享用。",
}
SAID = {
    "en": "Hello, I am looking at your booking now. The refund is fine with us.",
    "zh": "您好，我正在查看您的预订，退款没有问题。",
}
WAITING = {
    "en": "The booking shows two different dates. Can somebody look at it?",
    "zh": "预订上有两个日期，能请人看一下吗？",
}
OPERATOR = {"en": "Robin", "zh": "小林"}


@contextmanager
def house(lang: str) -> Iterator[tuple[str, Store]]:
    """The address of a server with one agent by script, and its store."""
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "store.db") as store:
        settings = AgentSettings(
            system="You are the desk of the Lake Inn.", confirm=False, approve=["cancel_booking"],
            greeting=GREETING[lang],
        )  # fmt: skip
        engine = ScriptedEngine(ENGLISH if lang == "en" else CHINESE)
        agent = Agent("lake_inn", settings, engine, Toolbox.of([find_rooms, cancel_booking]), store, store.vault)
        served = ServedAgent(agent, InService(Running(engine)), GREETING[lang])
        with serving(house=House({"lake_inn": served}, store)) as address:
            yield address, store


def opened(browser: Browser, size: dict[str, int], lang: str, dark: bool) -> Page:
    """A blank page in this size, language and colours."""
    locale = "zh-CN" if lang == "zh" else "en-GB"
    context = browser.new_context(viewport=size, locale=locale, color_scheme="dark" if dark else "light")
    return context.new_page()


def say(page: Page, text: str, answers: int) -> None:
    """The customer says something, and so many answers of the agent are there afterwards."""
    page.locator("#text").fill(text)
    page.locator("#send").click()
    page.locator(".line.agent .under").nth(answers - 1).wait_for()


def pictures(browser: Browser, lang: str, size: dict[str, int], dark: bool, folder: Path, name: str) -> None:
    """Plays one story and takes its pictures."""
    with house(lang) as (address, _):
        chat, desk = opened(browser, size, lang, dark), opened(browser, size, lang, dark)
        other = opened(browser, size, lang, dark)
        other.goto(f"{address}/chat")
        other.locator("#text").fill(WAITING[lang])
        chat.goto(f"{address}/chat")
        other.locator("#send").click()
        other.locator(".line.agent .under").nth(1).wait_for()
        other.locator("#person").click()
        for number, text in enumerate(TALK[lang], start=2):
            say(chat, text, number)
        desk.goto(f"{address}/desk")
        desk.locator("#name").fill(OPERATOR[lang])
        desk.locator("#enter").click()
        desk.locator(".place.asked").wait_for()
        take(desk, folder / f"desk-queue-{name}.png")
        desk.locator(".place.approval").click()
        desk.locator(".line.agent", has_text=EDITED[lang][:9]).locator(".under button").click()
        desk.locator(".editing textarea").fill(EDITED[lang])
        desk.locator(".editing .main").click()
        desk.locator(".original").wait_for()
        desk.locator("#doing .main").click()
        desk.locator("#text").fill(SAID[lang])
        desk.locator("#send").click()
        chat.locator(".line.operator").wait_for()
        desk.locator(".line.operator").wait_for()
        take(desk, folder / f"desk-{name}.png")
        take(chat, folder / f"chat-{name}.png")


def take(page: Page, path: Path) -> None:
    """Writes the picture. Ends the program where it is too large for a repository."""
    page.wait_for_timeout(300)  # a picture, not a test: let colours settle
    page.screenshot(path=path)
    size = path.stat().st_size
    print(f"{path} {size:,} bytes")
    if size > LARGEST:
        raise SystemExit(f"{path} has more than {LARGEST:,} bytes")


def main() -> None:
    """Takes all pictures."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        pictures(browser, "en", DESKTOP, False, folder, "desktop")
        pictures(browser, "zh", PHONE, True, folder, "phone")
        browser.close()


if __name__ == "__main__":
    main()
