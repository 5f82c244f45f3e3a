"""Greedy answers to many prompts at once, for evaluation: the same tokens as one prompt at a time, much sooner.

Prompts that begin alike (one system message and its tools, the turns of one conversation) stand next to each other, and
what they share is computed once. Rows that end make place for the next prompt at once. It knows token ids only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from dialoop.engine.rows import Rows
from dialoop.errors import ModelError

if TYPE_CHECKING:
    from dialoop.model import Base


def generate_greedy(
    base: Base, prompts: Sequence[list[int]], max_new_tokens: int, batch_size: int = 16
) -> list[list[int]]:
    """The likeliest continuation of each prompt, token by token, without the stop token that ended it.

    A continuation has at most `max_new_tokens` tokens and ends at the model's window. The model is put into evaluation
    mode for the while. Raises ModelError for a prompt that is empty or fills the window.
    """
    for number, prompt in enumerate(prompts):
        if not 0 < len(prompt) < base.window:
            raise ModelError(
                f"prompt {number} has {len(prompt)} tokens; the window of {base.name} takes 1 to {base.window - 1}",
                remedy="give prompt_ids or sentence the base's window",
            )
    was_training = base.model.training
    base.model.eval()
    try:
        with torch.inference_mode():
            return _generate(base, prompts, max_new_tokens, batch_size)
    finally:
        base.model.train(was_training)


def _generate(base: Base, prompts: Sequence[list[int]], max_new_tokens: int, batch_size: int) -> list[list[int]]:
    rows = Rows(base.model, batch_size)
    ends = frozenset(base.eos_ids)
    answers: list[list[int]] = [[] for _ in prompts]
    waiting = sorted(range(len(prompts)), key=lambda number: prompts[number], reverse=True)
    running: list[int] = []  # running[row] is the number of the prompt whose answer the row holds

    def take(row: int, token: int) -> bool:
        """Whether the answer in `row` goes on after `token`."""
        answer, prompt = answers[running[row]], prompts[running[row]]
        if token in ends:
            return False
        answer.append(token)
        return len(answer) < max_new_tokens and len(prompt) + len(answer) < base.window

    while max_new_tokens > 0 and (waiting or running):
        while waiting and len(running) < batch_size:
            number = waiting.pop()
            shared = rows.begin(prompts[number])
            logits = rows.fill(prompts[number][shared:])
            running.append(number)
            if not take(rows.admit(), int(logits.argmax())):
                _end(rows, running, len(running) - 1)
        if running:
            chosen = rows.step([answers[number][-1] for number in running]).argmax(dim=-1).tolist()
            for row in reversed(range(len(chosen))):
                if not take(row, chosen[row]):
                    _end(rows, running, row)
    return answers


def _end(rows: Rows, running: list[int], row: int) -> None:
    """Ends a row; the last one takes its number, here as in `rows`."""
    rows.drop(row)
    running[row] = running[-1]
    running.pop()
