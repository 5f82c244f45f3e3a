"""How well a base copies: calls with tools, names and values that no training text held, by language.

    python benchmarks/copying.py [--model mini] [--conversations 1000] [--out FILE.json]

Conversations come from `dialoop.scenarios.copying`, part "test": no value, tool name or parameter name of it is in
part "train" (times of day, weekdays, colours and counts below 13 apart: those kinds have too few members). Each
assistant turn whose true act is a call is answered greedily on the true history; a call is exact when its name and
arguments are equal as canonical JSON.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from dialoop.evaluation import EvaluationSettings, evaluate_model, progress_bar
from dialoop.model import load_base
from dialoop.scenarios.copying import make_copying


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", default="mini")
    parser.add_argument("--conversations", type=int, default=1000, help="for each language")
    parser.add_argument("--seed", type=int, default=20_000, help="training used seeds below 1,000")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    base = load_base(arguments.model)
    results = {}
    for lang in ("en", "zh"):
        talks = list(make_copying(arguments.conversations, lang=lang, seed=arguments.seed, part="test"))
        for talk in talks:  # only calls are measured here: no time is spent on answers in words
            for message in talk.messages:
                if message.role == "assistant" and not message.tool_calls:
                    message.weight = 0
        talks = [talk for talk in talks if any(message.is_target for message in talk.messages)]
        with progress_bar(Console(stderr=True)) as progress:
            evaluation = evaluate_model(
                base, talks, EvaluationSettings(resamples=1000, batch_size=32), progress=progress
            )
        figures = evaluation.figures["all"]
        results[lang] = {name: figure.model_dump() for name, figure in figures.items() if "call" in name}
        results[lang]["conversations"] = arguments.conversations
        print(lang, json.dumps(results[lang], indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
