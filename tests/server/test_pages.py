"""The chat page's and the desk page's part of the server: whose a conversation is, who may post, live events."""

import json
from contextlib import ExitStack

import httpx
import pytest

from dialoop.engine import ScriptedEngine
from dialoop.server import ServeSettings, add_operator

from ..desk.talks import ASKED, JOINED, call, kinds, talk
from .inn import calls, inn
from .running import serving
from .test_agent_way import wait_for

ID = "chat-" + "x" * 24


_CLIENTS = []


@pytest.fixture(autouse=True)
def _closed():
    yield
    while _CLIENTS:
        _CLIENTS.pop().close()


def browser(address):
    _CLIENTS.append(httpx.Client(base_url=address, timeout=20))
    return _CLIENTS[-1]


def visitor(address):
    client = browser(address)
    client.get("/chat")
    return client


def operator(address, name="Lin", password=""):
    client = browser(address)
    client.post("/desk/sign-in", json={"name": name, "password": password}).raise_for_status()
    return client


def say(client, text="hi", key="k1", conversation=ID, **fields):
    body = {"agent": "inn", "conversation": conversation, "text": text, "key": key, **fields}
    return client.post("/chat/messages", json=body)


def first_events(client, path, *names):
    """The first event of each of these names."""
    found = {}
    with client.stream("GET", path) as answer:
        assert answer.status_code == 200
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.setdefault(name, json.loads(line.removeprefix("data: ")))
                if found.keys() >= set(names):
                    return found
    raise AssertionError(found)


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_a_message_is_kept_and_shown_to_its_customer_alone(store):
    with serving(house=inn(store, ["Good day.", "never"])) as address:
        ann, bob = visitor(address), visitor(address)
        assert say(ann).status_code == 202
        assert say(ann).status_code == 202  # sent twice: said once
        seen = first_events(ann, f"/chat/events?conversation={ID}", "sight")["sight"]
        assert code(bob.get(f"/chat/events?conversation={ID}")) == (404, "unknown_conversation")
        assert code(say(bob)) == (404, "unknown_conversation")
        assert bob.post("/chat/person", json={"conversation": ID}).status_code == 404
        rating = {"conversation": ID, "said_at": 3, "score": 1}
        assert bob.post("/chat/ratings", json=rating).status_code == 404
    assert [line["text"] for line in seen["lines"] if line["who"] == "customer"] == ["hi"]
    assert "customer" not in seen


def test_cookies_that_no_script_reads_and_no_other_site_posts_with(store):
    with serving(house=inn(store, [])) as address:
        page = httpx.get(f"{address}/chat")
        assert "HttpOnly" in page.headers["set-cookie"]
        assert "SameSite=lax" in page.headers["set-cookie"]  # a link of another site finds the conversation again
        assert "default-src 'none'" in page.headers["content-security-policy"]
        signed = httpx.post(f"{address}/desk/sign-in", json={"name": "Lin"})
        assert "HttpOnly" in signed.headers["set-cookie"]
        assert "SameSite=strict" in signed.headers["set-cookie"]
        assert code(say(browser(address))) == (403, "no_cookie")


@pytest.mark.parametrize("path", ["/chat/messages", "/chat/person", "/chat/ratings", "/desk/sign-in", "/desk/sign-out"])
def test_pages_of_other_sites_cannot_post(store, path):
    with serving(house=inn(store, [])) as address:
        other = httpx.post(f"{address}{path}", json={}, headers={"Origin": "http://evil.example"})
        form = httpx.post(f"{address}{path}", data={"a": "b"})
        assert code(other) == (403, "wrong_origin")
        assert code(form) == (415, "unsupported_media_type")


def test_a_quiet_page_is_told_that_it_is_connected(store, monkeypatch):
    monkeypatch.setattr("dialoop.server.live.BEAT", 0.05)
    monkeypatch.setattr("dialoop.server.live.LOOK", 0.05)
    with serving(house=inn(store, ["Good day."])) as address:
        ann, lin = visitor(address), operator(address)
        say(ann)
        assert "beat" in first_events(ann, f"/chat/events?conversation={ID}", "sight", "beat")
        assert "beat" in first_events(lin, "/desk/events", "queue", "beat")


def test_without_a_sign_in_the_desk_is_for_this_machine_alone(store):
    with serving(house=inn(store, [])) as address:
        for path in ("/desk", "/desk/me", "/desk/events"):
            assert code(httpx.get(f"{address}{path}", headers={"Host": "evil.example"})) == (403, "wrong_host")
        ask = {"model": "agent:inn", "messages": [{"role": "user", "content": "hi"}]}
        raw = httpx.post(f"{address}/v1/chat/completions", json=ask, headers={"Host": "evil.example"})
        assert code(raw) == (403, "wrong_host")


def test_behind_a_proxy_the_host_that_the_browser_named_must_come_through(store):
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7", "Cookie": f"dialoop_visitor={'s' * 43}"}
    body = {"agent": "inn", "conversation": ID, "text": "hi", "key": "k1"}
    with serving(house=inn(store, ["Good day."])) as address:
        page = httpx.get(f"{address}/chat", headers={"X-Forwarded-Proto": "https"})
        assert "Secure" in page.headers["set-cookie"]
        told["Origin"] = "https://inn.example:8443"
        for host, status in (("127.0.0.1:8000", 403), ("inn.example", 403), ("inn.example:8443", 202)):
            answer = httpx.post(f"{address}/chat/messages", json=body, headers={**told, "Host": host}, timeout=20)
            assert answer.status_code == status, host


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "http://x]"])
def test_an_origin_that_is_no_address_is_another_site(store, origin):
    with serving(house=inn(store, [])) as address:
        for path in ("/chat/messages", "/desk/sign-in", "/desk/acts"):
            client = operator(address)
            assert code(client.post(path, json={}, headers={"Origin": origin})) == (403, "wrong_origin")


def test_a_host_that_is_no_address_is_not_this_machine(store):
    with serving(house=inn(store, [])) as address:
        for path in ("/desk", "/desk/me", "/desk/events"):
            assert code(httpx.get(f"{address}{path}", headers={"Host": "["})) == (403, "wrong_host")
        assert httpx.get(f"{address}/chat", headers={"Host": "["}).status_code == 200
        assert code(httpx.get(f"{address}/nowhere", headers={"Host": "["})) == (404, "unknown_url")


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""},
        {"text": "   "},
        {"text": "x" * 8001},
        {"text": 5},
        {"conversation": "api-1"},
        {"conversation": None},
        {"key": "no spaces"},
        {"more": 1},
        {"lang": "<b>"},
    ],
)
def test_messages_that_are_none(store, fields):
    with serving(house=inn(store, [])) as address:
        assert say(visitor(address), **fields).status_code == 400
    assert store.conversations(tenant=None) == []


def test_bodies_that_are_none(store):
    with serving(house=inn(store, [])) as address:
        client = visitor(address)
        headers = {"Content-Type": "application/json"}
        for body, status in ((b"{", 400), (b"[" * 9999, 400), (b'{"text": "\\ud800"}', 400), (b" " * 300_000, 413)):
            assert client.post("/chat/messages", content=body, headers=headers).status_code == status
        assert code(client.get("/pages/../app.py")) == (404, "unknown_url")
        assert code(client.get("/pages/app.py")) == (404, "unknown_url")


def test_too_many_messages_and_too_many_tries(store):
    engine = ScriptedEngine(["Good day."] * 9)
    with serving(house=inn(store, [], engine=engine), settings=ServeSettings(messages_per_minute=2)) as address:
        client = visitor(address)
        assert [say(client, key=f"k{number}").status_code for number in range(3)] == [202, 202, 429]
        tries = [httpx.post(f"{address}/desk/sign-in", json={"name": "Lin"}).status_code for _ in range(6)]
        assert tries == [200] * 5 + [429]


def test_the_greeting_is_the_conversations_first_line(store):
    with serving(house=inn(store, ["Room 12."], greeting="Good day.")) as address:
        client = visitor(address)
        assert client.get("/chat/about").json() == {"agents": [{"name": "inn", "greeting": "Good day."}]}
        say(client)
    assert [event.kind for event in store.events(ID)][:3] == ["opened", "agent_said", "user_said"]


def test_nobody_is_at_the_desk_without_a_session(store, tmp_path):
    talk(store, "c1", ASKED, tenant="default")
    operators = tmp_path / "operators.json"
    add_operator(operators, "Lin", "a long password")
    with serving(house=inn(store, [], operators=operators)) as address:
        nobody = browser(address)
        assert nobody.get("/desk/me").json() == {"operator": None, "password": True}
        assert code(nobody.get("/desk/events")) == (401, "not_signed_in")
        assert code(nobody.post("/desk/acts", json={"act": "take_over", "conversation": "c1"})) == (
            401,
            "not_signed_in",
        )
        assert code(nobody.post("/desk/drafts", json={"conversation": "c1"})) == (401, "not_signed_in")
        wrong = nobody.post("/desk/sign-in", json={"name": "Lin", "password": "another one"})
        unknown = nobody.post("/desk/sign-in", json={"name": "Kim", "password": "a long password"})
        assert code(wrong) == code(unknown) == (401, "wrong_password")
        lin = operator(address, "Lin", "a long password")
        assert lin.get("/desk/me").json()["operator"] == "Lin"
        lin.post("/desk/sign-out", json={}).raise_for_status()
        assert code(lin.get("/desk/events")) == (401, "not_signed_in")


def test_an_operator_who_is_taken_out_of_the_file_is_out(store, tmp_path):
    operators = tmp_path / "operators.json"
    add_operator(operators, "Lin", "a long password")
    add_operator(operators, "Kim", "a long password")
    with serving(house=inn(store, [], operators=operators)) as address:
        lin, kim = operator(address, "Lin", "a long password"), operator(address, "Kim", "a long password")
        with lin.stream("GET", "/desk/events") as open_page:
            operators.unlink()
            add_operator(operators, "Kim", "a long password")
            assert code(lin.get("/desk/events")) == (401, "not_signed_in")
            assert lin.get("/desk/me").json()["operator"] is None
            for _ in open_page.iter_lines():  # ends by itself
                pass
        assert code(kim.get("/desk/events")) == (401, "not_signed_in")  # another digest: signed in anew


def pages(client, count, path=f"/chat/events?conversation={ID}"):
    """So many pages, open until the stack ends."""
    stack = ExitStack()
    for _ in range(count):
        assert stack.enter_context(client.stream("GET", path)).status_code == 200
    return stack


def test_one_visitor_shuts_out_nobody(store):
    other = "chat-" + "y" * 24
    with serving(house=inn(store, ["Good day.", "Good day."])) as address:
        ann, bob = visitor(address), visitor(address)
        say(ann)
        say(bob, conversation=other)
        with pages(ann, 10):
            refused = ann.get(f"/chat/events?conversation={ID}")
            assert code(refused) == (429, "too_many_pages")
            assert "close one" in refused.json()["error"]["message"]
            assert first_events(bob, f"/chat/events?conversation={other}", "sight")
        assert wait_for(lambda: reachable(ann, f"/chat/events?conversation={ID}"))


def reachable(client, path):
    with client.stream("GET", path) as answer:
        return answer.status_code == 200


@pytest.mark.parametrize(("limit", "status"), [("MOST_BY_ADDRESS", 429), ("MOST_PAGES", 503)])
def test_customers_do_not_shut_out_the_desk(store, monkeypatch, limit, status):
    monkeypatch.setattr(f"dialoop.server.chat_page.{limit}", 3)
    with serving(house=inn(store, ["Good day."])) as address:
        ann, lin = visitor(address), operator(address)
        say(ann)
        with pages(ann, 3), pages(lin, 5, "/desk/events"):
            assert code(ann.get(f"/chat/events?conversation={ID}")) == (status, "too_many_pages")
            assert first_events(lin, "/desk/events", "queue")


def test_the_desk_sees_its_queue_and_acts_with_typed_refusals(store):
    talk(store, "c1", call(name="cancel_booking"), ASKED, tenant="default")
    talk(store, "c2", JOINED, tenant="default")
    talk(store, "secret", ASKED, tenant="other")
    with serving(house=inn(store, [])) as address:
        kim = operator(address, "Kim")
        seen = first_events(kim, "/desk/events?conversation=c1", "queue", "sight")
        assert [row["conversation"] for row in seen["queue"]] == ["c1", "c2"]
        assert seen["queue"][0]["calls"][0]["arguments"] == '{"booking":"B1"}'
        assert seen["sight"]["phase"] == "asked"

        def act(name, conversation="c1", **fields):
            return kim.post("/desk/acts", json={"act": name, "conversation": conversation, **fields})

        assert code(act("say", text="hi")) == (409, "not_taken")
        assert code(act("take_over", "c2")) == (409, "taken")
        assert code(act("take_over", "secret")) == (404, "unknown")
        assert code(act("edit", said_at=2, text="x")) == (409, "no_answer")
        assert act("dance").status_code == 400
        assert act("take_over").json() == {"seq": 6}
        assert act("say", text="I am a person.").json() == {"seq": 7}
        assert act("deny", call_id="call_1", reason="too late").status_code == 200
        assert code(act("approve", call_id="call_1")) == (409, "decided")
        assert act("close", outcome="solved").status_code == 200
        assert code(act("say", text="hi")) == (409, "closed")
        store.erase("c1", reason="asked")
        assert code(act("edit", said_at=3, text="x")) == (410, "erased")


def test_who_took_over_approves_and_the_call_is_made_without_a_word(store):
    with serving(house=inn(store, [calls("cancel_booking", booking="B1"), "never said"])) as address:
        ann, lin = visitor(address), operator(address)
        say(ann, "Cancel B1, please.")
        assert wait_for(lambda: "agent_said" in kinds(store, ID))  # a person has to look at it first
        for act in ({"act": "take_over"}, {"act": "approve", "call_id": "call_1"}):
            seq = lin.post("/desk/acts", json={"conversation": ID, **act}).raise_for_status().json()["seq"]
        assert wait_for(lambda: kinds(store, ID, after=seq) == ["tool_started", "tool_returned"])


def test_a_draft_is_the_models_and_nothing_is_written(store):
    talk(store, "c1", JOINED, ("user_said", {"text": "And lunch?"}), tenant="default")
    engine = ScriptedEngine(["Lunch is from noon."])
    house = inn(store, [], engine=engine)
    write_agent(store)
    with serving(house=house) as address:
        lin = operator(address)
        told = lin.post("/desk/drafts", json={"conversation": "c1"})
        assert told.json() == {"draft": "Lunch is from noon."}
    assert store.conversation("c1").seq == 6
    assert engine.requests[0].messages[-1].content == "And lunch?"


def write_agent(store):
    from ..desk.talks import write

    write(store, "c1", ("handed_to", {"to": "inn"}), tenant="default")
