"""When a candidate counts as better, the same or worse, and what is decided from that."""

from typing import Any

import pytest

from dialoop.errors import SettingsError
from dialoop.learning import Finding, Leak, LearnSettings, Probe, Trial
from dialoop.learning.deciding import Decision, decide
from dialoop.learning.findings import outcome_of, rehearsed

SETTINGS = LearnSettings()


def finding(**fields: Any) -> Finding:
    usual = {"on": "the test", "group": "all", "measure": "exact calls", "better": "higher", "of": 100}
    usual |= {"before": 0.8, "margin": 0.02, "large": 0.1}
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
