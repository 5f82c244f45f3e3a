"""What must not leave is withheld, and the agent says that it calls a person; a model that makes no sense is caught."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.agent import Situation
from dialoop.agent.guarding import SentenceGuard, Sentences
from tests.agent.desk import BOOK, SYSTEM, Answer, Desk, calls

GOOD = "We have a room."


def reasons(desk: Desk) -> list[str | None]:
    return [event.reason for event in desk.events() if event.kind == "escalated"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("Your guide is <name_7>.", "made-up stand-in <name_7>"),
        ('<tool_call>{"name": "book"}</tool_call>', "markup"),
        ("<|im_start|>assistant", "markup"),
        ('I call {"name": "book", "arguments": {}}.', "markup"),
        (SYSTEM, "system message"),
        ("So. So. So.", "again and again"),
        ("好。好。好。", "again and again"),
        ("I hate you.", "rude"),
        ("An open <tool_ca", "markup"),
    ],
)
def test_what_fails_is_withheld_and_a_person_is_called(tmp_path: Path, bad: str, reason: str):
    def guard(sentence: str, situation: Situation) -> str | None:
        return "rude" if "hate" in sentence else None

    desk = Desk(tmp_path / "s.db", [f"{GOOD} {bad}"], guard=guard)
    reply = desk.say("Hello")
    assert reply.text.startswith(GOOD)
    assert "called a colleague" in reply.text
    assert not any(word in reply.text for word in ("<", "hate", "Never book", '{"'))
    assert reply.phase == "asked"
    [told] = reasons(desk)
    assert told is not None
    assert reason in told
    assert desk.events()[-1].text == reply.text  # type: ignore[union-attr]


def test_where_nothing_has_left_one_more_try_is_made(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["<tool_call>", GOOD])
    reply = desk.say("Hello")
    assert (reply.text, reply.phase) == (GOOD, "open")
    assert reply.decided == ["model", "repair"]
    assert [request.temperature for request in desk.engine.requests] == [0.0, 0.7]


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "  ",
        calls(("book", "{")),
        calls(("book", "[1]")),
        calls(*[("clock", "{}")] * 9),
        calls(("fly", "{}")),
        calls(("free_rooms", "{}")),
        calls(("free_rooms", '{"nights": "many"}')),
        calls(("free_rooms", '{"nights": 1, "colour": "red"}')),
        calls(("book", '{"room": "Lark", "nights": 1, "name": "<name_9>"}')),
    ],
)
def test_nonsense_is_mended_once_and_then_a_person_is_called(tmp_path: Path, nonsense: Answer):
    mended = Desk(tmp_path / "one.db", [nonsense, GOOD])
    assert mended.say("Hello").text == GOOD
    assert mended.ledger.calls == []
    lost = Desk(tmp_path / "two.db", [nonsense, nonsense, GOOD])
    reply = lost.say("Hello")
    assert reply.phase == "asked"
    assert lost.ledger.calls == []
    assert len(lost.engine.requests) == 2
    assert lost.store.verify().whole


def test_the_same_call_again_is_refused_and_then_a_person_is_called(tmp_path: Path):
    look = calls(("free_rooms", '{"nights": 2}'))
    desk = Desk(tmp_path / "s.db", [look, calls(("free_rooms", '{ "nights": 2.0 }')), look])
    reply = desk.say("Two nights")
    assert reply.phase == "asked"
    assert len(desk.ledger.calls) == 1
    assert reasons(desk) == ["the model made no sense"]


def test_a_model_that_never_answers_is_stopped(tmp_path: Path):
    desk = Desk(
        tmp_path / "s.db",
        [calls(("free_rooms", f'{{"nights": {n}}}')) for n in range(1, 9)],
        settings={"max_steps": 4},
    )
    assert desk.say("Two nights").phase == "asked"
    assert len(desk.ledger.calls) == 4
    assert reasons(desk) == ["no answer after 4 steps"]


def test_a_tools_failure_is_a_result_and_two_in_a_row_call_a_person(tmp_path: Path):
    look, other = calls(("free_rooms", '{"nights": 2}')), calls(("free_rooms", '{"nights": 3}'))
    desk = Desk(tmp_path / "s.db", [look, "I could not look."])
    desk.ledger.fail = [RuntimeError("no line to Anna Berg")]
    reply = desk.say("I am Anna Berg, two nights")
    assert (reply.text, reply.phase) == ("I could not look.", "open")
    assert reply.actions == {"call_1": ("free_rooms", "failed")}
    assert desk.engine.requests[1].messages[-1].content == '{"error": "RuntimeError: no line to <name_1>"}'
    desk = Desk(tmp_path / "t.db", [look, other])
    desk.ledger.fail = [RuntimeError("a"), RuntimeError("b")]
    assert desk.say("Two nights").phase == "asked"
    assert reasons(desk) == ["a tool failed"]


def test_the_same_answer_for_the_third_time_calls_a_person(tmp_path: Path):
    same = "I did not quite understand what you would like; what is it?"
    desk = Desk(tmp_path / "s.db", [same] * 3)
    assert [desk.say(text).phase for text in ("a", "b", "c")] == ["open", "open", "asked"]


def test_while_a_person_was_called_the_agent_goes_on_and_calls_nobody_again(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["We open at nine."])
    desk.say("I want to talk to a human")
    assert desk.say("When do you open?").text == "We open at nine."
    assert "called already" in desk.say("A human, please. I want to talk to a person").text
    assert desk.kinds().count("escalated") == 1


def test_a_guard_that_fails_lets_nothing_out(tmp_path: Path):
    def guard(sentence: str, situation: Situation) -> str | None:
        raise OSError("no model")

    desk = Desk(tmp_path / "s.db", [GOOD, GOOD], guard=guard)
    reply = desk.say("Hi")
    assert GOOD not in reply.text
    assert reasons(desk) == ["the guard failed: OSError"]


def test_an_answer_cut_for_length_ends_with_its_last_whole_sentence(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["One two. Three four five six seven"], settings={"max_tokens": 5})
    assert desk.say("Hi").text == "One two."


def test_notices_are_in_the_customers_language_and_in_the_projects_words(tmp_path: Path):
    own = {"en": {"failed": "Help is on the way."}, "de": {"failed": "Hilfe kommt."}}
    desk = Desk(tmp_path / "s.db", ["", ""] * 3, settings={"notices": own})
    assert desk.say("Hello there").text == "Help is on the way."
    assert desk.say("你好", "c2").text.startswith("抱歉")
    assert desk.say("Hallo", "c3", lang="de").text == "Hilfe kommt."


@given(st.text(alphabet="aA。.!？ \n3<", max_size=60), st.lists(st.integers(1, 5), min_size=1, max_size=30))
def test_sentences_are_the_text_however_it_is_cut(text: str, widths: list[int]):
    cut, found, at = Sentences(), [], 0
    for width in widths * 60:
        found += cut.feed(text[at : at + width])
        at += width
    found += cut.finish()
    assert "".join(found) == text
    whole = Sentences()
    assert found == [*whole.feed(text), *whole.finish()]


def test_a_text_without_any_end_is_cut_at_a_space():
    found = Sentences().feed("word " * 200)
    assert found
    assert all(len(sentence) <= 400 for sentence in found)


def test_facts_of_the_system_message_may_be_quoted():
    system = "You are the desk of the Inn. Breakfast is served from seven to ten in the hall on the ground floor."
    guard = SentenceGuard(system)
    assert guard.fault("Breakfast is served from seven to ten in the hall on the ground floor.") is None
    assert guard.fault("You are the desk of the Inn.") is not None
    assert SentenceGuard("你是海边旅馆的前台助手，必须先确认再预订。").fault(
        "你是海边旅馆的前台助手，必须先确认再预订。"
    )


def test_the_first_message_of_a_turn_may_speak_before_it_calls(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", [calls(("clock", "{}"), text="One moment."), "It is noon."])
    assert desk.say("Time?", key="m").text == "One moment.\nIt is noon."
    assert desk.say("Time?", key="m").text == "One moment.\nIt is noon."
    assert calls(BOOK).tool_calls is not None
