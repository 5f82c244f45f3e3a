"""Draws the held-out copying test by tokens trained from the logs of pretraining runs, as in the card of `mini`.

    python benchmarks/copying_plot.py LOG... PICTURE

Several logs are runs of which each began with the weights of the one before it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt


def main(logs: list[Path], picture: Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    before = 0.0
    for log in logs:
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        # a run that was stopped and resumed has some steps twice: the later line is the one that counts
        tests = {line["step"]: line for line in lines if "copying" in line}
        shown = [tests[step] for step in sorted(tests)]
        millions = [before + line["tokens"] / 1e6 for line in shown]
        for lang, name, colour in (("en", "English", "C0"), ("zh", "Chinese", "C1")):
            shares = [100 * line["copying"][lang] for line in shown]
            label = name if log == logs[0] else None
            axes.plot(millions, shares, marker="o", markersize=3, color=colour, label=label)
        begun: dict[str, float] = {}
        for line, tokens in zip(shown, millions, strict=True):
            begun.setdefault(line["phase"], tokens)
        axes.axvline(before, color="0.6", linewidth=1, zorder=0)
        for phase, tokens in begun.items():
            axes.axvline(tokens, color="0.85", linewidth=1, zorder=0)
            axes.text(tokens, 98, f" {phase}", color="0.4", fontsize=8, va="top")
        before = millions[-1]
    axes.set(
        xlabel="million tokens trained", ylabel="calls written exactly, %", ylim=(0, 100), title="Copying, held out"
    )
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:-1]], Path(sys.argv[-1]))
