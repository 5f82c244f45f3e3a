import json

import pytest

from dialoop.scenarios.copying import make_copying
from dialoop.scenarios.copying.values import in_part


def tool_names(part, lang):
    talks = make_copying(400, lang=lang, part=part)
    return {tool["function"]["name"] for talk in talks for tool in talk.tools}


def keys(part, lang):
    talks = make_copying(400, lang=lang, part=part)
    return {key for talk in talks for tool in talk.tools for key in tool["function"]["parameters"]["properties"]}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_value_of_a_call_stands_earlier_in_the_conversation(lang):
    calls = 0
    for talk in make_copying(300, lang=lang):
        said = ""
        for message in talk.messages:
            for call in message.tool_calls or []:
                for value in json.loads(call.function.arguments).values():
                    calls += 1
                    assert str(value) in said
            said += "\n" + (message.content or "")
    assert calls > 300


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_calls_fit_their_tools(lang):
    for talk in make_copying(300, lang=lang):
        tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in talk.tools}
        for message in talk.messages:
            for call in message.tool_calls or []:
                parameters, arguments = tools[call.function.name], json.loads(call.function.arguments)
                assert set(parameters["required"]) <= set(arguments) <= set(parameters["properties"])
                for key, value in arguments.items():
                    assert isinstance(value, int) == (parameters["properties"][key]["type"] == "integer")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_training_and_test_share_no_tool_and_no_parameter(lang):
    assert not tool_names("train", lang) & tool_names("test", lang)
    assert not keys("train", lang) & keys("test", lang)


def test_a_value_is_of_one_part():
    values = [f"value {n}" for n in range(2000)]
    tests = sum(in_part(value, "test") for value in values)
    assert all(in_part(value, "test") != in_part(value, "train") for value in values)
    assert 120 < tests < 290  # one in ten


def test_the_same_arguments_give_the_same_conversations():
    first, second = (list(make_copying(20, seed=3)) for _ in range(2))
    assert first == second
    assert list(make_copying(20, seed=4)) != first
    assert {talk.lang for talk in first} == {"en", "zh"}
