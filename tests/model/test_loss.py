"""The chunked loss at targets equals the plain one, value and gradient, one conversation at a time with all logits."""

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Gemma2Config, Gemma2ForCausalLM

from dialoop.model import AdapterSettings, linear_nll, load_base, sentences, spare_rows, target_nll
from dialoop.model import loss as loss_module

from ..tiny_models import tiny_model, tiny_network
from .conversations import FIND_ROOM, HOTEL, said, styled

DECODERS = ("gpt2", "llama", "qwen3")


def rows(seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Three sentences of different lengths as (ids, targets)."""
    tokenizer = styled("chatml")
    talks = [
        (HOTEL, [FIND_ROOM]),
        ([said("user", "Hi."), said("assistant", "Hello.")], None),
        (HOTEL[4:], None),
    ]
    made = [sentences(messages, tools, tokenizer)[0] for messages, tools in talks]
    return [(torch.tensor(one.ids), torch.tensor(one.targets)) for one in made]


def padded(batch: list[tuple[Tensor, Tensor]]) -> tuple[dict[str, Tensor], Tensor]:
    ids = nn.utils.rnn.pad_sequence([ids for ids, _ in batch], batch_first=True)
    targets = nn.utils.rnn.pad_sequence([targets for _, targets in batch], batch_first=True)
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(ids) for ids, _ in batch], batch_first=True)
    return {"input_ids": ids, "attention_mask": mask}, targets


def plain_loss(model: nn.Module, batch: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The reference: full logits, one conversation at a time."""
    total = torch.zeros((), dtype=torch.float64)
    for ids, targets in batch:
        logits = model(input_ids=ids[None]).logits[0]
        for t in range(1, len(ids)):
            if targets[t]:
                total = total - torch.log_softmax(logits[t - 1].double(), dim=0)[ids[t]]
    return total


def gradients(model: nn.Module) -> dict[str, Tensor]:
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-10), (torch.float32, 2e-4)])
@pytest.mark.parametrize("chunk", [1, 700 * 5, 1 << 25])
def test_loss_and_gradient_equal_the_plain_reference(
    kind: str, dtype: torch.dtype, near: float, chunk: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loss_module, "CHUNK_LOGITS", chunk)
    model = tiny_network(kind, len(styled("chatml"))).to(dtype)
    inputs, targets = padded(rows())
    wanted = plain_loss(model, rows())
    wanted.backward()
    expected = gradients(model)
    got = target_nll(model, inputs, targets)
    got.backward()
    found = gradients(model)
    assert got.item() == pytest.approx(wanted.item(), rel=near)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=near, atol=near, msg=name)


def test_the_way_without_all_logits_is_the_one_taken(monkeypatch: pytest.MonkeyPatch):
    model = tiny_network("llama", len(styled("chatml")))
    inputs, targets = padded(rows())
    target_nll(model, inputs, targets)

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("the whole model was called, with all logits")

    monkeypatch.setattr(type(model), "forward", never)
    assert target_nll(model, inputs, targets).item() > 0


def test_a_model_that_caps_its_logits_takes_the_full_way():
    torch.manual_seed(0)
    vocab = len(styled("chatml"))
    config = Gemma2Config(
        vocab_size=vocab, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, head_dim=8,
        num_key_value_heads=2, final_logit_softcapping=0.05, bos_token_id=None, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    model = Gemma2ForCausalLM(config).eval()
    inputs, targets = padded(rows())
    assert target_nll(model, inputs, targets).item() == pytest.approx(plain_loss(model, rows()).item(), rel=1e-4)


def test_an_adapted_model_gives_gradients_to_its_adapter_alone(tmp_path: Path):
    base = load_base(tiny_model("llama", tmp_path / "m"), adapter=AdapterSettings(r=4))
    base.model.double()
    inputs, targets = padded(rows())
    for name, parameter in base.model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter)
    wanted = plain_loss(base.model, rows())
    wanted.backward()
    expected = gradients(base.model)
    got = target_nll(base.model, inputs, targets)
    got.backward()
    found = gradients(base.model)
    assert got.item() == pytest.approx(wanted.item(), rel=1e-4)
    assert all("lora_" in name for name in found)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=2e-4, atol=2e-4, msg=name)


@pytest.mark.parametrize("bias", [True, False])
def test_linear_nll_equals_cross_entropy_where_only_some_inputs_learn(bias: bool):
    torch.manual_seed(0)
    labels = torch.randint(0, 11, (7,))
    parts = [torch.randn(7, 5), torch.randn(11, 5), torch.randn(11) if bias else None]
    for learning in ([0], [1], [0, 1], [2] if bias else [0], []):
        mine = [None if p is None else p.double().requires_grad_(n in learning) for n, p in enumerate(parts)]
        theirs = [None if p is None else p.detach().clone().requires_grad_(p.requires_grad) for p in mine]
        got = linear_nll(*mine, labels)
        wanted = F.cross_entropy(F.linear(*theirs), labels, reduction="sum")
        torch.testing.assert_close(got, wanted)
        if learning:
            (got * 3).backward()
            (wanted * 3).backward()
            for a, b in zip(mine, theirs, strict=True):
                if a is not None and a.requires_grad:
                    torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize("plain", [True, False], ids=["in chunks", "full logits"])
def test_each_target_counts_as_often_as_is_told(plain: bool, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    model = tiny_network("llama", len(styled("chatml"))).double()
    inputs, targets = padded(rows())
    monkeypatch.setattr(loss_module, "CHUNK_TARGETS", 3)
    if not plain:
        monkeypatch.setattr(loss_module, "_is_plain", lambda model: False)
    counts = torch.rand(targets.shape, dtype=torch.float64)
    got = target_nll(model, inputs, targets, counts)
    logits = model(**inputs).logits[:, :-1].flatten(0, 1)
    each = F.cross_entropy(logits, inputs["input_ids"][:, 1:].flatten(), reduction="none")
    wanted = (each * (counts * targets)[:, 1:].flatten()).sum()
    torch.testing.assert_close(got, wanted)
    for a, b in zip(_gradients(model, got), _gradients(model, wanted), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("kind", DECODERS)
def test_rows_of_unseen_tokens_are_spared_and_nothing_else_changes(kind: str):
    torch.manual_seed(0)
    model = tiny_network(kind, len(styled("chatml")))
    inputs, targets = padded(rows())
    plain = target_nll(model, inputs, targets)
    expected = {name: g for (name, _), g in zip(model.named_parameters(), _gradients(model, plain), strict=True)}
    seen = inputs["input_ids"][:, 1:][targets[:, 1:]].unique()
    spared = spare_rows(model, seen.tolist())
    output = model.get_output_embeddings().weight
    assert 0 < spared == output.shape[0] - len(seen)
    again = target_nll(model, inputs, targets)
    assert again.item() == plain.item()
    unread = torch.ones(output.shape[0], dtype=torch.bool)
    unread[inputs["input_ids"].flatten()] = False
    for (name, weight), found in zip(model.named_parameters(), _gradients(model, again), strict=True):
        if weight is not output:
            torch.testing.assert_close(found, expected[name])
            continue
        torch.testing.assert_close(found[seen], expected[name][seen])
        assert expected[name][unread].abs().min() > 0
        assert not found[unread].any()


def _gradients(model: nn.Module, loss: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, list(model.parameters()))


def test_bfloat16_is_summed_in_float32():
    torch.manual_seed(0)
    model = tiny_network("llama", len(styled("chatml")))
    low = copy.deepcopy(model).to(torch.bfloat16)
    inputs, targets = padded(rows())
    got = target_nll(low, inputs, targets)
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(target_nll(model, inputs, targets).item(), rel=2e-2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = target_nll(model, inputs, targets)
    mixed.backward()
    assert all(p.grad.dtype == torch.float32 for p in model.parameters() if p.grad is not None)
    assert mixed.item() == pytest.approx(got.item(), rel=2e-2)


def test_no_targets_give_zero():
    model = tiny_network("gpt2", len(styled("chatml")))
    inputs, targets = padded(rows())
    nothing = target_nll(model, inputs, torch.zeros_like(targets))
    nothing.backward()
    assert nothing.item() == 0
