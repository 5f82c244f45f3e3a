"""Rehearsals of made-up customers and partners: what succeeds, what fails and why, and what is told of it."""

import asyncio
import io
import json

import pytest
from rich.console import Console

from dialoop.errors import EngineError, SettingsError
from dialoop.rehearsal import (
    Answered,
    Line,
    Rehearsal,
    Result,
    Share,
    failures,
    private_values,
    rehearse,
    table,
    write_json,
)


class Caller:
    """A customer that says `said` one after the other and is content if it heard "done"."""

    def __init__(self, name: str, *said: str, lang: str = "en") -> None:
        self.name, self.lang = name, lang
        self._said, self._heard = list(said), []

    def opening(self) -> str:
        return self._said.pop(0)

    def reply(self, text: str) -> str | None:
        self._heard.append(text)
        return self._said.pop(0) if self._said else None

    def faults(self) -> list[str]:
        return [] if "done" in self._heard else ["not reached: done"]

    def private_values(self) -> list[str]:
        return [f"number of {self.name}", "shared"]


class Speaker:
    """A partner that does what `answers` say: a text, an error to raise, seconds to wait, or a person's name."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.outcome: str | None = None

    async def answer(self, text: str) -> Answered:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            await asyncio.sleep(answer)
        if isinstance(answer, tuple):
            return Answered("one moment", answer[0])
        return Answered(str(answer))

    async def decided(self) -> dict[str, int]:
        return {"model": 1, "rule:a": 2, "rule:b": 1}

    async def close(self, outcome: str) -> None:
        self.outcome = outcome

    async def lines(self) -> list[Line]:
        return [Line("customer", "<phone_1>"), Line("agent", "one moment")]


def held(*pairs: tuple[Caller, Speaker], **options: object) -> Rehearsal:
    partners = {caller.name: speaker for caller, speaker in pairs}
    return asyncio.run(rehearse([caller for caller, _ in pairs], lambda one: partners[one.name], **options))


def test_a_customer_that_gets_what_it_wants_is_a_success_and_needs_no_transcript():
    speaker = Speaker("well", "done")
    (result,) = held((Caller("a", "one", "two"), speaker)).results
    assert (result.success, result.turns, result.lines, result.called_person) == (True, 2, (), None)
    assert speaker.outcome == "reached"


@pytest.mark.parametrize(
    ("answers", "kind", "outcome"),
    [
        (("well",), "not reached", "missed"),
        ((EngineError("gone"),), "the agent failed", None),
        ((5.0,), "no answer", None),
        ((("tired",),), "a person was called", "missed"),
    ],
)
def test_what_goes_wrong_is_one_failure_with_its_reason_and_transcript(answers: tuple, kind: str, outcome: str | None):
    speaker = Speaker(*answers)
    rehearsal = held((Caller("a", "one", "two"), speaker), (Caller("b", "hello"), Speaker("done")), patience=0.05)
    first, second = rehearsal.results
    assert first.faults[0].partition(":")[0] == kind
    assert first.lines
    assert second.success
    assert speaker.outcome == outcome


def test_a_conversation_without_an_end_ends_as_a_failure():
    rehearsal = held((Caller("a", *["again"] * 40), Speaker("done")), most_turns=7)
    assert rehearsal.results[0].turns == 7
    assert rehearsal.results[0].faults[0].startswith("stuck")


def test_no_more_conversations_at_once_than_asked_for():
    open_now, most = [0], [0]

    class Slow(Speaker):
        async def answer(self, text: str) -> Answered:
            open_now[0] += 1
            most[0] = max(most[0], open_now[0])
            await asyncio.sleep(0)
            open_now[0] -= 1
            return Answered("done")

    held(*[(Caller(f"c{n}", "hello"), Slow()) for n in range(9)], at_once=3)
    assert most[0] == 3


def test_two_customers_of_one_name_are_refused():
    with pytest.raises(SettingsError, match="same name"):
        held((Caller("a", "x"), Speaker("done")), (Caller("a", "x"), Speaker("done")))


def result(customer: str, lang: str, *faults: str) -> Result:
    return Result(customer, lang, faults, 3, 0.1, None, {"model": 3, "rule:hotel": 1})


def test_shares_by_language_and_by_who_decided():
    rehearsal = Rehearsal("m", (result("a", "en"), result("b", "zh", "x: y"), result("c", "zh")), 1.0)
    assert (rehearsal.success().count, rehearsal.success("zh"), rehearsal.success("fr")) == (
        2,
        Share(1, 2),
        Share(0, 0),
    )
    assert rehearsal.share_decided("model") == Share(9, 12)
    assert rehearsal.share_decided("rule", "en") == Share(1, 4)
    assert rehearsal.languages == ["en", "zh"]


def test_intervals_are_wilsons():
    """Against figures computed by hand with 1.96: Wilson (1927), as in Newcombe (1998), table I."""
    low, high = Share(81, 263).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = Share(0, 20).interval
    assert (round(low, 4), round(high, 4)) == (0.0, 0.1611)
    assert Share(0, 0).interval is None
    assert str(Share(0, 0)) == "–"


def test_the_table_and_the_failures_are_told(tmp_path):
    one = Rehearsal("mine", (result("a", "en"), result("b", "zh", "not reached: x", "not reached: y")), 1.0)
    two = Rehearsal("rules only", (result("a", "en", "stuck: 30"), result("b", "zh")), 1.0)
    console = Console(file=io.StringIO(), width=100)
    for part in [*table([one, two]), *failures(one), *failures(two)]:
        console.print(part)
    told = console.file.getvalue()
    for words in ("mine", "rules only", "success, Chinese", "50% (1/2", "decided by the model", "b: not reached: x"):
        assert words in told
    assert "1  not reached" in told
    write_json(tmp_path / "all.json", [one, two])
    written = json.loads((tmp_path / "all.json").read_text("utf-8"))["rehearsals"]
    assert [each["name"] for each in written] == ["mine", "rules only"]
    assert written[0]["shares"]["zh"]["success"]["count"] == 0


def test_the_private_values_of_all_customers_can_be_listed():
    assert private_values([Caller("a", "x"), Caller("b", "x")]) == ["number of a", "number of b", "shared"]
