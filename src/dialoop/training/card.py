"""The card of a tuned model: `README.md` in its folder, in the Hugging Face hub's form, written from the run's facts.

It tells settings, hashes, counts and figures. Of the data it knows names of files and no sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dialoop.model import Base
from dialoop.model.names import MINI
from dialoop.training.preparing import Prepared
from dialoop.training.tracking import named

MINI_LICENCE = "cc-by-sa-4.0"
UNKNOWN = "unknown"
"""The hub's word for a licence that is not known."""
_TASKS = {
    "generate": "text-generation",
    "classify": "text-classification",
    "tag": "token-classification",
    "regress": "text-classification",
}
_LEARNT = {
    "generate": "to answer in dialogues, with tool calls where the data has them",
    "classify": "to label texts",
    "tag": "to find spans in texts",
    "regress": "to score texts",
}
_LOADERS = {
    "generate": "AutoModelForCausalLM",
    "classify": "AutoModelForSequenceClassification",
    "tag": "AutoModelForTokenClassification",
    "regress": "AutoModelForSequenceClassification",
}
_DECIDED = ("epochs", "lr", "batch_size", "look_every", "window", "precision", "device")


@dataclass(frozen=True)
class Outcome:
    """How the run went. `before`, `after`: held-out figures of the base and of the model, by name; `versions` of
    packages, by name.
    """

    name: str
    started: str
    steps: int
    epochs: float
    seconds: float
    best_step: int | None
    before: dict[str, float]
    after: dict[str, float]
    versions: dict[str, str]


def model_card(prepared: Prepared, outcome: Outcome) -> str:
    """The text of `README.md`."""
    header = yaml.safe_dump(_header(prepared), sort_keys=False, allow_unicode=True)
    parts = [
        _opening(prepared, outcome),
        _use(prepared.base),
        _data(prepared),
        _figures(prepared, outcome),
        _settings(prepared, outcome),
        _limits(prepared),
        _licence(prepared),
    ]
    return f"---\n{header}---\n\n" + "\n".join(parts)


def licence_of(base: Base, name: str) -> str:
    """The licence of a base, in the hub's words: as its own card tells it; `unknown` where it tells none."""
    if name == MINI:
        return MINI_LICENCE
    card = None if base.path is None else base.path / "README.md"
    if card is None or not card.is_file():
        return UNKNOWN
    header = re.match(r"---\s*\n(.*?)\n---", card.read_text(encoding="utf-8", errors="replace"), re.S)
    try:
        told = yaml.safe_load(header[1]) if header else None
    except yaml.YAMLError:
        return UNKNOWN
    licence = told.get("license") if isinstance(told, dict) else None
    return licence if isinstance(licence, str) and licence else UNKNOWN


def _header(prepared: Prepared) -> dict[str, Any]:
    job, base = prepared.job, prepared.base
    spoken = [lang.lower() for lang in prepared.facts["languages"]]
    header: dict[str, Any] = {
        "language": sorted({lang for lang in spoken if re.fullmatch(r"[a-z]{2,3}", lang)}),
        "license": licence_of(base, job.base),
        "library_name": "transformers",
        "pipeline_tag": _TASKS.get(base.head.kind),
        "base_model": job.base if _on_hub(job.base) else None,
        "tags": ["dialoop", base.head.kind, *([] if job.tune.adapter == "none" else [job.tune.adapter])],
    }
    return {key: value for key, value in header.items() if value}


def _on_hub(name: str) -> bool:
    return not Path(name).exists() and re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None


def _opening(prepared: Prepared, outcome: Outcome) -> str:
    base, tune = prepared.base, prepared.job.tune
    parameters = list(base.model.parameters())
    weights, trained = sum(p.numel() for p in parameters), sum(p.numel() for p in parameters if p.requires_grad)
    what = "all of them" if trained == weights else f"{trained:,} of them ({trained / weights:.1%})"
    how = "" if tune.adapter == "none" else f" through an adapter (`{tune.adapter}`) that is merged in"
    labels = f" {len(base.head.labels)} labels." if base.head.labels else ""
    objective = "" if prepared.objective is None else f" Objective: `{tune.objective}`."
    return (
        f"# {outcome.name}\n\n"
        f"`{named(prepared.job.base)}`, tuned {_LEARNT.get(base.head.kind, 'with a head of its own')}"
        f" (head `{base.head.kind}`) with dialoop {outcome.versions['dialoop']}.{labels}{objective} Trained, of"
        f" {weights:,} weights: {what}{how}, in {outcome.steps:,} steps, {outcome.epochs:g} epochs,"
        f" {outcome.seconds:,.0f} s."
        f" The run began {outcome.started}; it wrote this card itself.\n\n"
        f"Base: `{named(prepared.job.base)}`, SHA-256 of its weights `{base.fingerprint}`.\n"
    )


def _use(base: Base) -> str:
    own = base.head.crf or base.head.casing or base.head.pooling == "mean"
    loader = _LOADERS.get(base.head.kind)
    if loader is None or own:
        lines = ["from dialoop.model import load_base", "", 'model = load_base("THIS FOLDER")']
        why = "\nIts head has parts that transformers' own classes do not read: load it with dialoop.\n"
    else:
        lines = [
            f"from transformers import AutoTokenizer, {loader}",
            "",
            f'model = {loader}.from_pretrained("THIS FOLDER")',
            'tokenizer = AutoTokenizer.from_pretrained("THIS FOLDER")',
        ]
        why = ""
    code = "\n".join(lines)
    return f"## Use\n\n```python\n{code}\n```\n{why}"


def _data(prepared: Prepared) -> str:
    facts = prepared.facts
    rows = "".join(
        f"| `{Path(one['path']).name}` | {_cell(one['form'])} | {one['records']:,} | `{one['sha256']}` |\n"
        for one in facts["files"]
    )
    train, held_out = facts["train"], facts["held_out"]
    lost = {name: count for name, count in train.items() if count and name not in _PLAIN_COUNTS}
    told = "".join(f" {count:,} {name.replace('_', ' ')}." for name, count in lost.items())
    by = "by hash, whole conversations and customers together" if facts["split"]["by"] == "hash" else "in a file"
    return (
        f"## Data\n\n| file | form | records | SHA-256 |\n| --- | --- | --- | --- |\n{rows}\n"
        f"Trained on {train['records']:,} records ({train['targets']:,} targets among {train['tokens']:,} tokens);"
        f" held out: {held_out['records']:,}, {by}.{told} The data is not in this folder.\n"
    )


_PLAIN_COUNTS = ("records", "samples", "tokens", "targets", "pairs")


def _figures(prepared: Prepared, outcome: Outcome) -> str:
    if not outcome.after:
        return (
            "## Figures\n\nNothing was held out, so no figure tells how good it is: `dialoop evaluate MODEL DATA`"
            " measures it.\n"
        )
    rows = "".join(
        f"| {name} | {_figure(outcome.before.get(name))} | {_figure(value)} |\n"
        for name, value in outcome.after.items()
    )
    best = "" if outcome.best_step is None else f" The weights are those of step {outcome.best_step:,}."
    scores = prepared.base.head.kind == "regress"
    unit = "Loss: mean squared error of the standardised score." if scores else "Loss in nats a target."
    return (
        "## Figures\n\n| held out | base | this model |\n| --- | --- | --- |\n"
        f"{rows}\n{unit}{best} The held-out records decided when to stop and which weights to keep, so the figures"
        " flatter the model. `dialoop evaluate MODEL DATA --before BASE --report FOLDER`, on records that no run saw,"
        " is the better place: exact calls, label by label, with intervals and a paired comparison with the base.\n"
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _settings(prepared: Prepared, outcome: Outcome) -> str:
    asked = prepared.job.tune.model_dump(mode="json", exclude_defaults=True, exclude={"track"})
    if prepared.job.tune.held_out is not None:
        asked["held_out"] = named(prepared.job.tune.held_out)
    values = {**asked, **{name: getattr(prepared.chosen, name) for name in _DECIDED}, "seed": prepared.job.tune.seed}
    text = yaml.safe_dump({"tune": values}, sort_keys=False, allow_unicode=True)
    versions = ", ".join(f"{name} {version}" for name, version in outcome.versions.items())
    return (
        "## Settings\n\nWhat was asked for, and what was left open as it was decided; all else is dialoop's default."
        "\n\n"
        f"```yaml\n{text}```\n\nVersions: {versions}.\n"
    )


def _limits(prepared: Prepared) -> str:
    generates = prepared.base.head.kind == "generate"
    said = (
        "It can say what is not so, and it may have kept words of the data: names and numbers that were not protected"
        " before tuning can come out again."
        if generates
        else "Of texts unlike these, and in other languages, it still gives an answer; its figures do not hold there."
    )
    return (
        "## Limits\n\n"
        f"It knows what its base knew and what {prepared.train.counts.records:,} records taught it. {said}"
        f" It was trained on up to {prepared.chosen.window:,} tokens a sample. Nobody has looked at what it does to"
        " groups of people.\n"
    )


def _licence(prepared: Prepared) -> str:
    licence = licence_of(prepared.base, prepared.job.base)
    base = named(prepared.job.base)
    if licence == UNKNOWN:
        told = f"The folder of `{base}` names no licence. The base's own licence goes on to hold for these weights"
    else:
        told = f"`{base}` is under `{licence}`, which goes on to hold for these weights"
    return f"## Licence\n\n{told}; whether the data adds terms, its owner knows. See to both before you pass them on.\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
