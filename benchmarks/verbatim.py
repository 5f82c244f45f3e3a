"""How often a base repeats its training text: the beginning of an answer is given, is the rest written word for word?

    python benchmarks/verbatim.py FILE [--model mini] [--answers 500] [--given 8] [--next 16]

From conversations of FILE, assistant answers of at least `given + next` tokens are drawn; the model gets the history
and the first `given` tokens of the answer, and writes `next` tokens greedily. Counted is the share that equals it.
Run it on training text and on held-out text of the same kind: the difference is what was memorised, the rest is what
anybody would say there. The measure follows Carlini et al. 2023 (arXiv:2202.07646) with short answers in place of 50
tokens.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from random import Random

from dialoop.conversation import read_conversations
from dialoop.engine import generate_greedy
from dialoop.model import load_base, sentences


def answers(ids: list[int], targets: list[bool]) -> list[tuple[int, int]]:
    """The runs of target tokens, as (first, behind the last)."""
    runs, begin = [], None
    for at, target in enumerate([*targets, False]):
        if target and begin is None:
            begin = at
        elif not target and begin is not None:
            runs.append((begin, at))
            begin = None
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--answers", type=int, default=500)
    parser.add_argument("--given", type=int, default=8, help="tokens of the answer that the model gets")
    parser.add_argument("--next", type=int, default=16, help="tokens that it must write")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    base = load_base(asked.model)
    conversations = list(read_conversations(asked.file))
    Random(asked.seed).shuffle(conversations)
    prompts: list[list[int]] = []
    truths: list[list[int]] = []
    for conversation in conversations:
        for one in sentences(conversation.messages, conversation.tools, base.tokenizer, window=base.window):
            long_enough = [run for run in answers(one.ids, one.targets) if run[1] - run[0] >= asked.given + asked.next]
            for begin, _ in long_enough[:1]:
                split = begin + asked.given
                prompts.append(one.ids[:split])
                truths.append(one.ids[split : split + asked.next])
        if len(prompts) >= asked.answers:
            break
    said = generate_greedy(base, prompts, asked.next, 16)
    same = sum(answer[: asked.next] == truth for answer, truth in zip(said, truths, strict=True))
    print(json.dumps({"file": asked.file.name, "answers": len(prompts), "word_for_word": same / max(1, len(prompts))}))


if __name__ == "__main__":
    main()
