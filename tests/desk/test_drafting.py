"""A draft is asked for as the agent asks for its answers: shortened where it is too long, with stand-ins alone."""

import asyncio
import json

import httpx
import pytest

from dialoop import desk
from dialoop.engine import RemoteEngine, ScriptedEngine
from dialoop.errors import DeskError, RequestError

from .talks import JOINED, talk, write

TOO_LONG = RequestError("too long", code="context_length_exceeded")


def drafted(store, engine):
    return asyncio.run(desk.draft(store, "c1", engine))


def long_talk(store, turns=6):
    talk(store, "c1")
    for number in range(turns):
        said = {"text": f"answer {number}", "agent": "hotel", "model": "v1"}
        write(store, "c1", ("user_said", {"text": f"question {number}"}), ("agent_said", said))
    write(store, "c1", JOINED, ("user_said", {"text": "And lunch?"}))


def test_a_conversation_that_is_too_long_is_shortened(store):
    long_talk(store)
    engine = ScriptedEngine([TOO_LONG, TOO_LONG, "Lunch is from noon."])
    before = store.conversation("c1")
    assert drafted(store, engine) == "Lunch is from noon."
    first, second, third = ([one.content for one in request.messages] for request in engine.requests)
    assert len(first) > len(second) > len(third)
    for shown in (first, second, third):
        assert (shown[0], shown[-1]) == ("You are the desk of the Pine Hotel.", "And lunch?")
    assert store.conversation("c1") == before


def test_behind_a_server_with_words_of_its_own_too(store):
    """vLLM names no code that says so."""
    long_talk(store)
    asked = []

    def answer(request):
        asked.append(len(json.loads(request.content)["messages"]))
        if asked[-1] > 8:
            what = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."
            return httpx.Response(400, json={"error": {"message": what, "type": "BadRequestError", "code": 400}})
        said = {"choices": [{"delta": {"content": "From noon."}, "finish_reason": "stop"}]}
        return httpx.Response(200, content=f"data: {json.dumps(said)}\n\n")

    assert drafted(store, RemoteEngine("http://far.example/v1", transport=httpx.MockTransport(answer))) == "From noon."
    assert asked == [16, 10, 6]


def test_what_is_too_long_alone_is_refused(store):
    talk(store, "c1", JOINED, ("user_said", {"text": "And lunch?"}))
    with pytest.raises(RequestError) as refused:
        drafted(store, ScriptedEngine([TOO_LONG] * 9))
    assert refused.value.code == "context_length_exceeded"


def test_the_model_sees_stand_ins_alone_and_says_no_other(store):
    talk(store, "c1", JOINED)
    write(store, "c1", ("operator_said", {"operator": "Lin", "text": "Write to kim@example.org"}))
    write(store, "c1", ("user_said", {"text": "I did."}))
    engine = ScriptedEngine(["We heard you at <email_1>."])
    assert drafted(store, engine) == "We heard you at kim@example.org."
    (request,) = engine.requests
    assert request.protected
    assert request.tool_choice == "none"
    assert not any("kim@" in (one.content or "") for one in request.messages)


def test_a_model_with_nothing_to_say(store):
    talk(store, "c1")
    with pytest.raises(DeskError, match="no answer"):
        drafted(store, ScriptedEngine([" "]))
