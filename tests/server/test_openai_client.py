"""The official `openai` client, unchanged, against the running server: a model in process, and a scripted engine."""

import json

import openai
import pytest

from dialoop.conversation import FunctionCall, Message, ToolCall
from dialoop.engine import InProcessEngine, ScriptedEngine
from dialoop.errors import EngineError

from ..engine.bases import tiny_base
from .running import serving

USER = [{"role": "user", "content": "我想订一个房间"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "book_room",
        "description": "Books a room.",
        "parameters": {
            "type": "object",
            "properties": {"room": {"type": "string", "enum": ["单人间", "double"]}, "nights": {"type": "integer"}},
            "required": ["room", "nights"],
        },
    },
}
SAID = Message(
    role="assistant",
    content="One moment.",
    tool_calls=[
        ToolCall(id="call_a", function=FunctionCall(name="book_room", arguments='{"room": "单人间", "nights": 2}'))
    ],
)


def client_of(address, key="none"):
    return openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0, timeout=30)


@pytest.fixture(scope="module")
def tiny():
    with serving(InProcessEngine(tiny_base())) as address, client_of(address) as client:
        yield client


@pytest.fixture
def scripted():
    """Starts a server whose answers are given."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(*answers, **options):
            engine = ScriptedEngine(answers)
            address = stack.enter_context(serving(engine, **options))
            return stack.enter_context(client_of(address)), engine

        yield start


def test_models(tiny):
    assert [model.id for model in tiny.models.list()] == ["tiny"]
    assert tiny.models.retrieve("tiny").owned_by == "dialoop"


def test_chat_with_a_model(tiny):
    ask = {"model": "tiny", "messages": USER, "max_tokens": 20, "seed": 1, "temperature": 1.0}
    answer = tiny.chat.completions.create(**ask)
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert 0 < answer.usage.completion_tokens <= 20
    streamed = "".join(
        chunk.choices[0].delta.content or "" for chunk in tiny.chat.completions.create(**ask, stream=True)
    )
    assert streamed == (answer.choices[0].message.content or "")


def test_stream_with_usage(scripted):
    client, engine = scripted("您好，😀请问住几晚？")
    chunks = list(
        client.chat.completions.create(
            model="scripted", messages=USER, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "您好，😀请问住几晚？"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert all(c.usage is None for c in chunks[:-1])
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens > 0
    assert len({c.id for c in chunks}) == 1
    assert engine.left_early == 0


def test_a_free_call_and_the_answer_to_its_result(scripted):
    client, engine = scripted(SAID, "订好了。")
    answer = client.chat.completions.create(model="scripted", messages=USER, tools=[TOOL])
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls"
    assert message.content == "One moment."
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments) == {"room": "单人间", "nights": 2}
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"ok": true}'}
    history = [*USER, message, result]
    done = client.chat.completions.create(model="scripted", messages=history, tools=[TOOL])
    assert done.choices[0].message.content == "订好了。"
    assert engine.requests[1].messages[1].tool_calls[0].function == SAID.tool_calls[0].function


def test_a_streamed_call_is_put_together_by_the_client(scripted):
    client, _ = scripted(SAID)
    with client.chat.completions.stream(model="scripted", messages=USER, tools=[TOOL]) as stream:
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls
    assert (call.id, call.function.name) == ("call_a", "book_room")
    assert json.loads(call.function.arguments) == {"room": "单人间", "nights": 2}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "book_room"}}])
@pytest.mark.parametrize("stream", [False, True])
def test_a_forced_call_of_a_random_model_fits_the_tool(tiny, choice, stream):
    ask = {"model": "tiny", "messages": USER, "tools": [TOOL], "tool_choice": choice, "temperature": 1.0, "seed": 5}
    if stream:
        with tiny.chat.completions.stream(**ask, max_tokens=100) as pieces:
            answer = pieces.get_final_completion()
    else:
        answer = tiny.chat.completions.create(**ask, max_tokens=100)
    call = answer.choices[0].message.tool_calls[0]
    arguments = json.loads(call.function.arguments)
    assert call.function.name == "book_room"
    assert set(arguments) == {"room", "nights"}
    assert arguments["room"] in ("单人间", "double")
    assert type(arguments["nights"]) is int


def test_no_call_where_none_is_wanted(tiny):
    answer = tiny.chat.completions.create(
        model="tiny", messages=USER, tools=[TOOL], tool_choice="none", max_tokens=20, temperature=1, seed=2
    )
    assert not answer.choices[0].message.tool_calls


BAD = [
    ({"messages": []}, "messages", "at least 1"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0]", "wizard"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "missing"),
    ({"messages": [*USER, {"role": "tool", "content": "x", "tool_call_id": "call_9"}]}, "messages", "call_9"),
    ({"messages": [*USER, {"role": "system", "content": "late"}]}, "messages", "out of order"),
    ({"temperature": 3}, "temperature", "less than or equal to 2"),
    ({"temperature": "hot"}, "temperature", "number"),
    ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
    ({"max_tokens": True}, "max_tokens", "integer"),
    ({"n": 2}, "n", "1"),
    ({"frequency_penalty": 0.5}, "frequency_penalty", "0"),
    ({"response_format": {"type": "json_object"}}, "response_format.type", "text"),
    ({"extra_body": {"top_k": 5}}, "top_k", "unknown or unsupported"),
    ({"tools": [{"type": "function", "function": {"name": "no spaces"}}]}, "tools[0].function.name", "pattern"),
    ({"tools": [TOOL, TOOL]}, "tools", "twice"),
    ({"tool_choice": "required"}, "tool_choice", "no tools"),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "fly"}}}, "tool_choice", "fly"),
    ({"stop": [""]}, "stop", "empty"),
    ({"messages": [{"role": "user", "content": "x" * 2000}]}, "messages", "window"),
    ({"max_tokens": 100_000}, "messages", "window"),
]


@pytest.mark.parametrize(("fields", "param", "told"), BAD)
@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_request_is_refused_with_its_field(tiny, fields, param, told, stream):
    with pytest.raises(openai.BadRequestError) as refused:
        tiny.chat.completions.create(**{"model": "tiny", "messages": USER, **fields}, stream=stream)
    body = refused.value.body
    assert body["param"] == param
    assert told in body["message"]
    assert body["type"] == "invalid_request_error"


def test_an_unknown_model_is_not_found(tiny):
    with pytest.raises(openai.NotFoundError, match="ask for tiny"):
        tiny.chat.completions.create(model="gpt-9", messages=USER)
    with pytest.raises(openai.NotFoundError):
        tiny.models.retrieve("gpt-9")


def test_the_key_is_asked_for(scripted):
    client, _ = scripted("in", api_key="right")
    with pytest.raises(openai.AuthenticationError):
        client.models.list()
    with pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(model="scripted", messages=USER)
    opened = client.with_options(api_key="right")
    assert opened.chat.completions.create(model="scripted", messages=USER).choices[0].message.content == "in"


def test_an_engine_that_fails_is_no_bad_request(scripted):
    client, _ = scripted(EngineError("the model failed", status=500), EngineError("gone"))
    with pytest.raises(openai.InternalServerError, match="the model failed"):
        client.chat.completions.create(model="scripted", messages=USER)
    with pytest.raises(openai.InternalServerError, match="gone"):
        client.chat.completions.create(model="scripted", messages=USER, stream=True)


def test_what_clients_send_besides_is_taken_where_it_changes_nothing(scripted):
    client, engine = scripted("a", "b")
    system = [{"role": "developer", "content": "Be brief."}, {"role": "system", "content": "Be kind."}]
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    client.chat.completions.create(
        model="scripted",
        messages=[*system, {"role": "user", "content": parts}],
        n=1, user="u", metadata={"k": "v"}, frequency_penalty=0, logprobs=False, stop="END", max_completion_tokens=7,
        response_format={"type": "text"}, parallel_tool_calls=True, top_p=0.5,
    )  # fmt: skip
    (request,) = engine.requests
    assert [(m.role, m.content) for m in request.messages] == [
        ("system", "Be brief.\n\nBe kind."),
        ("user", "one two"),
    ]
    assert (request.stop, request.max_tokens, request.top_p, request.temperature) == (("END",), 7, 0.5, 0.0)
