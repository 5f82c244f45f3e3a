"""The engine in this process: batching changes no answer, calls fit their tools, limits hold, leaving is seen."""

import asyncio
import json
import threading
import time
from contextlib import aclosing, asynccontextmanager

import pytest

from dialoop.conversation import Message
from dialoop.engine import GenerateRequest, InProcessEngine, NamedTool, gather
from dialoop.errors import EngineError, RequestError

from .bases import tiny_base

BOOK = {
    "type": "function",
    "function": {
        "name": "book_room",
        "description": "Books a room.",
        "parameters": {
            "type": "object",
            "properties": {
                "room": {"type": "string", "enum": ["single", "double"]},
                "nights": {"type": "integer"},
                "name": {"type": "string"},
            },
            "required": ["room", "name"],
        },
    },
}
ENDLESS = {
    "type": "function",
    "function": {
        "name": "nest",
        "parameters": {"type": "object", "properties": {"in": {"$ref": "#"}}, "required": ["in"]},
    },
}
NEVER = {
    "type": "function",
    "function": {"name": "no", "parameters": {"properties": {"a": {"enum": []}}, "required": ["a"]}},
}
ASK = {"type": "function", "function": {"name": "ask_price", "parameters": {"type": "object", "properties": {}}}}


def asked(text="hello", **fields):
    fields.setdefault("max_tokens", 24)
    return GenerateRequest([Message(role="user", content=text)], **fields)


@asynccontextmanager
async def running(base=None, **options):
    engine = InProcessEngine(base or tiny_base(), **options)
    try:
        yield engine
    finally:
        await engine.close()


def run(scene):
    return asyncio.run(asyncio.wait_for(scene, 60))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_answers_do_not_depend_on_those_beside_them(temperature):
    requests = [asked("hello " * n, seed=n, temperature=temperature, max_tokens=10 + 3 * n) for n in range(1, 9)]

    async def scene():
        async with running() as engine:
            alone = [(await gather(engine.generate(request))).text for request in requests]
        async with running(max_batch=3) as engine:
            together = await asyncio.gather(*(gather(engine.generate(request)) for request in requests))
        assert [answer.text for answer in together] == alone
        assert len(set(alone)) == len(alone)

    run(scene())


def test_a_seed_repeats_and_no_seed_does_not():
    async def scene():
        async with running() as engine:
            ask = [asked(seed=7), asked(seed=7), asked(seed=8), asked(), asked()]
            texts = [(await gather(engine.generate(request))).text for request in ask]
        assert texts[0] == texts[1]
        assert len(set(texts[1:])) == 4

    run(scene())


def test_usage_and_length():
    base = tiny_base()
    prompts = []

    async def scene():
        async with running(base, on_prompt=prompts.append) as engine:
            answer = await gather(engine.generate(asked("hi", max_tokens=5, seed=1)))
            assert answer.finish_reason == "length"
            assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len(prompts[0]), 5)
            long = asked("x" * 150, max_tokens=1)
            first, second = [await gather(engine.generate(long)) for _ in range(2)]
            assert (first.usage.cached_tokens, second.usage.cached_tokens) == (0, 128)

    run(scene())


def prefer(base, token, after=0):
    """Makes a base want nothing but one token, from a number of steps on."""
    steps = []

    def hook(module, args, output):
        steps.append(1)
        if len(steps) > after:
            output.logits[..., token] += 1e4
        return output

    base.model.register_forward_hook(hook)


def test_the_stop_token_ends_with_stop():
    async def scene():
        base = tiny_base()
        prefer(base, base.eos_ids[0], after=6)
        async with running(base) as engine:
            answer = await gather(engine.generate(asked(seed=1)))
        assert answer.finish_reason == "stop"
        assert answer.usage.completion_tokens == 6
        assert "<|im_end|>" not in answer.text

    run(scene())


def test_stop_strings_end_the_text_before_them():
    async def scene():
        async with running() as engine:
            plain = (await gather(engine.generate(asked(seed=3, max_tokens=40)))).text
            stop = plain[10:13]
            answer = await gather(engine.generate(asked(seed=3, max_tokens=40, stop=(stop, "never said"))))
        assert answer.text == plain[: plain.index(stop)]
        assert answer.finish_reason == "stop"

    run(scene())


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize("choice", ["required", NamedTool("book_room"), NamedTool("ask_price")])
@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_forced_call_parses_even_from_a_random_model(choice, temperature, kind):
    async def scene():
        async with running(tiny_base(kind)) as engine:
            asks = [
                asked(tools=[BOOK, ASK], tool_choice=choice, temperature=temperature, seed=n, max_tokens=60 + 5 * n)
                for n in range(4)
            ]
            return await asyncio.gather(*(gather(engine.generate(request)) for request in asks))

    for answer in run(scene()):
        assert answer.tool_calls
        assert answer.text == ""
        assert answer.finish_reason in ("tool_calls", "length")
        for call in answer.tool_calls:
            arguments = json.loads(call.function.arguments)
            if isinstance(choice, NamedTool):
                assert call.function.name == choice.name
            if call.function.name == "ask_price":
                assert arguments == {}
            else:
                assert {"room", "name"} <= set(arguments) <= {"room", "nights", "name"}
                assert arguments["room"] in ("single", "double")
                assert isinstance(arguments["name"], str)


def test_one_call_where_several_are_not_wanted():
    async def scene():
        async with running() as engine:
            for n in range(5):
                ask = asked(tools=[ASK], tool_choice="required", parallel=False, seed=n, max_tokens=200)
                answer = await gather(engine.generate(ask))
                assert len(answer.tool_calls) == 1
                assert answer.finish_reason == "tool_calls"

    run(scene())


def test_no_call_is_said_where_none_is_wanted():
    """A model that wants nothing but to open a call: free it calls, told not to it does not."""
    base = tiny_base()
    prefer(base, base.tokenizer.convert_tokens_to_ids('<tool_call>\n{"name": "'))

    async def scene():
        async with running(base) as engine:
            free = await gather(engine.generate(asked(tools=[BOOK], max_tokens=80, seed=1)))
            assert free.tool_calls
            assert json.loads(free.tool_calls[0].function.arguments)["room"] in ("single", "double")
            for ask in (asked(tools=[BOOK], tool_choice="none", seed=1), asked(seed=1)):
                answer = await gather(engine.generate(ask))
                assert not answer.tool_calls
                assert "<tool_call>" not in answer.text

    run(scene())


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"text": "x" * 600}, "messages", "context_length_exceeded"),
        ({"max_tokens": 509}, "messages", "context_length_exceeded"),
        ({"max_tokens": 3, "tools": [BOOK], "tool_choice": "required"}, "max_tokens", "invalid_request"),
        ({"tools": [ENDLESS]}, "tools", "invalid_request"),
        ({"tools": [NEVER]}, "tools", "invalid_request"),
        ({"tools": [BOOK], "tool_choice": NamedTool("fly")}, "tool_choice", "invalid_request"),
        ({"tool_choice": "required"}, "tool_choice", "invalid_request"),
        ({"max_tokens": 0}, "max_tokens", "invalid_request"),
        ({"temperature": float("nan")}, "temperature", "invalid_request"),
        ({"top_p": 0.0}, "top_p", "invalid_request"),
        ({"stop": ("",)}, "stop", "invalid_request"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(fields, param, code):
    async def scene():
        async with running() as engine:
            with pytest.raises(RequestError) as refused:
                await gather(engine.generate(asked(**fields)))
            assert (refused.value.status, refused.value.param, refused.value.code) == (400, param, code)
            assert (await gather(engine.generate(asked()))).finish_reason

    run(scene())


def test_a_base_whose_template_shows_no_tools_takes_none():
    async def scene():
        base = tiny_base()
        base.tokenizer.chat_template = (
            "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
        )
        async with running(base) as engine:
            assert (await gather(engine.generate(asked()))).finish_reason
            with pytest.raises(RequestError, match="takes no tools"):
                await gather(engine.generate(asked(tools=[BOOK])))

    run(scene())


class Steps:
    """Counts the model's steps, and can hold it before the next one."""

    def __init__(self, base):
        self.count = 0
        self.go = threading.Event()
        self.go.set()
        base.model.register_forward_pre_hook(self._before)

    def _before(self, module, args):
        self.go.wait(20)
        self.count += 1


def test_who_leaves_is_noticed_before_the_next_token():
    async def scene():
        base = tiny_base()
        base.eos_ids = (0,)
        steps = Steps(base)
        async with running(base, max_batch=1) as engine:
            async with aclosing(engine.generate(asked(max_tokens=None, seed=1))) as pieces:
                await anext(pieces)
            seen, left = steps.count, time.monotonic()
            answer = await gather(engine.generate(asked(max_tokens=1, seed=2)))  # the only row is free again
            assert time.monotonic() - left < 1
            assert answer.finish_reason == "length"
            assert steps.count - seen < 20

    run(scene())


def test_too_many_requests_are_refused_and_closing_ends_the_rest():
    async def scene():
        base = tiny_base()
        steps = Steps(base)
        steps.go.clear()
        engine = InProcessEngine(base, max_batch=1, max_waiting=1)
        asks = [asyncio.ensure_future(gather(engine.generate(asked(seed=n)))) for n in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(RequestError) as refused:
            await gather(engine.generate(asked()))
        assert refused.value.status == 429
        closing = asyncio.ensure_future(engine.close())
        await asyncio.sleep(0)
        steps.go.set()
        await closing
        ends = await asyncio.gather(*asks, return_exceptions=True)
        assert all(isinstance(end, EngineError) and end.status == 503 for end in ends)
        assert not await engine.ready()
        with pytest.raises(EngineError, match="shutting down"):
            await gather(engine.generate(asked()))

    run(scene())


@pytest.mark.parametrize("kind", [RuntimeError, MemoryError, KeyError])
def test_a_failing_model_fails_its_answers_and_not_the_engine(kind):
    async def scene():
        base = tiny_base()
        failing = [True]

        def fail(module, args):
            if failing[0]:
                raise kind("out of memory\nat some place")

        base.model.register_forward_pre_hook(fail)
        async with running(base) as engine:
            with pytest.raises(EngineError, match=r"the model failed: .?out of memory") as failed:
                await gather(engine.generate(asked()))
            assert failed.value.status == 500
            failing[0] = False
            assert (await gather(engine.generate(asked()))).finish_reason
            assert await engine.ready()

    run(scene())
