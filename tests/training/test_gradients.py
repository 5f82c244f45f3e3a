"""Gradients of every head's loss, dpo and kto, against finite differences in float64; cross-entropy's by its formula.

Each weight of a tiny model is moved along a random direction of length 1, both ways, and the change of the loss is
compared with what the gradient foretells. The decoder is a GPT-2: transformers computes the norms of Llama and Qwen3 in
float32 always, which is too coarse for this.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dialoop.conversation import Conversation, Example, SlotSpan
from dialoop.model import Base, Head, head_loss, linear_nll, load_base
from dialoop.training.batches import lay_sentences
from dialoop.training.lessons import LESSONS
from dialoop.training.loop import LossFunction
from dialoop.training.material import samples_of
from dialoop.training.preference import Dpo
from dialoop.training.ratings import JudgedBatch, Kto

from ..tiny_models import tiny_model
from .test_preference import edited
from .test_ratings import plain_gear, rated

STEP = 1e-4
"""Length of a move. The error of central differences grows with its square, rounding with its inverse."""
LABELS = ("ask", "book", "leave")
TEXTS = ("A quiet room, please.", "好的。", "The library is closed on Monday; shall I look for another day?")
SPANS = (
    [SlotSpan(label="ask", start=2, end=7), SlotSpan(label="book", start=8, end=12)],
    [],
    [SlotSpan(label="leave", start=22, end=28)],
)

HEADS = {
    "generate": Head(),
    "classify": Head(kind="classify", labels=LABELS),
    "classify, several labels": Head(kind="classify", labels=LABELS, multi_label=True),
    "tag": Head(kind="tag", labels=LABELS),
    "tag, casing": Head(kind="tag", labels=LABELS, casing=True),
    "tag, crf": Head(kind="tag", labels=LABELS, crf=True),
    "regress": Head(kind="regress", mean=2.0, scale=1.5),
}


def examples_for(head: Head) -> list[Example]:
    if head.kind == "tag":
        return [Example(text=text, spans=spans) for text, spans in zip(TEXTS, SPANS, strict=True)]
    if head.kind == "regress":
        return [Example(text=text, score=score) for text, score in zip(TEXTS, (0.5, 3.0, 2.0), strict=True)]
    if head.multi_label:
        return [
            Example(text=text, labels=some) for text, some in zip(TEXTS, (["ask", "leave"], [], ["book"]), strict=True)
        ]
    return [Example(text=text, label=label) for text, label in zip(TEXTS, ("leave", "ask", "book"), strict=True)]


def conversations() -> list[Conversation]:
    plain = {
        "id": "plain",
        "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day."}],
    }
    return [*edited(2), Conversation.model_validate(plain)]


def shaken(base: Base) -> Base:
    """In float64, every weight moved a little: what begins at zero (a CRF, casing) then has an effect, and a slope."""
    base.model.double()
    torch.manual_seed(5)
    with torch.no_grad():
        for weight in base.model.parameters():
            weight += 0.1 * torch.randn_like(weight)
    return base


def agrees(model: nn.Module, loss: LossFunction, batch) -> None:
    """Each weight's gradient foretells what a small move along a random direction does to the loss."""
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    found = loss(model, batch)
    assert found.dtype == torch.float64
    slopes = torch.autograd.grad(found, list(weights.values()), allow_unused=True)
    felt = 0
    for (name, weight), slope in zip(weights.items(), slopes, strict=True):
        move = torch.randn_like(weight) if slope is None else torch.randn_like(weight) + slope
        move *= STEP / move.norm()
        kept = weight.detach().clone()
        with torch.no_grad():
            weight += move
            above = float(loss(model, batch))
            weight -= 2 * move
            below = float(loss(model, batch))
            weight.copy_(kept)
        foretold = 0.0 if slope is None else float((slope * move).sum()) / STEP
        assert (above - below) / (2 * STEP) == pytest.approx(foretold, rel=1e-5, abs=1e-7), name
        felt += abs(foretold) > 1e-4
    assert felt > len(weights) // 2  # a loss that nothing changes would agree with no gradient at all


CASES = [(name, kind) for name in HEADS for kind in ("gpt2", "bert") if (name, kind) != ("generate", "bert")]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_gradients_agree_with_finite_differences(name: str, kind: str, tmp_path: Path):
    head = HEADS[name]
    base = shaken(load_base(tiny_model(kind, tmp_path / "m", hidden=16, layers=1), head=head))
    records = conversations() if head.kind == "generate" else examples_for(head)
    lay = lay_sentences if head.kind == "generate" else LESSONS[head.kind].lay
    batch = lay(samples_of(records, base, base.window).samples, int(base.tokenizer.pad_token_id))
    if head.kind == "regress":  # so that the truth is exact in both
        batch = SimpleNamespace(inputs=batch.inputs, truth=batch.truth.double())
    agrees(base.model, lambda model, one: head_loss(head, model, one.inputs, one.truth), batch)


@pytest.mark.parametrize("nll_weight", [0.0, 0.2])
def test_the_gradient_of_dpo_agrees_with_finite_differences(nll_weight: float, tmp_path: Path):
    base = shaken(load_base(tiny_model("gpt2", tmp_path / "m", hidden=16, layers=1)))
    dpo = Dpo(beta=0.3, nll_weight=nll_weight)
    samples = dpo.samples_of(conversations(), base, base.window).samples
    referred = dpo.with_reference(samples, np.tile([-90.0, -91.0], (len(samples), 1)))
    agrees(base.model, dpo.loss, dpo.lay(referred, int(base.tokenizer.pad_token_id)))


@pytest.mark.parametrize("nll_weight", [0.0, 0.2])
def test_the_gradient_of_kto_agrees_with_finite_differences(nll_weight: float, tmp_path: Path):
    base = shaken(load_base(tiny_model("gpt2", tmp_path / "m", hidden=16, layers=1)))
    kto = Kto(beta=0.3, nll_weight=nll_weight, desirable=1.5, undesirable=0.7)
    samples = kto.samples_of(rated(4, plain=True), base, base.window).samples
    pad, gear = int(base.tokenizer.pad_token_id), plain_gear()
    near = kto.referred(samples, gear, base, 4096) + np.array([1.0, -2.0])
    (batch,) = kto.anchored([kto.lay(kto.with_reference(samples, near), pad)], gear, base.model)
    assert isinstance(batch, JudgedBatch)
    assert batch.anchor == pytest.approx(2.0)
    agrees(base.model, kto.loss, batch)  # the reference point stays where it is: no gradient goes there


class Given(nn.Module):
    """A model whose logits are its weights, and which looks at no text."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(logits)

    def forward(self, **inputs: Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=self.weight)


def test_the_gradient_of_cross_entropy_is_softmax_minus_truth():
    torch.manual_seed(0)
    logits = torch.randn(6, 4, dtype=torch.float64) * 3
    truth = torch.tensor([0, 3, 1, 1, 2, 0])
    wanted = logits.softmax(1) - nn.functional.one_hot(truth, 4)

    of_texts = Given(logits.clone())
    head_loss(Head(kind="classify", labels=tuple("abcd")), of_texts, {}, truth).backward()
    torch.testing.assert_close(of_texts.weight.grad, wanted, rtol=0, atol=1e-14)

    of_tags = Given(logits.clone().reshape(2, 3, 4))
    masked = truth.reshape(2, 3).clone()
    masked[1, 2] = -100
    head_loss(Head(kind="tag", labels=("a",)), of_tags, {}, masked).backward()
    by_place = wanted.clone()
    by_place[5] = 0
    torch.testing.assert_close(of_tags.weight.grad.reshape(6, 4), by_place, rtol=0, atol=1e-14)

    hidden = logits.clone().requires_grad_()  # times the identity, the states are the logits
    linear_nll(hidden, torch.eye(4, dtype=torch.float64), None, truth).backward()
    torch.testing.assert_close(hidden.grad, wanted, rtol=0, atol=1e-14)


def test_the_gradient_for_several_labels_is_sigmoid_minus_truth_over_their_number():
    torch.manual_seed(1)
    logits = torch.randn(5, 3, dtype=torch.float64) * 3
    truth = torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [0, 0, 1]])
    model = Given(logits.clone())
    head_loss(Head(kind="classify", labels=LABELS, multi_label=True), model, {}, truth).backward()
    torch.testing.assert_close(model.weight.grad, (logits.sigmoid() - truth) / 3, rtol=0, atol=1e-14)


def test_the_gradient_of_the_squared_error_is_twice_the_error():
    model = Given(torch.tensor([[0.5], [-2.0]], dtype=torch.float64))
    head_loss(Head(kind="regress"), model, {}, torch.tensor([1.0, 1.0], dtype=torch.float64)).backward()
    torch.testing.assert_close(model.weight.grad, torch.tensor([[-1.0], [-6.0]], dtype=torch.float64), rtol=0, atol=0)
