import json

import pytest

from dialoop.scenarios.copying import make_copying
from dialoop.scenarios.copying.phrases import CONFIRM_RULE, NUMBER_WORDS
from dialoop.scenarios.copying.values import in_part

CONFIRMING = (
    *("Is that right?", "correct?", "Shall I go on?"),
    *("Is that the one?", "Go ahead?", "Which one?", "Which would you like?"),
)
FINDING = ("find", "search", "get", "check", "track")


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
                    in_words = isinstance(value, int) and value <= 12 and NUMBER_WORDS[lang][value - 1] in said
                    assert str(value) in said or in_words
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


def test_long_conversations_are_long_and_hold_many_calls():
    short, long = (list(make_copying(40, lang="en", long=long)) for long in (False, True))

    def mean(talks, count):
        return sum(count(message) for talk in talks for message in talk.messages) / len(talks)

    assert mean(long, lambda m: len(m.content or "")) > 2 * mean(short, lambda m: len(m.content or ""))
    assert mean(long, lambda m: len(m.tool_calls or ())) > 2 * mean(short, lambda m: len(m.tool_calls or ()))


def test_changes_are_confirmed_where_the_system_message_says_so():
    for talk in make_copying(200, lang="en"):
        changing = {tool["function"]["name"] for tool in talk.tools} if talk.tools else set()
        changing = {n for n in changing if not n.lower().startswith(FINDING) and not n.lower().endswith(FINDING)}
        rule = any(sentence in (talk.messages[0].content or "") for sentence in CONFIRM_RULE["en"])
        for at, message in enumerate(talk.messages):
            for call in message.tool_calls or []:
                if rule and call.function.name in changing:
                    asked = talk.messages[at - 2].content or ""
                    assert asked.endswith(CONFIRMING) or asked.startswith("You can choose")


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
