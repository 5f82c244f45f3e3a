"""What is measured on the held-out data during a run besides the loss: labels said, and answers written greedily.

`FIGURES` is the seam for further heads. It knows what was prepared; not steps, patience or files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dialoop.conversation import Conversation, language_of
from dialoop.errors import RunError, SettingsError
from dialoop.evaluation import EvaluationSettings
from dialoop.evaluation.answers import answer_turns
from dialoop.evaluation.progress import quiet
from dialoop.evaluation.sample import by_hash
from dialoop.training.batches import Batch
from dialoop.training.preparing import Prepared

Numbers = NDArray[Any]
ANSWERED = 16
"""Conversations that are answered at a look where `stop_on` needs answers and `look_answers` is unset."""
_MOST_TOKENS = 128
"""Of an answer at a look."""
LIKELY = 0.5
"""Any number of labels: one is said where its probability is above this, as in `dialoop evaluate`."""


Figure = Callable[[Numbers, Numbers], float]
"""Truth and what was said, (N,) or (N, L) → the figure, higher is better."""


def accuracy(true: Numbers, said: Numbers) -> float:
    """The share of texts whose labels are all right."""
    return float(np.mean((true == said).reshape(len(true), -1).all(axis=1)))


def macro_f1(true: Numbers, said: Numbers) -> float:
    """The mean of the labels' F1, over the labels that are true of a text or said of one."""
    if true.ndim == 1:
        labels = np.union1d(true, said)
        true, said = true[:, None] == labels, said[:, None] == labels
    hit = (true * said).sum(axis=0)
    either = true.sum(axis=0, dtype=np.float64) + said.sum(axis=0, dtype=np.float64)
    return float(np.mean((2 * hit / np.maximum(either, 1))[either > 0])) if either.any() else 0.0


FIGURES: dict[str, dict[str, Figure]] = {"classify": {"accuracy": accuracy, "macro_f1": macro_f1}}
"""The figures of each head that says labels."""
BY_ANSWERS = ("call_exact", "call_name", "reply_chrf")
"""The figures of `generate`."""


class Looks:
    """Measures a run's model, always on the same held-out data.

    Raises SettingsError where the figure that is to decide cannot be had.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        settings, head = prepared.job.tune, prepared.base.head.kind
        wanted, able = prepared.chosen.stop_on, BY_ANSWERS if head == "generate" else tuple(FIGURES.get(head, ()))
        by_answers = wanted in able and head == "generate"
        held = {id(one): one for one, _ in prepared.held_out.origins} if head == "generate" else {}
        limit = settings.look_answers if settings.look_answers is not None else ANSWERED if by_answers else 0
        self.answered: list[Conversation] = by_hash(held.values(), limit, settings.seed).chosen if limit else []
        if wanted != "loss" and wanted not in able:
            known = ", ".join(["loss", *able])
            raise SettingsError(f"stop_on is {wanted!r}, and the head is {head}", remedy=f"choose among {known}")
        if wanted != "loss" and not prepared.held_out.samples:
            raise SettingsError(f"stop_on is {wanted!r}, and nothing is held out", remedy="give more data, or held_out")
        if by_answers and not any(_asks(wanted, one) for one in self.answered):
            raise SettingsError(
                f"stop_on is {wanted!r}, and none of the {len(self.answered)} held-out conversations to answer has one",
                remedy="hold out more (held_out), answer more (look_answers), or stop on loss",
            )

    def figures(self) -> dict[str, float]:
        """All figures of the head, by name; none for `generate` where no conversation is to be answered.

        Raises RunError where the one that decides could not be taken.
        """
        kind, wanted, found = self._prepared.base.head.kind, self._prepared.chosen.stop_on, {}
        if kind == "generate":
            found = _of_answers(self._prepared, self.answered) if self.answered else {}
        elif kind in FIGURES and self._prepared.held_out.samples:
            found = _of_texts(self._prepared)
        if wanted not in ("loss", *found):
            raise RunError(
                f"stop_on is {wanted!r}, and no turn that it is taken of fits the window",
                remedy="give a longer window, or stop on loss",
            )
        return found


def _asks(figure: str, conversation: Conversation) -> bool:
    """Whether there is a turn in the conversation that the figure is taken of."""
    calls = [bool(one.tool_calls) for one in conversation.messages if one.is_target]
    return (True in calls) if figure.startswith("call") else (False in calls)


def _of_answers(prepared: Prepared, conversations: Sequence[Conversation]) -> dict[str, float]:
    """`call_exact`, `call_name`: share of the true calls; `reply_chrf`: mean chrF2 of the texts, 0 to 1."""
    base = prepared.base
    settings = EvaluationSettings(max_new_tokens=min(_MOST_TOKENS, base.window // 2))
    languages = [language_of(one) for one in conversations]
    with prepared.gear.autocast():
        answers = answer_turns(base, conversations, languages, settings, None, quiet).answers
    calls = [one.score for one in answers if one.kind == "call"]
    texts = [one.score for one in answers if one.kind == "text"]
    figures = {"reply_chrf": float(np.mean(texts))} if texts else {}
    if calls:
        figures["call_exact"] = float(np.mean([score == 1.0 for score in calls]))
        figures["call_name"] = float(np.mean([score > 0.0 for score in calls]))
    return figures


def _of_texts(prepared: Prepared) -> dict[str, float]:
    """The figures of `FIGURES` for a head of labels."""
    samples = prepared.held_out.samples
    said, true = [], []
    model = prepared.base.model
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), prepared.gear.autocast():
            for batch in prepared.passes(samples):
                said.append(_said(model, batch.to(prepared.gear.device)))
                true.append(batch.truth.cpu().numpy())
    finally:
        model.train(was_training)
    return {
        name: figure(np.concatenate(true), np.concatenate(said))
        for name, figure in FIGURES[prepared.base.head.kind].items()
    }


def _said(model: torch.nn.Module, batch: Batch) -> Numbers:
    """The labels that are said, in the form of the truth: (B,) numbers, or (B, L) of 0 and 1."""
    logits = model(**batch.inputs).logits.float()
    said = logits.argmax(dim=1) if batch.truth.dim() == 1 else (logits.sigmoid() > LIKELY).float()
    found: Numbers = said.cpu().numpy()
    return found
