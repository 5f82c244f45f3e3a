"""Samples that begin alike: every one once, leads that are theirs, rows that hold what the samples hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.training.batches import Sample
from dialoop.training.sharing import (
    LEAST_LEAD,
    TOGETHER,
    families_among,
    lay_families,
    rows_within,
    steps_of_families,
)

LEADS = [list(range(100 * n, 100 * n + 20 + 7 * n)) for n in range(3)]


@st.composite
def samples(draw: st.DrawFn) -> list[Sample]:
    """Up to thirty sentences that begin with one of three leads or none, their first target anywhere behind it."""
    found = []
    for _ in range(draw(st.integers(1, 30))):
        lead = draw(st.sampled_from([*LEADS, []]))
        own = draw(st.lists(st.integers(900, 903), min_size=2, max_size=9))
        first = draw(st.integers(1, len(own) - 1))
        ids = np.array([*lead, *own], dtype=np.int32)
        found.append(Sample(ids, np.arange(len(ids)) >= len(lead) + first))
    return found


@given(samples())
def test_each_sample_is_in_one_family_whose_lead_it_begins_with(given_samples):
    families = families_among(given_samples, range(len(given_samples)))
    assert sorted(n for family in families for n in family.members) == list(range(len(given_samples)))
    for family in families:
        assert (family.lead >= LEAST_LEAD) == (len(family.members) > 1)
        lead = given_samples[family.members[0]].ids[: family.lead].tolist()
        for number in family.members:
            assert given_samples[number].ids[: family.lead].tolist() == lead
            assert not given_samples[number].truth[: family.lead + 1].any()


def test_sentences_with_the_same_tools_are_a_family_and_others_are_not():
    made = [np.array([*LEADS[n % 2], 900 + n, 950, 951], dtype=np.int32) for n in range(8)]
    found = families_among([Sample(ids, np.arange(len(ids)) >= len(ids) - 1) for ids in made], range(8))
    assert sorted(family.members for family in found) == [(0, 2, 4, 6), (1, 3, 5, 7)]
    assert sorted(family.lead for family in found) == sorted(len(lead) for lead in LEADS[:2])


@given(samples())
def test_a_row_holds_every_target_once_with_what_comes_before_it(given_samples):
    batch = lay_families(given_samples)
    ids, positions = batch.inputs["input_ids"][0].tolist(), batch.inputs["position_ids"][0].tolist()
    told, lead = [], list[int]()
    for begin, end, goes_on in batch.inputs["segments"].tolist():
        before = lead if goes_on else []
        if not goes_on:
            lead = ids[begin:end]
        assert positions[begin:end] == list(range(len(before), len(before) + end - begin))
        whole, wanted = [*before, *ids[begin:end]], batch.truth[0, begin:end].tolist()
        told += [(whole[: len(before) + n], whole[len(before) + n]) for n, one in enumerate(wanted) if one]
    true = [(one.ids[:n].tolist(), int(one.ids[n])) for one in given_samples for n in np.flatnonzero(one.truth)]
    assert sorted(told) == sorted(true)
    assert batch.count == len(true)
    assert batch.tokens == sum(len(one.ids) for one in given_samples)
    assert len(ids) <= batch.tokens


@given(samples(), st.integers(1, 9), st.integers(1, 200), st.integers(0, 3))
def test_an_epoch_holds_every_sample_once_in_rows_of_bounded_size(given_samples, batch_size, positions, epoch):
    lengths = [len(one.ids) for one in given_samples]
    families = families_among(given_samples, range(len(lengths)))
    steps = steps_of_families(families, lengths, batch_size, positions, seed=1, epoch=epoch, rows=4)
    assert sorted(n for step in steps for row in step for n in row) == list(range(len(lengths)))
    assert len(steps) == -(-len(lengths) // batch_size)
    assert all(sum(map(len, step)) <= batch_size for step in steps)
    for row in (row for step in steps for row in step):
        assert len(row) <= 4
        laid = lay_families([given_samples[n] for n in row])
        assert len(row) == 1 or laid.inputs["input_ids"].shape[1] <= positions
    assert steps == steps_of_families(families, lengths, batch_size, positions, seed=1, epoch=epoch, rows=4)


def test_a_step_holds_a_few_of_a_family_and_epochs_differ():
    ids = [np.array([*LEADS[n // 40], 900 + n % 40, 950, 951], dtype=np.int32) for n in range(80)]
    made = [Sample(one, np.arange(len(one)) >= len(one) - 1) for one in ids]
    lengths = [len(one.ids) for one in made]
    families = families_among(made, range(80))
    first, second = (steps_of_families(families, lengths, 8, 10_000, seed=0, epoch=epoch) for epoch in (0, 1))
    assert first != second
    for step in first:
        kin = [sum(n // 40 == house for row in step for n in row) for house in (0, 1)]
        assert all(count % TOGETHER == 0 for count in kin)


def test_a_row_ends_before_it_is_too_long():
    alone = {number: (number, 0) for number in range(4)}
    assert rows_within([0, 1, 2, 3], [50, 50, 500, 20], 100, alone) == [[0, 1], [2], [3]]
    assert rows_within([3, 2, 1, 0], [1, 1, 1, 1], 100, alone, most=3) == [[3, 2, 1], [0]]


def test_what_stands_once_in_a_row_is_counted_once():
    kin = {0: (0, 40), 1: (0, 40), 2: (1, 30), 3: (0, 40)}
    assert rows_within([0, 1, 2, 3], [50, 50, 50, 50], 120, kin) == [[0, 1, 2, 3]]
    assert rows_within([0, 1, 2, 3], [50, 50, 50, 50], 110, kin) == [[0, 1, 2], [3]]


@pytest.mark.parametrize("numbers", [[], range(0)])
def test_no_samples_make_no_family(numbers):
    assert families_among([], numbers) == []
