"""Tools that a stranger wrote: what would be read for ever is refused, and what nobody can finish is never begun."""

import asyncio
import json

import pytest

from dialoop.conversation import Message
from dialoop.engine import GenerateRequest, InProcessEngine, NamedTool, gather, in_process
from dialoop.engine import batch as batches
from dialoop.engine.grammar import Value, closing, feed
from dialoop.engine.guide import Guide
from dialoop.engine.schema import Budget, Shape
from dialoop.errors import EngineError, RequestError
from dialoop.server.wire import read_chat_request

from .bases import tiny_base

SLOW = "(a+)+b"
"""A pattern that takes time exponential in the length of a row of a."""


def tool(parameters, name="look"):
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def quoting(pattern):
    part = {"type": "string", "x-verbatim": "code", "x-like": pattern}
    return {"type": "object", "properties": {"code": part, "words": {**part, "x-verbatim": True}}, "required": ["code"]}


def asked(parameters, text="hello", **fields):
    fields = {"max_tokens": 40, "temperature": 0.0, **fields}
    return GenerateRequest([Message(role="user", content=text)], tools=[tool(parameters)], **fields)


def answered(*requests, base=None):
    """What comes of requests that are answered together: answers, or the errors that ended them."""

    async def scene():
        engine = InProcessEngine(base or tiny_base())
        try:
            return await asyncio.gather(*(gather(engine.generate(one)) for one in requests), return_exceptions=True)
        finally:
            await engine.close()

    return asyncio.run(asyncio.wait_for(scene(), 60))


def deep(levels):
    """A schema of objects in objects."""
    found = {"type": "object"}
    for _ in range(levels):
        found = {"type": "object", "properties": {"a": found}}
    return found


SELF = {"$ref": "#"}
LADDER = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/0"}},
    "required": ["a"],
    "$defs": {
        str(n): {
            "type": "object",
            "properties": {side: {"$ref": f"#/$defs/{n + 1}"} for side in "lr"},
            "required": ["l", "r"],
        }
        for n in range(24)
    },
}


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "object", "allOf": [SELF] * 12},
        {"type": "object", "properties": {"a": {"anyOf": [{"anyOf": [SELF, SELF]}, SELF]}}, "anyOf": [SELF, SELF]},
        LADDER,
        {"properties": {"a": {"enum": list(range(300_000))}}, "required": ["a"]},
    ],
    ids=["allOf", "anyOf", "required", "enum"],
)
def test_a_schema_that_grows_without_end_is_refused(parameters):
    with pytest.raises(RequestError, match="too much to be read") as refused:
        Guide([tool(parameters)], "required")
    assert (refused.value.status, refused.value.param) == (400, "tools")


def test_all_tools_of_a_request_share_one_budget():
    parameters = {"properties": {"a": {"enum": list(range(30_000))}}, "required": ["a"]}
    Guide([tool(parameters)], "required")
    with pytest.raises(RequestError, match="too much to be read"):
        Guide([tool(parameters, f"look_{n}") for n in range(8)], "required")


def test_a_required_key_is_written_once():
    parameters = {"properties": {"a": {"$ref": "#"}, "b": {"type": "null"}}, "required": ["b"] * 3}
    assert closing((Value(Shape(parameters)),)) == b'{"b": null}'


@pytest.mark.parametrize(
    "parameters",
    [
        {"properties": {"a": {}}, "required": [{}]},
        {"properties": {"a": {"type": [{}]}}, "required": ["a"]},
        {"properties": {"a": {"type": "integer", "minimum": 10**400}}, "required": ["a"]},
        {"properties": {"a": {"anyOf": [{"enum": []}]}}, "required": ["a"]},
        deep(350),
    ],
    ids=["required", "type", "minimum", "anyOf", "deep"],
)
def test_parameters_that_are_no_schema_are_the_requests_fault(parameters):
    (refused,) = answered(asked(parameters))
    assert isinstance(refused, RequestError)
    assert (refused.status, refused.param) == (400, "tools")


@pytest.mark.parametrize("pattern", ["a{99999999999999999999}", "(" * 5000 + ")" * 5000, "("])
def test_a_pattern_that_cannot_be_read_binds_nothing(pattern):
    guide = Guide([tool(quoting(pattern))], "required", [Message(role="user", content="It is B7 or C8.")])
    opening = b'<tool_call>\n{"name": "look", "arguments": {"code": "'
    assert guide.after(opening + b"B7") is not None


def test_patterns_of_a_raw_request_are_not_followed():
    text = "The code is " + "a" * 60 + "0"
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "tools": [tool(quoting(SLOW))]}
    request = read_chat_request(json.dumps(body).encode()).to_request(temperature=0.0, max_tokens=8)
    assert not request.patterns
    (answer,) = answered(request)  # it would not come while this machine lasts
    assert answer.finish_reason


def test_patterns_of_ones_own_tools_are_followed():
    said = [Message(role="user", content="It is B7 or C8.")]
    arguments = b'<tool_call>\n{"name": "look", "arguments": {"code": "C8"'
    for patterns, is_allowed in ((True, False), (False, True)):
        guide = Guide([tool(quoting("B.*"))], "required", said, patterns=patterns)
        assert (guide.after(arguments) is not None) is is_allowed


NEVER = {"enum": []}
ENDLESS = {"type": "object", "properties": {"in": {"$ref": "#/$defs/Endless"}}, "required": ["in"]}
NESTED = {"$defs": {"Endless": ENDLESS}}


@pytest.mark.parametrize(
    ("part", "begun", "is_allowed"),
    [
        (NEVER, b'{"a"', False),
        ({"$ref": "#/$defs/Endless"}, b'{"a"', False),
        ({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Endless"}]}, b'{"a": {', False),
        ({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Endless"}]}, b'{"a": n', True),
        ({"anyOf": [{"$ref": "#/$defs/Endless"}, {"type": "object", "properties": {}}]}, b'{"a": {}', True),
        ({"type": "array", "items": {"$ref": "#/$defs/Endless"}}, b'{"a": [{', False),
        ({"type": "array", "items": {"$ref": "#/$defs/Endless"}}, b'{"a": []', True),
        ({"type": ["object", "string"], "properties": {"x": NEVER}, "required": ["x"]}, b'{"a": {', False),
        ({"$ref": "#"}, b'{"a": {"a": {"b": 1', True),
    ],
)
def test_what_nobody_can_finish_is_never_begun(part, begun, is_allowed):
    schema = {"type": "object", "properties": {"a": part, "b": {"type": "integer"}}, **NESTED}
    state = feed((Value(Shape(schema)),), begun)
    assert (state is not None) is is_allowed
    if state is not None:
        assert feed(state, closing(state)) == ()


def eager(base, text):
    """Makes a base want nothing but to say `text`, over and over."""
    ids, at = base.tokenizer(text, add_special_tokens=False)["input_ids"], []

    def hook(module, args, output):
        output.logits[..., ids[len(at) % len(ids)]] += 1e4
        at.append(1)
        return output

    base.model.register_forward_hook(hook)
    return base


@pytest.mark.parametrize("part", [NEVER, {"$ref": "#/$defs/Endless"}])
def test_an_optional_key_without_a_value_ends_no_answer(part):
    parameters = {"type": "object", "properties": {"a": part}, **NESTED}
    base = eager(tiny_base(), '<tool_call>\n{"name": "look", "arguments": {"a": {"in": {"in": ')
    one, other = answered(asked(parameters), asked(parameters, tool_choice=NamedTool("look")), base=base)
    for answer in (one, other):
        assert not isinstance(answer, Exception), answer
        assert {call.function.arguments for call in answer.tool_calls} <= {"{}"}


@pytest.mark.parametrize(
    ("raised", "status"), [(RequestError("too much", param="tools"), 400), (KeyError("a defect"), 500)]
)
@pytest.mark.parametrize("after", [0, 3])
def test_an_answer_that_fails_ends_alone(monkeypatch, raised, status, after):
    taken, take = {}, batches.Answering.take

    def failing(answer, logits):
        taken[answer] = taken.get(answer, -1) + 1
        if bytes(answer.prompt).find(b"fail") >= 0 and taken[answer] == after:
            raise raised
        return take(answer, logits)

    monkeypatch.setattr(batches.Answering, "take", failing)
    base = tiny_base()
    base.eos_ids = (0,)
    plain = [GenerateRequest([Message(role="user", content=word)], max_tokens=12, seed=1) for word in ("one", "two")]
    bad = GenerateRequest([Message(role="user", content="fail")], max_tokens=12, seed=1)
    monkeypatch.setattr(in_process, "prompt_ids", lambda messages, *_, **__: list(messages[0].content.encode()))
    first, ended, second = answered(plain[0], bad, plain[1], base=base)
    assert isinstance(ended, RequestError)
    assert (ended.status, isinstance(ended, EngineError)) == (status, status == 500)
    assert first.usage.completion_tokens == second.usage.completion_tokens == 12


def test_a_budget_says_when_it_is_spent():
    budget = Budget(3)
    budget.spend(3)
    with pytest.raises(RequestError):
        budget.spend(1)
