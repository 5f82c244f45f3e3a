"""The logs: whole, varied, balanced, the same everywhere, and such that the agent's next step can be read off them."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dialoop.conversation import Conversation, Fault, scan, write_conversations
from dialoop.errors import SettingsError
from dialoop.scenarios.hotel import TOOLS, make_logs
from dialoop.scenarios.hotel.tools import OTHER

COUNT = 120
ACTING = ("book_room", "change_booking", "cancel_booking")
NUMBER_WORDS = {
    1: ("one", "一"), 2: ("two", "两"), 3: ("three", "三"), 4: ("four", "四"), 5: ("five", "五"), 6: ("six", "六"),
}  # fmt: skip
DIGEST = (
    "import hashlib; from dialoop.scenarios.hotel import make_logs;"
    "print(hashlib.sha256(''.join(c.model_dump_json() for c in make_logs(12, seed=4)).encode()).hexdigest())"
)


@pytest.fixture(scope="module", params=["train", "test"])
def logs(request: pytest.FixtureRequest) -> list[Conversation]:
    return list(make_logs(COUNT, seed=3, part=request.param))


def texts(one: Conversation) -> str:
    return "\n".join(message.content or "" for message in one.messages)


def stands(value: str | int, text: str) -> bool:
    """Whether the value stands in the text, a small number perhaps as a word."""
    words = NUMBER_WORDS.get(value, ()) if isinstance(value, int) else ()
    return any(word in text.lower() for word in words) or str(value) in text


def test_they_pass_the_check_of_the_record(logs: list[Conversation], tmp_path: Path):
    file = tmp_path / "hotel.jsonl"
    assert write_conversations(file, logs) == COUNT
    found = list(scan(file))
    assert [one for one in found if isinstance(one, Fault)] == []
    assert [one.model_dump() for one in found if isinstance(one, Conversation)] == [one.model_dump() for one in logs]


def test_languages_are_balanced_and_told(logs: list[Conversation]):
    assert Counter(one.lang for one in logs) == {"en": COUNT // 2, "zh": COUNT // 2}
    for one in logs:
        chinese = len(re.findall(r"[\u4e00-\u9fff]", texts(one)))
        latin = len(re.findall(r"[A-Za-z]{2,}", texts(one)))
        assert (chinese > latin) == (one.lang == "zh")


def test_they_are_compact(logs: list[Conversation]):
    sizes = sorted(len(one.messages) for one in logs)
    assert sizes[0] >= 6
    assert 10 <= sizes[COUNT // 2] <= 19
    calls = [sum(bool(message.tool_calls) for message in one.messages) for one in logs]
    assert 1.8 <= sum(calls) / COUNT <= 3.2


def test_every_tool_is_used_and_many_turns_are_text_only(logs: list[Conversation]):
    calls = Counter(call.function.name for one in logs for message in one.messages for call in message.tool_calls or [])
    assert calls.keys() == {tool["function"]["name"] for tool in TOOLS}
    assistant = [message for one in logs for message in one.messages if message.role == "assistant"]
    share = sum(bool(message.tool_calls) for message in assistant) / len(assistant)
    assert 0.2 <= share <= 0.45


def test_all_wishes_occur_in_both_languages():
    wanted = {"greet", "book", "room", "compare", "find", "change", "cancel", "rule", "complain", "chat"}
    wanted |= {"inform", "choose", "yes", "no", "thanks", "bye", "out_of_scope"}
    for lang in ("en", "zh"):
        logs = make_logs(150, lang=lang, seed=8)
        assert wanted == {intent for one in logs for note in one.annotations.messages for intent in note.intents}


def test_they_end_with_the_good_byes_of_both(logs: list[Conversation]):
    for one in logs:
        assert one.annotations.messages[-1].intents == ["bye"]
        assert [message.role for message in one.messages[-2:]] == ["user", "assistant"]


def test_spans_name_what_was_said(logs: list[Conversation]):
    labels = Counter()
    for one in logs:
        for note in one.annotations.messages:
            for span in note.slots or []:
                assert 0 <= span.start < span.end <= len(one.messages[note.index].content)
                labels[span.label] += 1
    assert {"check_in", "nights", "guests", "name", "contact", "room", "reference", "topic", "problem"} <= labels.keys()


def test_every_argument_stands_in_the_conversation_before_its_call(logs: list[Conversation]):
    for one in logs:
        before = ""
        for message in one.messages:
            for call in message.tool_calls or []:
                for name, value in json.loads(call.function.arguments).items():
                    assert value == OTHER or stands(value, before), (one.id, call.function.name, name, value)
            before += (message.content or "") + "\n"


def test_nothing_is_done_without_a_yes_to_all_of_it(logs: list[Conversation]):
    seen = 0
    for one in logs:
        intents = {note.index: note.intents[0] for note in one.annotations.messages}
        for index, message in enumerate(one.messages):
            for call in message.tool_calls or []:
                if call.function.name in ACTING:
                    seen += 1
                    assert intents[index - 1] == "yes"
                    asked = one.messages[index - 2].content
                    assert all(str(value) in asked for value in json.loads(call.function.arguments).values())
    assert seen > COUNT // 2


def test_no_number_is_made_up_by_the_agent(logs: list[Conversation]):
    for one in logs:
        before = ""
        for message in one.messages:
            if message.is_target:
                numbers = re.findall(r"\d+", message.content or "")
                made_up = [number for number in numbers if not stands(int(number), before)]
                assert not made_up, (one.id, message.content)
            before += (message.content or "") + "\n"


def test_slips_are_put_right_and_are_no_targets(monkeypatch):
    assert all(message.weight is None for one in make_logs(60, seed=5, part="train") for message in one.messages)
    monkeypatch.setattr("dialoop.scenarios.hotel.logs._WITHOUT_SLIPS", 0)
    slips, searches = 0, 0
    for one in make_logs(240, seed=5, part="train"):
        said = {note.index: note.intents[0] for note in one.annotations.messages}
        for index, message in enumerate(one.messages):
            if message.weight == 0 and message.tool_calls:
                searches += 1
                assert one.messages[index + 2].weight == 0, "the offer of what was looked for wrongly"
                again = next(m for m in one.messages[index + 3 :] if m.tool_calls)
                assert again.tool_calls[0].function.name == message.tool_calls[0].function.name == "search_rooms"
                assert again.tool_calls[0].function.arguments != message.tool_calls[0].function.arguments
            elif message.weight == 0:
                slips += 1
                assert said[index + 1] not in ("yes", "bye")
                again = next(m for m in one.messages[index + 2 :] if m.role == "assistant" and m.content)
                assert again.weight is None or again.content != message.content
    assert 20 < slips < 120
    assert searches > 5
    assert all(message.weight is None for one in make_logs(60, part="test") for message in one.messages)


def test_refusals_and_failures_occur():
    errors = Counter()
    for one in make_logs(300, seed=5):
        for message in one.messages:
            if message.role == "tool":
                result = json.loads(message.content)
                errors[result.get("error", "")] += 1
                errors["none free"] += "next_free" in result
                errors["too dear"] += "cheapest" in result
    wanted = {"not_found", "not_free", "no_rule", "bad_day", "no_such_room", "none free", "too dear"}
    assert wanted <= {name for name, count in errors.items() if count}


def test_no_two_conversations_are_the_same():
    assert len({texts(one) for one in make_logs(400, seed=1)}) == 400


def test_a_seed_gives_the_same_bytes_in_another_process():
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def test_another_seed_gives_others_and_a_shorter_run_is_the_beginning():
    first, other = ([texts(one) for one in make_logs(8, seed=seed)] for seed in (0, 1))
    assert not set(first) & set(other)
    assert [texts(one) for one in make_logs(5, seed=0)] == first[:5]


def test_logs_of_one_language():
    assert {one.lang for one in make_logs(4, lang="zh")} == {"zh"}


@pytest.mark.parametrize(("lang", "part"), [("fr", "train"), ("en", "dev")])
def test_what_does_not_exist_is_refused(lang: str, part: str):
    with pytest.raises(SettingsError):
        next(make_logs(1, lang=lang, part=part))
