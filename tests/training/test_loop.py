"""A step's loss and gradient equal a plain reference: full logits, one conversation at a time. For every head and
base.
"""

import copy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator

from dialoop.model import AdapterSettings, Head, head_loss, load_base
from dialoop.training.batches import lay_sentences, lay_texts
from dialoop.training.loop import Gear, mean_loss, take_step
from dialoop.training.material import read_records, samples_of
from dialoop.training.order import portions
from dialoop.training.schedule import OptimiserSettings
from dialoop.training.sharing import lay_families

from .talks import talks_file, texts_file

SETTINGS = OptimiserSettings(lr=0.1, schedule="constant", warmup=0.0, clip=1e9)
"""With plain descent at a known rate, a step shows the gradient that it took."""


def gear() -> Gear:
    return Gear(Accelerator(cpu=True, mixed_precision="no"), bf16=False)


def gradients_of_a_step(base, batches):
    """The mean loss and the gradients that a step took, found by what it did to the weights."""
    before = {name: p.detach().clone() for name, p in base.model.named_parameters() if p.requires_grad}
    descent = torch.optim.SGD([p for p in base.model.parameters() if p.requires_grad], lr=0.1)
    report = take_step(
        gear(),
        base.model,
        [descent],
        SETTINGS,
        batches,
        lambda model, batch: head_loss(base.head, model, batch.inputs, batch.truth),
        0.5,
    )
    after = {name: p.detach() for name, p in base.model.named_parameters()}
    return report, {name: (before[name] - after[name]) / 0.1 for name in before}


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen3"])
@pytest.mark.parametrize("adapter", [None, AdapterSettings(r=4, alpha=8)], ids=["full", "lora"])
@pytest.mark.parametrize("lay", [lay_families, partial(lay_sentences, pad=0)], ids=["rows of segments", "padded"])
def test_generate_equals_full_logits_one_conversation_at_a_time(kind, adapter, lay, bases, tmp_path: Path):
    torch.manual_seed(0)
    base = load_base(bases[kind], dropout=0.0 if kind == "gpt2" else None, adapter=adapter)
    conversations = read_records(talks_file(tmp_path, 12)).conversations
    samples = samples_of(conversations, base, base.window).samples
    reference = copy.deepcopy(base.model).train()
    total, count = torch.zeros(()), 0
    for sample in samples:
        ids, wanted = torch.tensor(sample.ids.astype(np.int64))[None], torch.tensor(sample.truth)
        logits = reference(input_ids=ids).logits[0, :-1]
        total = total + F.cross_entropy(logits[wanted[1:]], ids[0, 1:][wanted[1:]], reduction="sum")
        count += int(wanted.sum())
    (total / count).backward()

    base.model.train()
    parted = portions(range(len(samples)), [len(sample.ids) for sample in samples], 200)
    assert len(parted) > 2
    batches = [lay([samples[i] for i in portion]) for portion in parted]
    report, found = gradients_of_a_step(base, batches)
    assert report.targets == count
    assert report.loss == pytest.approx(float(total.detach()) / count, rel=1e-5)
    for name, p in reference.named_parameters():
        if p.requires_grad:
            torch.testing.assert_close(found[name], p.grad, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("multi", [False, True], ids=["one label", "any labels"])
@pytest.mark.parametrize("kind", ["bert", "llama"])
def test_classify_equals_one_text_at_a_time(kind, multi, bases, tmp_path: Path):
    torch.manual_seed(0)
    head = Head(kind="classify", labels=("place", "thing"), multi_label=multi)
    base = load_base(bases[kind], head=head, dropout=0.0 if kind == "bert" else None)
    samples = samples_of(read_records(texts_file(tmp_path, 6, multi=multi)).examples, base, base.window).samples
    reference = copy.deepcopy(base.model).train()
    total = torch.zeros(())
    for sample in samples:
        logits = reference(input_ids=torch.tensor(sample.ids.astype(np.int64))[None]).logits
        truth = torch.tensor(sample.truth)[None]
        one = F.binary_cross_entropy_with_logits if multi else F.cross_entropy
        total = total + one(logits, truth)
    (total / len(samples)).backward()

    base.model.train()
    pad = base.tokenizer.pad_token_id
    report, found = gradients_of_a_step(base, [lay_texts(samples[:5], pad), lay_texts(samples[5:], pad)])
    assert report.targets == len(samples)
    assert report.loss == pytest.approx(float(total.detach()) / len(samples), rel=1e-5)
    for name, p in reference.named_parameters():
        if p.grad is not None:
            torch.testing.assert_close(found[name], p.grad, rtol=1e-3, atol=2e-5)


def test_the_held_out_loss_is_the_mean_over_targets_and_leaves_the_mode_alone(bases, tmp_path: Path):
    base = load_base(bases["gpt2"], dropout=0.5)
    samples = samples_of(read_records(talks_file(tmp_path, 4)).conversations, base, base.window).samples
    base.model.train()

    def loss_sum(model, batch):
        return head_loss(base.head, model, batch.inputs, batch.truth)

    apart = [mean_loss(gear(), base.model, [lay_sentences([one], 0)], loss_sum) * one.count for one in samples]
    together = mean_loss(gear(), base.model, [lay_sentences(samples, 0)], loss_sum)
    assert together == pytest.approx(sum(apart) / sum(one.count for one in samples), rel=1e-5)
    assert base.model.training
