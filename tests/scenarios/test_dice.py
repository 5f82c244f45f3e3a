"""Dice give what the seed says, now and on other machines."""

import pytest

from dialoop.scenarios.dice import Dice


def test_the_draws_of_a_seed_are_written_down_here():
    dice = Dice("hotel", 7)
    assert [dice.number(1, 6) for _ in range(8)] == [6, 5, 5, 2, 6, 3, 5, 2]


def test_another_seed_draws_otherwise():
    draws = {tuple(Dice("hotel", seed).number(0, 9) for _ in range(1)) for seed in range(40)}
    assert len(draws) > 5


def test_every_number_of_a_range_is_drawn_and_none_beside_it():
    dice = Dice("range")
    assert {dice.number(-1, 2) for _ in range(200)} == {-1, 0, 1, 2}


def test_some_are_different_and_at_most_all():
    dice = Dice("some")
    assert sorted(dice.some("abc", 5)) == ["a", "b", "c"]
    assert len(set(dice.some(range(50), 20))) == 20


@pytest.mark.parametrize("heavy", ["a", "b"])
def test_weights_are_kept(heavy: str):
    dice = Dice("weights", heavy)
    drawn = [dice.weighted({"a": 1.0, "b": 1.0} | {heavy: 9.0}) for _ in range(500)]
    assert 400 < drawn.count(heavy) < 490


def test_a_weight_of_zero_is_never_drawn():
    dice = Dice("zero")
    assert {dice.weighted({"a": 1.0, "b": 0.0}) for _ in range(300)} == {"a"}
