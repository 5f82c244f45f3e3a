"""When a candidate counts as better, the same or worse, and what is decided from that."""

from typing import Any

import numpy as np
import pytest

from dialoop.errors import SettingsError
from dialoop.evaluation.formulas import ratio
from dialoop.evaluation.tallies import Draws, Tally
from dialoop.learning import Finding, Leak, LearnSettings, Probe, Trial
from dialoop.learning.deciding import Decision, decide
from dialoop.learning.findings import FEWEST, corrected, outcome_of, rehearsed, resamples

SETTINGS = LearnSettings()


def finding(**fields: Any) -> Finding:
    usual = {"on": "the test", "group": "all", "measure": "exact calls", "better": "higher", "of": 100}
    usual |= {"before": 0.8, "margin": 0.02, "large": 0.1, "conversations": 40, "p": 0.001}
    made = Finding.model_validate({**usual, **fields})
    return made.model_copy(update={"outcome": outcome_of(made)})


@pytest.mark.parametrize(
    ("after", "low", "high", "wanted"),
    [
        (0.85, 0.01, 0.09, "better"),
        (0.85, -0.01, 0.11, "same"),  # chance explains it
        (0.79, -0.02, -0.001, "same"),  # certain, and within the margin
        (0.75, -0.09, -0.01, "worse"),
        (0.75, -0.11, 0.01, "same"),  # chance explains it, and it is not large
        (0.65, -0.35, 0.05, "worse"),  # large
        (0.65, None, None, "worse"),
        (0.9, None, None, "same"),  # without an interval nothing is better
        (None, None, None, "worse"),
    ],
)
def test_better_needs_certainty_and_worse_needs_certainty_or_size(
    after: float | None, low: float | None, high: float | None, wanted: str
):
    assert finding(after=after, low=low, high=high).outcome == wanted


@pytest.mark.parametrize(("after", "low", "high", "wanted"), [(0.7, -0.2, -0.01, "better"), (0.9, 0.05, 0.2, "worse")])
def test_where_less_is_better_it_is_the_other_way_round(after: float, low: float, high: float, wanted: str):
    assert finding(better="lower", after=after, low=low, high=high).outcome == wanted


def test_a_language_alone_is_worse_only_if_it_is_certain():
    assert finding(group="zh", large=None, after=0.6, low=-0.5, high=0.1).outcome == "same"
    assert finding(group="zh", large=None, after=0.6, low=-0.5, high=-0.1).outcome == "worse"


def test_one_loss_outweighs_all_gains():
    better, worse = finding(after=0.9, low=0.05, high=0.15), finding(after=0.5, low=-0.4, high=-0.2)
    assert decide([better], None)[0]
    assert not decide([better, worse], None)[0]
    assert decide([], None) == (False, "It is better in nothing that was measured, so what serves goes on serving.")


def test_a_leak_refuses_what_is_better_and_the_page_tells_no_value():
    leak = Leak(kind="phone", conversation="c7", way="going on in the customer's place")
    probe = Probe(values=3, prompts=6, leaks=[leak])
    promoted, reason = decide([finding(after=0.9, low=0.05, high=0.15)], probe)
    assert not promoted
    assert "1 private values (phone)" in reason
    page = Decision(
        candidate="round-2", against="round-1", at="2026-01-01T00:00:00Z", promoted=promoted, reason=reason,
        confidence=0.95, findings=[finding(after=None)], probe=probe,
    ).page  # fmt: skip
    assert page.startswith("# round-2: refused\n")
    assert "3 private values, 6 prompts, 1 given away" in page


def trials(done: int, of: int, lang: str = "en") -> list[Trial]:
    return [Trial(task=f"{lang}-{n}", succeeded=n < done, lang=lang) for n in range(of)]


def test_task_success_is_paired_and_told_by_language():
    before = trials(10, 20) + trials(18, 20, "zh")
    after = trials(20, 20) + trials(4, 20, "zh")
    all_of_it, en, zh = rehearsed(before, after, SETTINGS)
    assert (all_of_it.before, all_of_it.after) == (0.7, 0.6)
    assert (en.group, en.outcome) == ("en", "better")
    assert (zh.group, zh.outcome) == ("zh", "worse")


def test_other_tasks_are_no_comparison():
    with pytest.raises(SettingsError, match="same tasks"):
        rehearsed(trials(3, 5), trials(3, 6), SETTINGS)
    with pytest.raises(SettingsError, match="each once"):
        rehearsed(trials(3, 5) * 2, trials(3, 5), SETTINGS)


def measured(dice: np.random.Generator, conversations: int, gain: float = 0.0) -> Finding:
    """A rate of two models at the same conversations of four turns each; without a gain they are equally good."""
    sides = [dice.random((conversations, 4)) < 0.6 + better for better in (0.0, gain)]
    before, after = (Tally(np.stack([one.sum(axis=1), np.full(conversations, 4.0)], axis=1), ratio) for one in sides)
    found = before.difference(after, Draws.make(conversations, 1000, 0), SETTINGS.confidence)
    return finding(
        before=float(sides[0].mean()), after=float(sides[1].mean()),
        low=found.low, high=found.high, p=found.p, conversations=conversations,
    )  # fmt: skip


@pytest.mark.parametrize("conversations", [2, 3, 4, 6])
def test_of_a_few_conversations_nothing_is_better_or_much_worse(conversations: int):
    dice = np.random.default_rng(conversations)
    found = [measured(dice, conversations) for _ in range(300)]
    by_interval = sum(one.low is not None and one.low > 0 for one in found)
    assert by_interval > 300 * 0.04  # the interval alone would have called so many better
    assert {one.outcome for one in corrected(found, SETTINGS)} == {"few"}
    assert finding(after=None, conversations=conversations).outcome == "worse"  # what cannot be measured is


def test_a_null_candidate_is_hardly_ever_promoted_by_many_findings():
    dice = np.random.default_rng(11)
    alone = together = 0
    for _ in range(100):
        found = [measured(dice, FEWEST + 2) for _ in range(12)]
        alone += any(one.outcome == "better" for one in found)
        together += any(one.outcome == "better" for one in corrected(found, SETTINGS))
    assert alone > 10
    assert together <= 6  # 5 % at most of both sides together


def test_where_numbers_suffice_what_is_better_and_what_is_worse_is_seen():
    dice = np.random.default_rng(3)
    nulls = [measured(dice, 40) for _ in range(11)]
    better, worse = measured(dice, 40, 0.35), measured(dice, FEWEST, -0.5)
    found = corrected([*nulls, better, worse], SETTINGS)
    assert [one.outcome for one in found[-2:]] == ["better", "worse"]
    assert not decide(found, None)[0]
    assert decide(corrected([better], SETTINGS), None)[0]


def test_p_is_held_against_all_that_could_promote_one_by_one():
    some = [finding(after=0.85, low=0.01, high=0.09, p=p) for p in (0.002, 0.02, 0.024, 0.04)]
    assert [one.outcome for one in corrected(some, SETTINGS)] == ["better", "same", "same", "same"]
    few = [finding(after=0.85, low=0.01, high=0.09, p=0.5, conversations=3)] * 3
    assert [one.outcome for one in corrected([some[1], *few], SETTINGS)] == ["better", "few", "few", "few"]
    assert corrected([finding(after=0.85, low=0.01, high=0.09, p=None)], SETTINGS)[0].outcome == "same"


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_p_can_fall_below_what_many_findings_ask(confidence: float):
    settings = LearnSettings(confidence=confidence)
    assert 1 / (resamples(settings) + 1) < (1 - confidence) / 50


def test_a_decision_tells_that_there_was_too_little_to_decide_by():
    promoted, reason = decide([finding(after=0.9, low=0.05, high=0.15, conversations=2)], None)
    assert not promoted
    assert "Nothing was measured on 10 conversations or more" in reason
