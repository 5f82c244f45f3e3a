"""Heads: losses against a plain reference, what is read of the text, and the seam for further kinds."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor, nn

from dialoop.errors import ModelError
from dialoop.model import HEADS, Head, HeadKind, head_loss, load_base, save_model

from ..tiny_models import tiny_model

KINDS = ("gpt2", "llama", "qwen3", "bert")
TEXTS = ("A quiet room, please.", "好的。", "The library is closed on Monday; shall I look for another day?")
LABELS = ("ask", "book", "leave")


@pytest.mark.parametrize("kind", KINDS)
def test_single_label_loss_equals_one_text_at_a_time(kind: str, tmp_path: Path):
    base = load_base(tiny_model(kind, tmp_path / "m"), head=Head(kind="classify", labels=LABELS))
    batch = dict(base.tokenizer(list(TEXTS), padding=True, return_tensors="pt", return_token_type_ids=False))
    truth = torch.tensor([2, 0, 1])
    got = head_loss(base.head, base.model, batch, truth)
    wanted = torch.zeros(())
    for text, label in zip(TEXTS, truth, strict=True):
        logits = base.model(**base.tokenizer(text, return_tensors="pt", return_token_type_ids=False)).logits[0]
        wanted = wanted - torch.log_softmax(logits, dim=0)[label]
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5)
    assert HEADS["classify"].count(truth).item() == 3


def test_multi_label_loss_is_the_mean_over_labels(tmp_path: Path):
    head = Head(kind="classify", labels=LABELS, multi_label=True)
    base = load_base(tiny_model("llama", tmp_path / "m"), head=head)
    batch = dict(base.tokenizer(list(TEXTS), padding=True, return_tensors="pt", return_token_type_ids=False))
    truth = torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1]])
    logits = base.model(**batch).logits
    p = torch.sigmoid(logits)
    wanted = -(truth * p.log() + (1 - truth) * (1 - p).log()).mean(dim=1).sum()
    torch.testing.assert_close(head_loss(head, base.model, batch, truth), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_what_pooling_says(kind: str, tmp_path: Path):
    base = load_base(tiny_model(kind, tmp_path / "m"), head=Head(kind="classify", labels=LABELS))
    inner = base.model.base_model
    pooling = HEADS["classify"].pooling(base.model.config)
    assert pooling == ("the first token, [CLS]" if kind == "bert" else "the last token of the text")
    batch = base.tokenizer(list(TEXTS), padding=True, return_tensors="pt", return_token_type_ids=False)
    hidden = inner(**batch).last_hidden_state
    if kind == "bert":
        read = base.model.classifier(torch.tanh(inner.pooler.dense(hidden[:, 0])))
    else:
        last = batch["attention_mask"].sum(1) - 1
        read = base.model.score(hidden[torch.arange(3), last])
    torch.testing.assert_close(base.model(**batch).logits, read)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "clasify", "labels": ("a", "b")},
        {"kind": "classify"},
        {"kind": "classify", "labels": ("a",)},
        {"kind": "classify", "labels": ("a", "a")},
        {"kind": "generate", "depth": 3},
    ],
)
def test_a_head_that_cannot_be_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        Head.model_validate(wrong)


def test_a_further_kind_is_one_more_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def squares(model: nn.Module, inputs: dict[str, Tensor], truth: Tensor) -> Tensor:
        return F.mse_loss(model(**inputs).logits[:, 0], truth, reduction="sum")

    squared = HeadKind(
        auto="AutoModelForSequenceClassification",
        task="SEQ_CLS",
        least_labels=0,
        fresh=True,
        loss=squares,
        count=lambda truth: torch.tensor(truth.shape[0]),
        pooling=lambda config: "the last token of the text",
        configure=lambda head: {"num_labels": 1},
    )
    monkeypatch.setitem(HEADS, "squared", squared)
    base = load_base(tiny_model("llama", tmp_path / "m"), head=Head(kind="squared"))
    batch = dict(base.tokenizer(list(TEXTS), padding=True, return_tensors="pt", return_token_type_ids=False))
    loss = head_loss(base.head, base.model, batch, torch.tensor([0.5, 1.0, -2.0]))
    loss.backward()
    assert base.model.score.weight.grad.abs().sum() > 0
    again = load_base(save_model(base, tmp_path / "out"))
    assert again.head == base.head
    monkeypatch.delitem(HEADS, "squared")
    with pytest.raises(ModelError, match="not known here"):
        load_base(tmp_path / "out")
