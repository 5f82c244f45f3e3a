"""Grouped attention equals PyTorch's head by head, also inside models; it is for growing answers on processors."""

import pytest
import torch
import torch.nn.functional as F

from dialoop.engine import attention
from dialoop.engine.attention import grouped_attention
from dialoop.engine.rows import Rows

from ..tiny_models import tiny_network


@pytest.mark.parametrize(("heads", "groups"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize("count", [1, 5])
def test_it_equals_pytorchs_head_by_head(heads: int, groups: int, count: int):
    torch.manual_seed(0)
    rows, length = 3, 9
    query = torch.randn(rows, heads, count, 8, dtype=torch.float64)
    key, value = torch.randn(2, rows, groups, length, 8, dtype=torch.float64)
    seen = torch.ones(rows, 1, count, length, dtype=torch.bool)
    seen[1, :, :, 4:], seen[2, :, :, 7:] = False, False
    mask = torch.zeros(seen.shape, dtype=torch.float64).masked_fill(~seen, torch.finfo(torch.float64).min)
    module = torch.nn.Module()
    module.num_key_value_groups = heads // groups
    found, _ = attention._attend(module, query, key, value, mask, scaling=0.3)
    each = [one.repeat_interleave(heads // groups, 1) for one in (key, value)]
    wanted = F.scaled_dot_product_attention(query, *each, attn_mask=seen, scale=0.3).transpose(1, 2)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen3"])
def test_rows_step_as_whole_sentences_do(kind: str, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    model = tiny_network(kind, 50).eval()
    model.config._attn_implementation = "sdpa"
    asked, plain = [], F.scaled_dot_product_attention
    monkeypatch.setattr(attention.F, "scaled_dot_product_attention", lambda *q, **k: asked.append(q) or plain(*q, **k))
    prompts = [torch.randint(0, 50, (length,)).tolist() for length in (5, 9)]
    rows = Rows(model, 2)
    with torch.inference_mode():
        for prompt in prompts:
            rows.begin(prompt)
            rows.fill(prompt)
            rows.admit()
        asked.clear()
        stepped = rows.step([7, 8])
        shared = model.config.num_attention_heads != getattr(
            model.config, "num_key_value_heads", model.config.num_attention_heads
        )
        grouped = [query for query, *_ in asked if query.shape[2] > 1]
        assert len(grouped) == (model.config.num_hidden_layers if shared else 0)
        for row, (prompt, token) in enumerate(zip(prompts, (7, 8), strict=True)):
            whole = model(input_ids=torch.tensor([[*prompt, token]]), use_cache=False).logits[0, -1]
            torch.testing.assert_close(stepped[row], whole, rtol=1e-4, atol=1e-4)
    assert model.config._attn_implementation == "sdpa"


def test_a_model_that_attends_otherwise_keeps_its_way():
    model = tiny_network("llama", 50)
    model.config._attn_implementation = "eager"
    with grouped_attention(model):
        assert model.config._attn_implementation == "eager"
