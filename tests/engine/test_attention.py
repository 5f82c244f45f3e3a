"""Grouped attention equals PyTorch's, for any share of heads, any mask, and inside models; else PyTorch's is taken."""

import pytest
import torch
import torch.nn.functional as F

from dialoop.engine import attention
from dialoop.engine.attention import grouped, grouped_attention

from ..tiny_models import tiny_network


@pytest.mark.parametrize(("heads", "groups"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize(("count", "length"), [(1, 9), (5, 5), (5, 9), (300, 700)])
@pytest.mark.parametrize("masked", [True, False])
def test_grouped_attention_equals_pytorchs(heads: int, groups: int, count: int, length: int, masked: bool):
    torch.manual_seed(0)
    rows = 3
    query = torch.randn(rows, heads, count, 8, dtype=torch.float64)
    whole = torch.randn(2, rows + 2, groups, length + 4, 8, dtype=torch.float64)
    key, value = whole[:, 1:-1, :, :length]
    later = torch.ones(count, length, dtype=torch.bool).tril_(length - count)[None, None].repeat(rows, 1, 1, 1)
    if masked:
        later[1, :, :, : length // 3] = False
        later[1, :, :, -count:] |= torch.eye(count, dtype=torch.bool)
    hidden = torch.zeros(later.shape, dtype=torch.float64).masked_fill(~later, torch.finfo(torch.float64).min)
    wanted = F.scaled_dot_product_attention(query, key, value, attn_mask=later, enable_gqa=True)
    found = grouped(query * 8**-0.5, key, value, hidden if masked else None)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen3"])
def test_a_model_gives_the_same_with_it(kind: str, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    model = tiny_network(kind, 50).eval()
    model.config._attn_implementation = "sdpa"
    ids = torch.randint(0, 50, (2, 40))
    calls = []
    plain = attention.grouped
    monkeypatch.setattr(attention, "grouped", lambda *told: calls.append(1) or plain(*told))
    with torch.inference_mode():
        wanted = model(input_ids=ids, use_cache=False).logits
        with grouped_attention(model):
            found = model(input_ids=ids, use_cache=False).logits
    assert len(calls) == model.config.num_hidden_layers
    assert model.config._attn_implementation == "sdpa"
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_what_it_cannot_do_is_pytorchs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attention, "grouped", lambda *told: pytest.fail("grouped"))
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 1, 2, 6, 8)[:, None].unbind(0)
    query, key, value = (one[0] for one in (query, key, value))
    module = torch.nn.Module()
    module.is_causal, module.num_key_value_groups = False, 1
    found, _ = attention._attend(module, query, key, value, None)
    wanted = F.scaled_dot_product_attention(query, key, value).transpose(1, 2)
    torch.testing.assert_close(found, wanted)
    model = tiny_network("llama", 50)
    model.config._attn_implementation = "eager"
    with grouped_attention(model):
        assert model.config._attn_implementation == "eager"
