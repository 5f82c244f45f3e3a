"""The order of an epoch: every sample once, like lengths together, the same again for the same seed."""

from hypothesis import given
from hypothesis import strategies as st

from dialoop.training.order import portions, steps_of

lengths = st.lists(st.integers(1, 90), min_size=1, max_size=80)


@given(lengths, st.integers(1, 9), st.integers(1, 400), st.integers(0, 5))
def test_an_epoch_holds_every_sample_once_in_portions_of_bounded_size(lengths, batch_size, positions, epoch):
    steps = steps_of(lengths, batch_size, positions, seed=1, epoch=epoch)
    assert sorted(i for step in steps for portion in step for i in portion) == list(range(len(lengths)))
    assert all(sum(map(len, step)) <= batch_size for step in steps)
    assert len(steps) == -(-len(lengths) // batch_size)
    for portion in (portion for step in steps for portion in step):
        assert len(portion) == 1 or len(portion) * max(lengths[i] for i in portion) <= positions


def test_the_order_is_that_of_seed_and_epoch_alone():
    lengths = [7 * i % 50 + 1 for i in range(200)]
    first = steps_of(lengths, 4, 100, seed=0, epoch=0)
    assert first == steps_of(lengths, 4, 100, seed=0, epoch=0)
    assert first != steps_of(lengths, 4, 100, seed=0, epoch=1)
    assert first != steps_of(lengths, 4, 100, seed=1, epoch=0)


def test_samples_of_like_length_share_a_step():
    lengths = [7 * i % 50 + 1 for i in range(400)]

    def padding(steps):
        widths = [(max(lengths[i] for i in portion), portion) for step in steps for portion in step]
        return sum(width - lengths[i] for width, portion in widths for i in portion)

    sorted_together = steps_of(lengths, 8, 10_000, seed=0, epoch=0)
    shuffled_only = steps_of(lengths, 8, 10_000, seed=0, epoch=0, pool=1)
    assert padding(sorted_together) < padding(shuffled_only) / 3


def test_what_is_longer_than_a_portion_goes_alone():
    assert portions([0, 1, 2], [50, 500, 50], 100) == [[1], [0, 2]]


def test_a_portion_has_no_more_samples_than_is_said():
    lengths = [5, 3, 3, 2, 1, 1, 1]
    parts = portions(range(7), lengths, 1000, rows=3)
    assert [len(part) for part in parts] == [3, 3, 1]
    assert sorted(i for part in parts for i in part) == list(range(7))
    (step, *_) = steps_of(lengths, 6, 1000, seed=0, epoch=0, rows=2)
    assert all(len(part) <= 2 for part in step)
