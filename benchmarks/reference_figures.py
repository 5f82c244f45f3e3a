"""Writes `reference.json` of a base: figures of text that it knows, which `dialoop check` compares data with.

    python benchmarks/reference_figures.py FILE... --source "held-out ..." --out reference.json [--model mini]

The first `--limit` conversations of each file are read. Give text that the base was not trained on, of the kinds that
it was trained on.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

from dialoop.conversation import read_conversations
from dialoop.evaluation import Reference, known_figures
from dialoop.model import load_base


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--model", default="mini")
    parser.add_argument("--source", required=True, help="what the text is, in words")
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    base = load_base(asked.model)
    conversations = [one for path in asked.files for one in islice(read_conversations(path), asked.limit)]
    reference = Reference(source=asked.source, figures=known_figures(base, conversations))
    asked.out.write_text(reference.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print(reference.model_dump_json(indent=1))


if __name__ == "__main__":
    main()
