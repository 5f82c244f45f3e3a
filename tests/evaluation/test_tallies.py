"""Intervals and tests: seeded, paired by conversation, right where the answer is known."""

import numpy as np
import pytest

from dialoop.evaluation import formulas
from dialoop.evaluation.tallies import Draws, Tally, tally, type_tallies


def shares(values: list[float]) -> Tally:
    return tally(len(values), [(i, (value, 1.0)) for i, value in enumerate(values)], 2, formulas.ratio)


def test_the_interval_holds_the_value_and_narrows_with_more_conversations() -> None:
    few, many = shares([0.0, 1.0] * 5), shares([0.0, 1.0] * 200)
    wide = few.figure(Draws.make(10, 500, seed=1), 0.95)
    narrow = many.figure(Draws.make(400, 500, seed=1), 0.95)
    assert wide.value == narrow.value == 0.5
    assert wide.low < narrow.low < 0.5 < narrow.high < wide.high
    assert narrow.high - narrow.low == pytest.approx(2 * 1.96 * 0.5 / 20, rel=0.15)  # the binomial's standard error
    assert (wide.of, narrow.of) == (10, 400)


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    some = shares([0.1, 0.9, 0.4, 0.7, 0.2, 0.6])
    figures = [some.figure(Draws.make(6, 300, seed), 0.95) for seed in (3, 3, 4)]
    assert figures[0] == figures[1] != figures[2]


def test_turns_of_one_conversation_are_drawn_together() -> None:
    """Twenty turns in two conversations are two observations: the interval reaches both."""
    rows = [(0, (1.0, 1.0))] * 10 + [(1, (0.0, 1.0))] * 10
    figure = tally(2, rows, 2, formulas.ratio).figure(Draws.make(2, 500, 0), 0.95)
    assert (figure.low, figure.high) == (0.0, 1.0)


def test_a_mean_over_types_lies_in_its_interval_though_draws_lack_the_rarest() -> None:
    common, rare = np.zeros(50, dtype=np.int64), np.arange(1, 41)
    nothing = np.zeros(0, dtype=np.int64)
    # 40 conversations: one common type is always hit; each has a type of its own, which never is
    by_type = [(common, common, np.append(common, own)) for own in rare] + [(nothing, nothing, nothing)]
    found = type_tallies(by_type, {"recall": formulas.macro_recall})["recall"]
    figure = found.figure(Draws.make(41, 500, 0), 0.95)
    assert figure.value == pytest.approx(1 / 41)
    assert figure.low is not None
    assert figure.high is not None
    assert 0 < figure.low < figure.value < figure.high


def test_one_conversation_has_no_interval_and_none_has_no_figure() -> None:
    assert shares([0.5]).figure(Draws.make(1, 200, 0), 0.95).low is None
    assert shares([]).figure(Draws.make(0, 200, 0), 0.95).value is None


def test_a_constant_gain_is_significant_and_noise_is_not() -> None:
    rng = np.random.default_rng(5)
    before = list(rng.random(40))
    draws = Draws.make(40, 1000, 0)
    gain = shares(before).difference(shares([value + 0.1 for value in before]), draws, 0.95)
    assert gain.value == pytest.approx(0.1)
    assert (gain.low, gain.high) == pytest.approx((0.1, 0.1))
    assert gain.p < 0.01
    noise = shares(before).difference(shares(list(rng.permutation(before))), draws, 0.95)
    assert noise.p > 0.2
    assert noise.low < 0 < noise.high


def test_no_difference_has_p_one() -> None:
    same = shares([0.3, 0.2, 0.9])
    assert same.difference(same, Draws.make(3, 200, 0), 0.95).p == 1.0


def test_p_keeps_its_level_where_nothing_differs() -> None:
    """Under chance alone about one test in twenty comes out below 0.05."""
    rng = np.random.default_rng(7)
    draws = Draws.make(30, 300, 0)
    below = 0
    for _ in range(200):
        pair = rng.normal(size=(2, 30))
        below += shares(list(pair[0])).difference(shares(list(pair[1])), draws, 0.95).p < 0.05
    assert 2 <= below <= 22


def test_token_types_that_only_one_side_has_are_lined_up() -> None:
    ids = np.array
    named = {"f": formulas.macro_f1}
    before = type_tallies([(ids([1]), ids([1, 9]), ids([1, 2])), (ids([2]), ids([2]), ids([2]))], named)["f"]
    after = type_tallies([(ids([1, 2]), ids([1, 2]), ids([1, 2])), (ids([2]), ids([2]), ids([2]))], named)["f"]
    difference = before.difference(after, Draws.make(2, 200, 0), 0.95)
    expected_before = (1 + 2 * 1 / 3 + 0) / 3  # type 1 hit; type 2 once said, twice true; type 9 said in vain
    assert difference.value == pytest.approx(1 - expected_before)
    assert int(before.units.sum()) == 3


def test_swaps_that_leave_a_side_without_a_figure_do_not_make_p_smaller() -> None:
    """Each model has a figure in one conversation alone: of all ways to part them, two give one, equally far."""
    before = Tally(np.array([[1.0, 2.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]), formulas.ratio)
    after = Tally(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 3.0, 1.0]]), formulas.ratio)
    assert before.difference(after, Draws.make(3, 400, 0), 0.95).p == 1.0
