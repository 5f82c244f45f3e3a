"""Sentences in one row, what they share computed once: states and gradients are those of the sentences apart."""

import pytest
import torch
from torch import Tensor, nn
from transformers import Gemma2Config, Gemma2ForCausalLM, MistralConfig, MistralForCausalLM

from dialoop.model import AdapterSettings, load_base, segments, takes_rows, target_nll
from dialoop.model.segments import segment_states

from ..tiny_models import tiny_model, tiny_network

LEAD = [5, 6, 7, 8, 9, 10, 11]
SENTENCES = [[*LEAD, 20, 21, 22, 23], [*LEAD, 30, 31, 32], [40, 41, 42, 43, 44], [*LEAD, 20, 50]]
"""Three share a lead; the third stands alone."""


def row() -> tuple[dict[str, Tensor], Tensor]:
    """The sentences in one row; from the second token after the lead on, all are targets."""
    order = [(LEAD, 0, 0), *((SENTENCES[n][7:], 7, 1) for n in (0, 1, 3)), (SENTENCES[2], 0, 0)]
    ids = [token for part, _, _ in order for token in part]
    positions = [first + place for part, first, _ in order for place in range(len(part))]
    ends = torch.tensor([len(part) for part, _, _ in order]).cumsum(0)
    segments = torch.stack([ends - torch.tensor([len(part) for part, _, _ in order]), ends], 1)
    goes_on = torch.tensor([[on] for _, _, on in order])
    wanted = [part is not LEAD and place > 0 for part, _, _ in order for place in range(len(part))]
    inputs = {"input_ids": torch.tensor([ids]), "position_ids": torch.tensor([positions])}
    return inputs | {"segments": torch.cat([segments, goes_on], 1)}, torch.tensor([wanted])


def apart() -> list[tuple[dict[str, Tensor], Tensor]]:
    """The same, a sentence at a time."""
    found = []
    for sentence in SENTENCES:
        first = 8 if sentence[:7] == LEAD else 1
        wanted = torch.arange(len(sentence)) >= first
        found.append(({"input_ids": torch.tensor([sentence])}, wanted[None]))
    return found


def without_dropout(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def gradients(model: nn.Module) -> dict[str, Tensor]:
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


@pytest.mark.parametrize("block", [256, 2, 3], ids=["one block", "blocks of two", "blocks of three"])
@pytest.mark.parametrize("kept", [segments.KEPT_CHANCES, 0], ids=["kept", "made again"])
@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen3"])
def test_loss_and_gradients_are_those_of_the_sentences_apart(
    kind: str, kept: int, block: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(segments, "BLOCK", block)
    monkeypatch.setattr(segments, "KEPT_CHANCES", kept)
    model = without_dropout(tiny_network(kind, 60))
    assert takes_rows(model)
    wanted = sum((target_nll(model, *one) for one in apart()), torch.zeros(()))
    wanted.backward()
    expected = gradients(model)
    found = target_nll(model, *row())
    found.backward()
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
    got = gradients(model)
    assert got.keys() == expected.keys()
    for name, slope in expected.items():
        torch.testing.assert_close(got[name], slope, rtol=1e-5, atol=1e-5)


def test_what_stands_in_one_sentence_is_not_seen_by_another():
    model = tiny_network("qwen3", 60).eval()
    inputs, _ = row()
    other = inputs | {"input_ids": inputs["input_ids"].clone()}
    other["input_ids"][0, 8] = 55  # within the first follower
    one, two = (segment_states(model, each)[0] for each in (inputs, other))
    changed = (one - two).abs().amax(1) > 0
    assert changed[8:11].all()
    assert not changed[:8].any()
    assert not changed[11:].any()


def test_half_precision_comes_near(tmp_path):
    model = tiny_network("llama", 60).eval()
    exact = target_nll(model, *row()).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert target_nll(model, *row()).item() == pytest.approx(exact, rel=2e-2)


def test_an_adapter_learns_in_rows_too(tmp_path):
    base = load_base(tiny_model("llama", tmp_path / "base"), adapter=AdapterSettings(r=4, alpha=8))
    assert takes_rows(base.model)
    target_nll(base.model, *row()).backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in base.model.parameters())


def test_the_usual_attention_is_back_afterwards():
    model = tiny_network("qwen3", 60)
    usual = model.config._attn_implementation
    takes_rows(model)
    assert model.config._attn_implementation == usual


SMALL = {
    "vocab_size": 60,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
}


def test_attention_that_is_more_than_a_softmax_over_all_before_is_not_taken():
    with_window = MistralForCausalLM(MistralConfig(**SMALL, sliding_window=4))
    capped = Gemma2ForCausalLM(Gemma2Config(**SMALL))
    assert not takes_rows(with_window)
    assert not takes_rows(capped)


def test_dropout_in_the_attention_is_not_taken():
    assert not takes_rows(tiny_network("gpt2", 60))
