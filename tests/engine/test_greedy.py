"""Batched greedy answers equal those of transformers' own loop, one prompt at a time, for each family of models."""

import random

import pytest
import torch

from dialoop.engine import generate_greedy
from dialoop.errors import ModelError

from .bases import tiny_base


def reference(base, prompt, max_new_tokens):
    """The plain loop: the whole sequence through the model for every token, no cache."""
    ids = list(prompt)
    with torch.inference_mode():
        while len(ids) - len(prompt) < max_new_tokens and len(ids) < base.window:
            token = int(base.model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax())
            if token in base.eos_ids:
                break
            ids.append(token)
    return ids[len(prompt) :]


def prompts(seed=0, vocab=256):
    """Prompts of many lengths; some are beginnings of others, some share a long beginning, two are equal."""
    draw = random.Random(seed)
    shared = [draw.randrange(vocab) for _ in range(40)]
    made = [[draw.randrange(vocab) for _ in range(draw.randrange(1, 60))] for _ in range(5)]
    made += [shared[:length] + [draw.randrange(vocab) for _ in range(draw.randrange(20))] for length in (5, 30, 40, 40)]
    return [*made, shared, shared[:20], shared]


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen3", "mistral", "gemma3"])
def test_batched_equals_single(kind):
    base = tiny_base(kind)
    asked = prompts()
    expected = [reference(base, prompt, 30) for prompt in asked]
    assert generate_greedy(base, asked, 30, batch_size=4) == expected
    assert len({tuple(answer) for answer in expected}) > 5


def test_stop_tokens_end_rows_at_different_times():
    base = tiny_base("qwen3")
    asked = prompts(1)
    plain = [reference(base, prompt, 24) for prompt in asked]
    base.eos_ids = tuple({answer[i] for answer, i in zip(plain, range(0, 24, 2), strict=False)})
    expected = [reference(base, prompt, 24) for prompt in asked]
    assert len({len(answer) for answer in expected}) > 2
    assert generate_greedy(base, asked, 24, batch_size=3) == expected


def test_the_window_ends_an_answer():
    base = tiny_base()
    base.window = 64
    assert len(generate_greedy(base, [[1] * 60], 30)[0]) == 4
    with pytest.raises(ModelError, match="64 tokens"):
        generate_greedy(base, [[1] * 64], 30)
    with pytest.raises(ModelError, match="0 tokens"):
        generate_greedy(base, [[]], 30)


def test_nothing_asked_nothing_answered():
    base = tiny_base()
    base.model.train()
    assert generate_greedy(base, [], 5) == []
    assert generate_greedy(base, [[1, 2]], 0) == [[]]
    assert base.model.training
