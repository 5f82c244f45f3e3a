"""Writes a result as JSON and as one HTML page that needs no network: plots and styles are inside it.

The page and the JSON hold what people said; they are as private as the data. Knows nothing of how figures come about.
"""

from __future__ import annotations

import base64
import os
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from dialoop.evaluation import wording
from dialoop.evaluation.plots import plots
from dialoop.evaluation.results import Comparison, Evaluation

_SCORES = ("score_mse", "score_mae", "score_pearson")
WORST = 15  # answers of each kind shown on the page


def write_report(result: Evaluation | Comparison, folder: Path) -> dict[str, Path]:
    """Writes `evaluation.json` and `report.html` into `folder`, made if need be; gives their paths by kind.

    Each file is written beside its place and then renamed, so that none is ever half there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {"json": folder / "evaluation.json", "html": folder / "report.html"}
    _write(paths["json"], result.model_dump_json(indent=1) + "\n")
    _write(paths["html"], page(result))
    return paths


def page(result: Evaluation | Comparison) -> str:
    """The whole page as text."""
    compared = isinstance(result, Comparison)
    after = result.after if isinstance(result, Comparison) else result
    notes = wording.coverage_notes(after.coverage, after.settings.max_new_tokens)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("dialoop.evaluation").joinpath("report.html.jinja").read_text("utf-8"))
    return template.render(
        style=page_style(),
        after=after,
        before=result.before if isinstance(result, Comparison) else None,
        compared=compared,
        notes=notes + (result.notes if isinstance(result, Comparison) else []),
        headlines=_headlines(result),
        sections=[(wording.SECTIONS[section], some) for section, some in wording.lines(result).items()],
        plots=[(title, base64.b64encode(svg.encode()).decode()) for title, svg in plots(result).items()],
        labels=wording.by_label(result),
        shares=[
            ("Exact calls by tool", "tool", wording.by_truth(result, "call")),
            ("Recall by label", "label", wording.by_truth(result, "label")),
        ],
        worst=[
            ("Calls that came out wrong", wording.worst_answers(result, "call", WORST)),
            ("Texts with other spans than said", wording.worst_answers(result, "spans", WORST)),
            ("Scores that are farthest off", wording.worst_answers(result, "score", WORST)),
            ("Texts given a wrong label", wording.worst_answers(result, "label", WORST)),
            ("Answers farthest from the truth", wording.worst_answers(result, "text", WORST)),
        ],
        say=wording,
    )


def page_style() -> str:
    """The style sheet of every page that is a report."""
    return files("dialoop.evaluation").joinpath("page.css").read_text("utf-8")


def _headlines(result: Evaluation | Comparison) -> list[wording.Line]:
    """The few lines that a reader wants first."""
    wanted = (
        "label_accuracy",
        "label_macro_f1",
        "span_f1",
        "word_macro_f1",
        *_SCORES,
        "call_exact",
        "call_false",
        "chrf",
        "perplexity",
    )
    everything = [line for some in wording.lines(result).values() for line in some if line.group == "all"]
    return sorted((line for line in everything if line.name in wanted), key=lambda line: wanted.index(line.name))


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
