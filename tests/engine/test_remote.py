"""The remote engine: another server's pieces come through unchanged, its errors with their meaning, the key nowhere."""

import asyncio
import json
import logging

import httpx
import pytest

from dialoop.conversation import FunctionCall, Message, ToolCall
from dialoop.engine import GenerateRequest, NamedTool, RemoteEngine, ScriptedEngine, Usage, gather
from dialoop.errors import EngineError, RequestError
from dialoop.server import build_app

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = ToolCall(id="call_7", function=FunctionCall(name="look", arguments='{"at": "酒店"}'))
SECRET = "sk-very-secret"


def run(scene):
    return asyncio.run(asyncio.wait_for(scene, 30))


def engine_with(transport, model="scripted"):
    return RemoteEngine("http://far.example/v1", SECRET, model, transport=transport)


def answering(*lines, status=200):
    return httpx.MockTransport(lambda request: httpx.Response(status, content="".join(lines)))


def ask(engine, **fields):
    return gather(engine.generate(GenerateRequest([Message(role="user", content="hi")], **fields)))


def test_through_our_own_server_it_gives_what_the_engine_there_gives():
    there = ScriptedEngine(["您好 😀", Message(role="assistant", content="So:", tool_calls=[CALL])])
    app = build_app([there], api_key=SECRET)

    async def scene():
        here = engine_with(httpx.ASGITransport(app))
        assert await here.offered() == ["scripted"]
        assert await here.ready()
        said = await ask(here, max_tokens=9, seed=3, stop=("END",), temperature=0.5, top_p=0.9)
        called = await ask(here, tools=[TOOL], tool_choice=NamedTool("look"), parallel=False)
        await here.close()
        return said, called

    said, called = run(scene())
    assert (said.text, said.finish_reason, said.usage) == ("您好 😀", "stop", Usage(2, 1))
    assert (called.text, called.tool_calls, called.finish_reason) == ("So:", [CALL], "tool_calls")
    first, second = there.requests
    assert (first.max_tokens, first.seed, first.stop, first.temperature, first.top_p) == (9, 3, ("END",), 0.5, 0.9)
    assert (list(second.tools), second.tool_choice, second.parallel) == ([TOOL], NamedTool("look"), False)


def test_history_with_calls_is_sent_in_openais_form():
    sent = []

    def answer(request):
        sent.append(json.loads(request.content))
        return httpx.Response(200, content='data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n')

    talk = [
        Message(role="user", content="hi"),
        Message(role="assistant", tool_calls=[CALL], weight=0, rejected="no"),
        Message(role="tool", content="{}", tool_call_id="call_7"),
    ]
    run(gather(engine_with(httpx.MockTransport(answer)).generate(GenerateRequest(talk))))
    (body,) = sent
    assert body["messages"][1] == {"role": "assistant", "tool_calls": [CALL.model_dump()]}
    assert body["messages"][2] == {"role": "tool", "content": "{}", "tool_call_id": "call_7"}
    assert not {"tools", "tool_choice", "seed", "stop", "max_tokens"} & set(body)


def error(message, **more):
    return json.dumps({"error": {"message": message, **more}})


@pytest.mark.parametrize(
    ("transport", "kind", "status", "told"),
    [
        (answering(error("too long", code="length", param="messages"), status=400), RequestError, 400, "too long"),
        (answering(error("slow down"), status=429), RequestError, 429, "slow down"),
        (answering(error("bad key"), status=401), EngineError, 502, "refuses our key"),
        (answering("<html>oops", status=500), EngineError, 502, "oops"),
        (answering("[1]", status=404), EngineError, 502, "status 404"),
        (answering('data: {"choices": []}\n\n', "data: [DONE]\n\n"), EngineError, 502, "broke off"),
        (answering("data: {no json\n\n"), EngineError, 502, "no JSON"),
        (answering('data: {"choices": [{"delta": {"content": "a"}}]}\n\n'), EngineError, 502, "broke off"),
        (answering('data: {"choices": [3]}\n\n'), EngineError, 502, "OpenAI's form"),
        (answering("data: " + error("it died") + "\n\n"), EngineError, 502, "it died"),
    ],
)
def test_errors_keep_their_meaning(transport, kind, status, told):
    with pytest.raises(RequestError, match=told) as refused:
        run(ask(engine_with(transport)))
    assert type(refused.value) is kind
    assert refused.value.status == status
    assert SECRET not in str(refused.value)


VLLM = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."


@pytest.mark.parametrize(
    "body",
    [
        error(VLLM, type="BadRequestError", param=None, code=400),
        json.dumps({"object": "error", "message": VLLM, "type": "BadRequestError", "param": None, "code": 400}),
        error("The input is longer than the Context Length of the model", code="invalid_request"),
        error("too long", code="context_length_exceeded"),
    ],
)
def test_a_conversation_that_is_too_long_is_known_by_any_servers_words(body):
    with pytest.raises(RequestError) as refused:
        run(ask(engine_with(answering(body, status=400))))
    assert (refused.value.status, refused.value.code) == (400, "context_length_exceeded")


@pytest.mark.parametrize(("fault", "status"), [(httpx.ConnectError("refused"), 502), (httpx.ReadTimeout("slow"), 504)])
def test_a_server_that_is_away_or_slow(fault, status):
    def fail(request):
        raise fault

    async def scene():
        engine = engine_with(httpx.MockTransport(fail))
        assert not await engine.ready()
        with pytest.raises(EngineError) as offered:
            await engine.offered()
        assert offered.value.status == 502
        await ask(engine)

    with pytest.raises(EngineError, match=r"far\.example") as failed:
        run(scene())
    assert failed.value.status == status


def test_the_key_is_sent_and_shown_nowhere(caplog):
    keys = []

    def answer(request):
        keys.append(request.headers["authorization"])
        return httpx.Response(500, content="")

    engine = engine_with(httpx.MockTransport(answer))
    with caplog.at_level(logging.DEBUG), pytest.raises(EngineError) as failed:
        run(ask(engine))
    assert keys == [f"Bearer {SECRET}"]
    assert SECRET not in repr(engine) + caplog.text + str(failed.value) + repr(vars(engine))
