"""The CRF against every row of tags, one by one."""

import itertools

import numpy as np
import pytest
import torch

from dialoop.model.crf import IGNORED, Crf
from dialoop.model.windows import best_tags

torch.manual_seed(3)


def every_row(scores: torch.Tensor, moves: torch.Tensor) -> dict[tuple[int, ...], torch.Tensor]:
    units, tags = scores.shape
    found = {}
    for row in itertools.product(range(tags), repeat=units):
        steps = sum((moves[i, j] for i, j in itertools.pairwise(row)), torch.zeros((), dtype=scores.dtype))
        found[row] = sum(scores[unit, tag] for unit, tag in enumerate(row)) + steps
    return found


def test_the_loss_is_that_of_all_rows_counted_one_by_one_and_ignored_places_do_not_count():
    crf = Crf(3).double()
    torch.nn.init.normal_(crf.transitions)
    scores = torch.randn(3, 6, 3, dtype=torch.float64)
    x = IGNORED
    truth = torch.tensor([[x, 2, x, 0, 1, x], [1, 1, 1, 0, 2, x], [x, x, x, x, x, x]])
    wanted = torch.zeros((), dtype=torch.float64)
    for row, tags in zip(scores, truth, strict=True):
        if (tags != x).any():
            rows = every_row(row[tags != x], crf.transitions)
            wanted += torch.stack(list(rows.values())).logsumexp(0) - rows[tuple(tags[tags != x].tolist())]
    torch.testing.assert_close(crf(scores, truth), wanted)


@pytest.mark.parametrize("seed", range(8))
def test_the_best_row_is_the_best_of_all_valid_ones(seed: int):
    rng = np.random.default_rng(seed)
    scores, moves = rng.normal(size=(5, 5)), rng.normal(size=(5, 5))

    def valid(row: tuple[int, ...]) -> bool:
        return all(tag == 0 or tag % 2 == 1 or (at and row[at - 1] in (tag, tag - 1)) for at, tag in enumerate(row))

    rows = every_row(torch.tensor(scores), torch.tensor(moves))
    wanted = max((row for row in rows if valid(row)), key=lambda row: float(rows[row]))
    assert tuple(best_tags(scores, moves)) == wanted
    plain = every_row(torch.tensor(scores), torch.zeros(5, 5))
    assert tuple(best_tags(scores)) == max((row for row in plain if valid(row)), key=lambda row: float(plain[row]))
    assert best_tags(scores[:0]) == []
