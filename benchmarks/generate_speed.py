"""Greedy answers to prompts that begin alike: `generate_greedy` against transformers' `generate`, side by side.

    python benchmarks/generate_speed.py [--base mini] [--dtype float32]

Prompts are made up: conversations of five turns, one list of tools for all, so most of each prompt is shared. Both make
exactly as many tokens (no stop token). Printed: processor seconds of each, their ratio, how many answers are equal.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from typing import Any

import torch

from dialoop.engine import generate_greedy
from dialoop.model import Base, load_base

Answers = list[list[int]]


def made_up(vocabulary: int, conversations: int, turns: int = 5, tools: int = 300, words: int = 60) -> list[list[int]]:
    """Prompts as evaluation makes them: each turn's prompt begins as the one before it."""
    draw = random.Random(0)

    def some(count: int) -> list[int]:
        return [draw.randrange(vocabulary) for _ in range(count)]

    shared, prompts = some(tools), []
    for _ in range(conversations):
        prompt = shared
        for _ in range(turns):
            prompt = prompt + some(draw.randrange(words // 2, words * 3 // 2))
            prompts.append(prompt)
    draw.shuffle(prompts)
    return prompts


def by_transformers(base: Base, prompts: list[list[int]], new: int, batch: int) -> Answers:
    """Sorted by length, padded at the left, no stop token: a careful use of `generate`."""
    answers: Answers = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    model: Any = base.model
    for start in range(0, len(order), batch):
        group = order[start : start + batch]
        width = max(len(prompts[number]) for number in group)
        ids = torch.tensor([[0] * (width - len(prompts[n])) + prompts[n] for n in group])
        mask = torch.tensor([[0] * (width - len(prompts[n])) + [1] * len(prompts[n]) for n in group])
        with torch.inference_mode():
            made = model.generate(
                ids, attention_mask=mask, max_new_tokens=new, do_sample=False, eos_token_id=None, pad_token_id=0
            )
        for number, row in zip(group, made[:, width:].tolist(), strict=True):
            answers[number] = row
    return answers


def timed(work: Callable[[], Answers]) -> tuple[float, Answers]:
    """Processor seconds of all threads, which a busy machine inflates less than wall seconds."""
    started = time.process_time()
    answers = work()
    return time.process_time() - started, answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="mini")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--conversations", type=int, default=20)
    parser.add_argument("--new", type=int, default=40)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    base = load_base(asked.base, dtype=asked.dtype)
    base.eos_ids = ()
    prompts = made_up(min(200, len(base.tokenizer)), asked.conversations)
    ours, our_answers = timed(lambda: generate_greedy(base, prompts, asked.new, asked.batch))
    theirs, their_answers = timed(lambda: by_transformers(base, prompts, asked.new, asked.batch))
    equal = sum(one == other for one, other in zip(our_answers, their_answers, strict=True))
    print(f"{len(prompts)} prompts, {asked.new} tokens each, {asked.dtype}, {asked.threads} threads")
    print(f"generate_greedy {ours:.1f} s, transformers {theirs:.1f} s: {theirs / ours:.2f} times as fast")
    print(f"equal answers: {equal} of {len(prompts)}")


if __name__ == "__main__":
    main()
