"""From names and paths to a result: loads models one after the other, reads the data, measures and compares.

Knows neither pages nor terminals.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from dialoop.conversation import Conversation, read_conversations, read_examples
from dialoop.engine import probe_dtype
from dialoop.errors import DataError, ModelError
from dialoop.evaluation.calls import ToolsSeen
from dialoop.evaluation.evaluate import compare, evaluate_model
from dialoop.evaluation.heads import evaluate_labelled
from dialoop.evaluation.progress import Progress, quiet
from dialoop.evaluation.results import Comparison, Evaluation
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.model import TEMPLATES, Base, load_base, packaged_template, template_facts


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

    Where the model before has a chat template that cannot show the tools of the data, and `model` a packaged one, both
    are measured with the latter; the notes say so.

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
    template = _packaged(base)
    del base
    earlier, notes = _load(before, settings, device), []
    if template is not None and _hides_tools(earlier, conversations):
        earlier = _load(before, settings, device, template)
        notes = [f"{before} was measured with the chat template {template}: its own cannot show what the tools do"]
    first = evaluate_model(earlier, conversations, settings, tools_seen=seen, data=str(data), progress=progress)
    found = compare(first, after)
    return found.model_copy(update={"notes": [*notes, *found.notes]})


def _packaged(base: Base) -> str | None:
    """The name of the packaged chat template that `base` was tuned with, if it was."""
    own = str(base.tokenizer.chat_template)
    return next((name for name in TEMPLATES if own.endswith(packaged_template(name).text)), None)


def _hides_tools(base: Base, conversations: Sequence[Conversation]) -> bool:
    """Whether the chat template leaves out something about tools that `conversations` hold."""
    facts = template_facts(base.tokenizer)
    if facts.tools and facts.calls and facts.results and facts.beside:
        return False
    return any(one.tools or any(message.tool_calls for message in one.messages) for one in conversations)


def _load(name: str, settings: EvaluationSettings, device: str, template: str | None = None) -> Base:
    base = load_base(name, device=device, template=template)
    if base.head.kind == "generate":
        base.model.to(getattr(torch, settings.dtype))
    return base
