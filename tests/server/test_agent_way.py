"""`model: "agent:<name>"`: a durable conversation over OpenAI's protocol, streamed, unstreamed, repeated, restarted."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from dialoop.engine import ScriptedEngine
from dialoop.errors import EngineError, StoreError
from dialoop.server import House
from dialoop.store import open_store

from .inn import calls, inn
from .running import serving


def ask(address, text, conversation=None, *, key=None, status=200, **fields):
    body = {"model": "agent:inn", "messages": [{"role": "user", "content": text}], **fields}
    if conversation is not None:
        body["conversation_id"] = conversation
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = httpx.post(f"{address}/v1/chat/completions", json=body, headers=headers, timeout=20)
    assert answer.status_code == status, answer.text
    return answer


def said(answer):
    return answer.json()["choices"][0]["message"]["content"]


def test_a_conversation_that_is_made_and_one_that_is_given(store):
    answers = ["Good day.", "Room 12.", "Hello."]
    with serving(house=inn(store, answers)) as address:
        first = ask(address, "hi")
        made = first.json()["conversation_id"]
        assert first.headers["x-conversation-id"] == made
        assert (said(first), first.json()["phase"]) == ("Good day.", "open")
        # what a client sends besides the last user message is not taken
        talk = [{"role": "user", "content": "forged"}, {"role": "assistant", "content": "forged"}]
        again = ask(address, "x", made, messages=[*talk, {"role": "user", "content": "a room?"}])
        assert (said(again), again.json()["conversation_id"]) == ("Room 12.", made)
        assert ask(address, "hi", "my-own:1").json()["conversation_id"] == "my-own:1"
    texts = [event.text for event in store.events(made) if event.kind in ("user_said", "agent_said")]
    assert texts == ["hi", "Good day.", "a room?", "Room 12."]


def test_tools_run_on_the_server_and_are_told(store):
    house = inn(store, [calls("find_rooms", date="2026-05-12", guests=2), "Room 12 is free."])
    with serving(house=house) as address:
        answer = ask(address, "a room for two on 12 May?").json()
    assert answer["actions"] == [{"name": "find_rooms", "state": "returned"}]
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert "tool_calls" not in answer["choices"][0]["message"]


def test_streamed_and_unstreamed_say_the_same(store):
    with serving(house=inn(store, ["The lake is warm today.", "The lake is warm today."])) as address:
        whole = said(ask(address, "how is the lake?"))
        lines = ask(address, "how is the lake?", stream=True).text.split("\n\n")
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines if line and line != "data: [DONE]"]
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == whole
    assert {chunk["conversation_id"] for chunk in chunks} == {chunks[0]["conversation_id"]}
    assert (chunks[-1]["choices"][0]["finish_reason"], chunks[-1]["phase"]) == ("stop", "open")
    assert lines[-2] == "data: [DONE]"


def test_the_official_client(store):
    with serving(house=inn(store, ["Good day.", "Until tomorrow."])) as address:
        client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        assert [model.id for model in client.models.list()] == ["agent:inn"]
        talk = {"model": "agent:inn", "extra_body": {"conversation_id": "c7"}}
        whole = client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], **talk)
        assert whole.conversation_id == "c7"
        parts = client.chat.completions.create(
            messages=[{"role": "user", "content": "bye"}],
            stream=True,
            stream_options={"include_usage": True},
            **talk,
        )
        assert "".join(part.choices[0].delta.content or "" for part in parts) == "Until tomorrow."


def test_a_message_that_comes_twice_is_answered_once(store):
    engine = ScriptedEngine(["Good day.", "never"])
    with serving(house=inn(store, [], engine=engine)) as address:
        first = ask(address, "hi", "c1", key="message-1")
        assert said(ask(address, "hi", "c1", key="message-1")) == said(first)
        assert ask(address, "ho", "c1", key="message-1", status=422).json()["error"]["code"] == "idempotency_key_reused"
        assert ask(address, "hi", "c1", key="x" * 201, status=400).json()["error"]["param"] == "Idempotency-Key"
    assert len(engine.requests) == 1
    assert sum(event.kind == "user_said" for event in store.events("c1")) == 1


def test_a_key_without_a_conversation_gets_its_answer_again(store):
    engine = ScriptedEngine(["Good day.", "Good day, Bob.", "never"])
    with serving(house=inn(store, [], engine=engine)) as address:
        first = ask(address, "hi", key="message-1")
        again = ask(address, "hi", key="message-1")
        assert (said(again), again.json()["conversation_id"]) == (said(first), first.json()["conversation_id"])
        assert again.headers["x-conversation-id"] == first.headers["x-conversation-id"]
        assert ask(address, "ho", key="message-1", status=422).json()["error"]["code"] == "idempotency_key_reused"
        bob = ask(address, "hi", key="message-1", user="bob")  # another customer's key is another key
        assert bob.json()["conversation_id"] != first.json()["conversation_id"]
    assert len(engine.requests) == 2


def test_a_key_finds_the_conversation_that_it_came_in_with(store):
    engine = ScriptedEngine(["Good day.", "never"])
    with serving(house=inn(store, [], engine=engine)) as address:
        ask(address, "hi", "c1", key="message-1")
        assert ask(address, "hi", key="message-1").json()["conversation_id"] == "c1"
    assert len(engine.requests) == 1


def test_two_equal_requests_at_once_are_one(store):
    engine = ScriptedEngine(["Good day.", "never", "never", "never"])
    with serving(house=inn(store, [], engine=engine)) as address, ThreadPoolExecutor(4) as four:
        answers = list(four.map(lambda _: ask(address, "hi", key="message-1").json(), range(4)))
    assert len({answer["conversation_id"] for answer in answers}) == 1
    assert {answer["choices"][0]["message"]["content"] for answer in answers} == {"Good day."}
    assert len(engine.requests) == 1


def test_a_key_is_not_answered_by_another_agent(store):
    one, other = inn(store, ["Good day."]), inn(store, ["never"], name="bar")
    house = House({**one.agents, **other.agents}, store)
    with serving(house=house) as address:
        ask(address, "hi", "c1", key="message-1")
        refused = ask(address, "hi", "c1", key="message-1", model="agent:bar", status=409)
        assert refused.json()["error"]["code"] == "other_agent"
        assert ask(address, "hi", key="message-1", model="agent:bar", status=409).json()["error"]["param"] == "model"


@pytest.mark.parametrize("stream", [True, False])
def test_a_store_that_fails_in_the_middle_is_told_and_counted(store, monkeypatch, stream):
    append = store.append

    def fails(events, **given):
        if any(event.kind == "agent_said" for event in events):
            raise StoreError("the disk is full")
        return append(events, **given)

    monkeypatch.setattr(store, "append", fails)
    with serving(house=inn(store, ["The lake is warm today."])) as address:
        answer = ask(address, "how is the lake?", stream=stream, status=200 if stream else 500)
        counted = httpx.get(f"{address}/metrics").text
    last = answer.text.split("\n\n")[-2].removeprefix("data: ") if stream else answer.text
    assert json.loads(last)["error"]["type"] == "server_error"
    assert "the disk is full" in json.loads(last)["error"]["message"]
    assert ("lake" in answer.text) is stream  # what was said before stands in the stream
    assert [line for line in counted.splitlines() if 'status="500"' in line and line.endswith(" 1")]


def test_it_goes_on_after_a_restart(store, tmp_path):
    with serving(house=inn(store, ["Good day."])) as address:
        ask(address, "I am Ann Miller", "c1")
    with open_store(tmp_path / "store.db") as again:
        engine = ScriptedEngine(["Yes."])
        with serving(house=inn(again, [], engine=engine)) as address:
            assert said(ask(address, "still there?", "c1")) == "Yes."
    assert [message.role for message in engine.requests[0].messages] == ["system", "user", "assistant", "user"]


def test_what_a_dead_worker_left_is_finished_at_the_start(store):
    from ..desk.talks import write

    head = {"agent": "inn", "system": "You are the desk."}
    write(store, "c1", ("opened", head), ("user_said", {"text": "hi"}), tenant="default")
    assert store.acquire("c1", "dead", 0.001) is not None
    with serving(house=inn(store, ["Good day."])):
        finished = wait_for(lambda: [event.kind for event in store.events("c1")][-1] == "agent_said")
    assert finished


def test_an_approval_before_a_crash_is_gone_on_with_at_the_start(store):
    from dialoop import desk

    answers = [calls("cancel_booking", booking="B1")]
    with serving(house=inn(store, answers)) as address:
        waiting = ask(address, "cancel B1 please", "c1").json()
    assert waiting["actions"] == [{"name": "cancel_booking", "state": "waiting"}]
    desk.approve(store, "c1", "Lin", "call_1")  # and the server dies before the agent hears of it
    with serving(house=inn(store, ["It is cancelled."])):
        assert wait_for(lambda: list(store.events("c1"))[-1].kind == "agent_said")
    assert [event.kind for event in store.events("c1")].count("tool_returned") == 1


def wait_for(true, seconds=15):
    import time

    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "x"}}]}, 400, "tools"),
        ({"temperature": 0.5}, 400, "temperature"),
        ({"temperature": 0}, 400, "temperature"),
        ({"seed": 0}, 400, "seed"),
        ({"parallel_tool_calls": False}, 400, "parallel_tool_calls"),
        ({"max_tokens": 5}, 400, "max_tokens"),
        ({"conversation_id": "no spaces"}, 400, "conversation_id"),
        ({"conversation_id": "会话"}, 400, "conversation_id"),
        ({"conversation_id": "café"}, 400, "conversation_id"),
        ({"conversation_id": "c1\n"}, 400, "conversation_id"),
        ({"user": ""}, 400, "user"),
        ({"user": "x" * 201}, 400, "user"),
        ({"user": "x\0"}, 400, "user"),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, 400, "messages"),
        ({"model": "agent:other"}, 404, "model"),
    ],
)
def test_what_an_agent_does_not_take(store, fields, status, param):
    with serving(house=inn(store, [])) as address:
        error = ask(address, "hi", status=status, **fields).json()["error"]
    assert error["param"] == param
    assert store.conversations(tenant=None) == []


def test_fields_at_the_value_that_changes_nothing_are_taken(store):
    fields = {"n": 1, "response_format": {"type": "text"}, "store": False, "service_tier": "auto", "user": "k1"}
    with serving(house=inn(store, ["Hello."])) as address:
        assert said(ask(address, "hi", presence_penalty=0, logprobs=False, **fields)) == "Hello."


def test_a_raw_model_takes_no_conversation(store):
    with serving(ScriptedEngine(["raw"]), house=inn(store, [])) as address:
        assert said(ask(address, "hi", model="scripted")) == "raw"
        refused = ask(address, "hi", "c1", model="scripted", status=400)
        assert refused.json()["error"]["param"] == "conversation_id"
        names = [model["id"] for model in httpx.get(f"{address}/v1/models").json()["data"]]
    assert names == ["agent:inn", "scripted"]


def test_another_customers_conversation_is_as_if_it_were_not_there(store):
    with serving(house=inn(store, ["Good day."])) as address:
        ask(address, "hi", "c1", user="ann")
        assert ask(address, "hi", "c1", user="bob", status=404).json()["error"]["code"] == "no_such_conversation"


def test_the_key_guards_agents_too(store):
    with serving(house=inn(store, []), api_key="s3cret") as address:
        ask(address, "hi", status=401)
        assert httpx.get(f"{address}/v1/models").status_code == 401


def test_a_failing_engine_is_told_and_a_person_is_called(store):
    with serving(house=inn(store, [EngineError("it broke")])) as address:
        answer = httpx.post(
            f"{address}/v1/chat/completions",
            json={"model": "agent:inn", "messages": [{"role": "user", "content": "hi"}], "conversation_id": "c1"},
            timeout=20,
        )
    assert answer.status_code == 200
    assert answer.json()["phase"] == "asked"
    assert "colleague" in said(answer)
