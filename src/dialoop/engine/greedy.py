"""Greedy answers to many prompts at once, for evaluation: the same tokens as one prompt at a time, much sooner.

Prompts that begin alike (one system message and its tools, the turns of one conversation) stand next to each other, and
what they share is computed once. Rows that end make place for the next prompt at once. It knows token ids, and guides
that some answers are held to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dialoop.engine.guide import Guide
from dialoop.engine.held import Held
from dialoop.engine.rows import Rows
from dialoop.engine.vocabulary import Vocabulary
from dialoop.errors import ModelError

if TYPE_CHECKING:
    from dialoop.model import Base


def generate_greedy(
    base: Base,
    prompts: Sequence[list[int]],
    max_new_tokens: int,
    batch_size: int = 16,
    guides: Sequence[Guide | None] | None = None,
) -> list[list[int]]:
    """The likeliest continuation of each prompt, token by token, without the stop token that ended it.

    `guides` hold the continuation of each prompt to the schemas of its tools, as the engine holds its answers; None
    lets one be free. A continuation has at most `max_new_tokens` tokens and ends at the model's window. The model is
    put into evaluation mode for the while. Raises ModelError for a prompt that is empty or fills the window.
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
            return _generate(base, prompts, max_new_tokens, batch_size, guides or [None] * len(prompts))
    finally:
        base.model.train(was_training)


def _generate(
    base: Base,
    prompts: Sequence[list[int]],
    max_new_tokens: int,
    batch_size: int,
    guides: Sequence[Guide | None],
) -> list[list[int]]:
    rows = Rows(base.model, batch_size)
    ends = frozenset(base.eos_ids)
    vocabulary = Vocabulary(base.tokenizer, ends) if any(guides) else None
    held = [Held(guide, vocabulary) if guide and vocabulary else None for guide in guides]
    answers: list[list[int]] = [[] for _ in prompts]
    waiting = sorted(range(len(prompts)), key=lambda number: prompts[number], reverse=True)
    running: list[int] = []  # running[row] is the number of the prompt whose answer the row holds

    def take(row: int, logits: Tensor) -> bool:
        """Whether the answer in `row` goes on after its next token; `logits`: (V,)."""
        number = running[row]
        answer, prompt, guided = answers[number], prompts[number], held[number]
        token = guided.greedy(logits) if guided else int(logits.argmax())
        if token is None or token in ends:
            return False
        answer.append(token)
        return len(answer) < max_new_tokens and len(prompt) + len(answer) < base.window

    while max_new_tokens > 0 and (waiting or running):
        while waiting and len(running) < batch_size:
            number = waiting.pop()
            shared = rows.begin(prompts[number])
            logits = rows.fill(prompts[number][shared:])
            running.append(number)
            if not take(rows.admit(), logits):
                _end(rows, running, len(running) - 1)
        if running:
            step = rows.step([answers[number][-1] for number in running])
            for row in reversed(range(len(step))):
                if not take(row, step[row]):
                    _end(rows, running, row)
    return answers


def _end(rows: Rows, running: list[int], row: int) -> None:
    """Ends a row; the last one takes its number, here as in `rows`."""
    rows.drop(row)
    running[row] = running[-1]
    running.pop()
