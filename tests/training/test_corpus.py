"""What pretraining reads: whole first turns, and which tokens are targets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dialoop.training.corpus import answers, first_turns

BEGIN, END = 1, 2


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(4, 40))
def test_first_turns_are_whole_and_as_many_as_fit(lengths, width):
    starts = [3, *(3 + int(n) for n in np.cumsum(lengths)[:-1])]
    ids = np.arange(3 + sum(lengths), dtype=np.uint16)
    kept = first_turns(ids, starts, width)
    assert len(kept) <= width
    assert (kept == ids[: len(kept)]).all()
    bounds = [*starts[1:], len(ids)]
    fitting = [bound for bound in bounds if bound <= width]
    assert len(kept) == (fitting[-1] if fitting else min(width, len(ids)))


def test_answers_are_what_the_assistant_writes_and_its_end():
    ids = np.array([5, 6, END, BEGIN, 7, 8, END, 9, BEGIN, 7], dtype=np.uint16)
    assert answers(ids, BEGIN, END) == [False] * 4 + [True] * 3 + [False] * 2 + [True]
