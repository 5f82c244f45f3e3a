"""Draws the held-out copying test by tokens trained from a pretraining run's log, as in the card of `mini`.

python benchmarks/copying_plot.py runs/mini/log.jsonl src/dialoop/model/mini/copying.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt


def main(log: Path, picture: Path) -> None:
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    # a run that was stopped and resumed has some steps twice: the later line is the one that counts
    tests = {line["step"]: line for line in lines if "copying" in line}
    shown = [tests[step] for step in sorted(tests)]
    millions = [line["tokens"] / 1e6 for line in shown]
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for lang, name in (("en", "English"), ("zh", "Chinese")):
        axes.plot(millions, [100 * line["copying"][lang] for line in shown], marker="o", markersize=3, label=name)
    begun: dict[str, float] = {}
    for line, tokens in zip(shown, millions, strict=True):
        begun.setdefault(line["phase"], tokens)
    for phase, tokens in begun.items():
        axes.axvline(tokens, color="0.8", linewidth=1, zorder=0)
        axes.text(tokens, 98, f" {phase}", color="0.4", fontsize=8, va="top")
    axes.set(
        xlabel="million tokens trained", ylabel="calls written exactly, %", ylim=(0, 100), title="Copying, held out"
    )
    axes.legend(loc="center left", frameon=False)
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
