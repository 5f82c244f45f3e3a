"""Packing: every sentence in one row, rows not above their width, and neighbours that cannot see each other."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dialoop.training.packing import lay_out, pack
from dialoop.training.pretraining import packed_loss

from ..tiny_models import tiny_network


@given(st.lists(st.integers(1, 64), max_size=60))
def test_every_sentence_has_one_place(lengths):
    rows = pack(lengths, 64)
    assert sorted(i for row in rows for i in row) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in row) <= 64 for row in rows)


def test_a_sentence_beyond_the_width_is_refused():
    with pytest.raises(ValueError, match="65 tokens"):
        pack([3, 65], 64)


def test_packed_losses_and_gradients_are_those_of_each_sentence_alone():
    model = tiny_network("qwen3", 97).train()
    dice = torch.Generator().manual_seed(1)
    sentences = [torch.randint(0, 97, (n,), generator=dice).tolist() for n in (5, 17, 9, 30, 12)]
    rows = [[sentences[i] for i in row] for row in pack([len(one) for one in sentences], 32)]
    assert max(map(len, rows)) > 1
    batch = lay_out([[(ids, [True] * len(ids)) for ids in row] for row in rows], 32).batch(torch.float32)
    assert batch.tokens == sum(map(len, sentences))
    assert batch.count == batch.tokens - len(sentences)
    packed = packed_loss(model, batch)
    packed.backward()
    found = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    total = torch.zeros(())
    for ids in sentences:
        one = torch.tensor([ids])
        logits = model(input_ids=one).logits[0, :-1]
        loss = torch.nn.functional.cross_entropy(logits, one[0, 1:], reduction="sum")
        loss.backward()
        total += loss.detach()
    assert float(packed.detach()) == pytest.approx(float(total), rel=1e-5)
    for name, p in model.named_parameters():
        torch.testing.assert_close(found[name], p.grad, rtol=1e-4, atol=1e-5)
