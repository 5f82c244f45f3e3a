"""Why an answer was said: told from the log alone, by the verb too."""

from pathlib import Path

import pytest

from dialoop.agent import Agent, explain
from dialoop.cli import main
from dialoop.conversation.events import Passage
from dialoop.errors import DataError
from tests.agent.desk import BOOK, Desk, calls
from tests.agent.test_turn import Meant


def talked(path: Path) -> Desk:
    desk = Desk(
        path,
        [
            "<tool_call>",
            "The Lark, 2 nights, for <name_1>. Shall I book it?",
            calls(BOOK),
            "Booked for <name_1>.",
            calls(("charge", '{"amount": 90}')),
        ],
        understand=lambda text, state: Meant(),
        search=lambda text, lang: [Passage(text="Quiet after ten.", source="rules.md")],
        model_version="v7",
    )
    for text in ("I am Anna Berg", "yes", "charge it"):
        desk.say(text)
    return desk


def test_what_led_to_each_answer_is_told(tmp_path: Path):
    desk = talked(tmp_path / "s.db")
    answers = [event.seq for event in desk.events() if event.kind == "agent_said"]
    first, second, third = (explain(desk.events(), seq) for seq in answers)
    assert first.said == "I am <name_1>"
    assert first.intents == Meant.intents
    assert [one.source for one in first.passages] == ["rules.md"]
    assert [one.by for one in first.decisions] == ["model", "repair"]
    assert first.withheld == ("markup of tool calls or templates",)
    assert (first.decided_by, first.model) == ("model", "v7")
    [booked] = second.calls
    assert (booked.name, booked.attempts, booked.failed) == ("book", 1, False)
    assert booked.result is not None
    assert "B1" in booked.result
    [asked] = third.calls
    assert asked.denied is not None
    assert asked.denied[0] == "rule:confirm"
    assert explain(desk.events()).seq == answers[-1]
    assert explain(desk.events(), second.said_at).seq == answers[1]


def test_where_no_answer_stands_it_is_refused(tmp_path: Path):
    desk = talked(tmp_path / "s.db")
    with pytest.raises(DataError, match="no answer of the agent") as refused:
        explain(desk.events(), 1)
    assert "answers stand at" in str(refused.value.remedy)
    with pytest.raises(DataError, match="said nothing"):
        explain(desk.events()[:3])
    assert isinstance(desk.agent, Agent)


def test_the_verb_tells_it_with_stand_ins_or_true_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "s.db"
    seq = next(event.seq for event in talked(path).events() if event.kind == "tool_returned")
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(path), "c1", str(seq + 2)])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "tool (" in said
    assert "decided by model (v7): Booked for <name_1>." in said
    assert "Anna" not in said
    with pytest.raises(SystemExit):
        main(["explain", str(path), "c1", str(seq + 2), "--true-values"])
    assert "Booked for Anna Berg." in capsys.readouterr().out


@pytest.mark.parametrize(("args", "what"), [(["c9"], "no such conversation"), (["c1", "1"], "no answer")])
def test_the_verb_refuses_what_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], what: str
):
    path = tmp_path / "s.db"
    talked(path)
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(path), *args])
    assert ended.value.code == 2
    assert what in capsys.readouterr().err
