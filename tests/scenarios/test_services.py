import json

import pytest

from dialoop.conversation import write_conversations
from dialoop.scenarios.services import make_services
from dialoop.scenarios.services.domains import DOMAINS, KEYS

HOTEL = ("hotel room", "hotel rooms", "客房")


def calls(talk):
    said = ""
    for message in talk.messages:
        for call in message.tool_calls or []:
            yield call.function.name, json.loads(call.function.arguments), said
        said += "\n" + (message.content or "")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_calls_fit_their_tools_and_every_text_value_was_said_before(lang):
    seen = set()
    for talk in make_services(400, lang=lang):
        tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in talk.tools}
        for name, arguments, said in calls(talk):
            seen.add(name)
            assert set(tools[name]["required"]) <= set(arguments) <= set(tools[name]["properties"])
            for key, value in arguments.items():
                assert isinstance(value, int) == (tools[name]["properties"][key]["type"] == "integer")
                if isinstance(value, str):
                    assert value.lower() in said.lower(), (talk.id, key, value)
    assert len(seen) > 100


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_two_keys_of_a_tool_are_the_same(lang):
    for talk in make_services(300, lang=lang):
        for tool in talk.tools:
            parameters = tool["function"]["parameters"]
            assert len(parameters["required"]) == len(set(parameters["required"]))
            assert set(parameters["required"]) <= set(parameters["properties"])


def test_the_same_arguments_give_the_same_bytes_and_a_longer_run_begins_with_the_shorter(tmp_path):
    write_conversations(tmp_path / "a.jsonl", make_services(6, seed=3))
    write_conversations(tmp_path / "b.jsonl", make_services(9, seed=3))
    short, longer = (tmp_path / "a.jsonl").read_text(), (tmp_path / "b.jsonl").read_text()
    assert longer.startswith(short)
    assert short != "\n".join(talk.model_dump_json() for talk in make_services(6, seed=4))


def test_no_hotel_is_among_the_services():
    for lang in ("en", "zh"):
        for domain in DOMAINS[lang]:
            assert domain.key not in ("room", "hotel")
            assert not any(word in (domain.item, domain.items) for word in HOTEL)


def test_a_change_is_made_only_after_the_customer_could_say_yes_where_the_house_asks_for_it():
    confirmed = 0
    for talk in make_services(400, lang="en"):
        if "confirm" not in (talk.messages[0].content or "").lower():
            continue
        for at, message in enumerate(talk.messages):
            for call in message.tool_calls or []:
                if set(json.loads(call.function.arguments)) & {*KEYS["name"]} and "book" in call.function.name:
                    confirmed += 1
                    assert talk.messages[at - 1].role == "user"
                    assert (talk.messages[at - 2].content or "").endswith(("?", "."))
    assert confirmed > 5
