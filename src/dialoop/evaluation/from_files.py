"""From names and paths to a result: loads models one after the other, reads the data, measures and compares.

Knows neither pages nor terminals.
"""

from __future__ import annotations

from pathlib import Path

import torch

from dialoop.conversation import read_conversations, read_examples
from dialoop.engine import probe_dtype
from dialoop.errors import DataError, ModelError
from dialoop.evaluation.calls import ToolsSeen
from dialoop.evaluation.evaluate import compare, evaluate_model
from dialoop.evaluation.heads import evaluate_labelled
from dialoop.evaluation.progress import Progress, quiet
from dialoop.evaluation.results import Comparison, Evaluation
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.model import Base, load_base


def evaluate_files(
    model: str,
    data: Path,
    settings: EvaluationSettings,
    *,
    before: str | None = None,
    train: Path | None = None,
    device: str = "cpu",
    progress: Progress = quiet,
) -> Evaluation | Comparison:
    """Measures `model` on the file `data`; with `before`, both models, one in memory at a time, and compares them.

    `train`: the file that was trained on; without, the record of the run tells which tools were seen, if there is one.

    Raises:
        DataError, ModelError, SettingsError: a file, model or setting that cannot be used.
    """
    chosen = probe_dtype(device) if settings.dtype == "auto" else settings.dtype
    settings = settings.model_copy(update={"dtype": chosen})
    base = _load(model, settings, device)
    if base.head.kind != "generate":
        examples = list(read_examples(data))
        after = evaluate_labelled(base, examples, settings, data=str(data), progress=progress)
        if before is None:
            return after
        kind = base.head.kind
        del base
        earlier = _load(before, settings, device)
        if earlier.head.kind != kind:
            what = f"{before} has a head of kind {earlier.head.kind}, and {model} one of kind {kind}"
            raise ModelError(what, remedy="compare two models with the same kind of head")
        return compare(evaluate_labelled(earlier, examples, settings, data=str(data), progress=progress), after)
    conversations = list(read_conversations(data))
    if not conversations:
        raise DataError("the file holds no conversation", where=data, remedy="give held-out conversations")
    seen = ToolsSeen.of(read_conversations(train)) if train else ToolsSeen.read(base.path) if base.path else None
    after = evaluate_model(base, conversations, settings, tools_seen=seen, data=str(data), progress=progress)
    if before is None:
        return after
    del base
    earlier = _load(before, settings, device)
    first = evaluate_model(earlier, conversations, settings, tools_seen=seen, data=str(data), progress=progress)
    return compare(first, after)


def _load(name: str, settings: EvaluationSettings, device: str) -> Base:
    base = load_base(name, device=device)
    if base.head.kind == "generate":
        base.model.to(getattr(torch, settings.dtype))
    return base
