"""What is frozen gets no gradient, costs no way back and stays as it was; what is unfrozen has its turn."""

from pathlib import Path

import pytest
import torch
from transformers import (
    DebertaConfig,
    DebertaForSequenceClassification,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    MPNetConfig,
    MPNetForSequenceClassification,
    OPTConfig,
    OPTForCausalLM,
)

from dialoop.errors import ModelError, SettingsError
from dialoop.model import AdapterSettings, load_base
from dialoop.training import Job, TuneSettings, tune
from dialoop.training.part_settings import PartSettings
from dialoop.training.parts import choose_trained, layers_of, trained_in

from ..tiny_models import tiny_network
from .talks import talks_file, texts_file
from .test_tuning import Lines

ABOVE = {"gpt2": "ln_f", "llama": "norm", "qwen3": "model.norm", "bert": "cls"}


def trained(model: torch.nn.Module) -> set[str]:
    return {name for name, p in model.named_parameters() if p.requires_grad}


def layer(name: str) -> int | None:
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen3", "bert"])
def test_weights_stand_in_their_layers(kind):
    model = tiny_network(kind, 60, layers=3)
    layers = layers_of(model)
    assert layers.count == 3
    for name, height in layers.height.items():
        number = layer(name)
        assert height == (
            number + 1 if number is not None else 0 if any(w in name for w in ("embed", "wte", "wpe")) else 4
        )


_ENCODER = {
    "vocab_size": 60,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
_BY_DISTANCE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}


@pytest.mark.parametrize(
    ("make", "heights"),
    [
        (
            lambda: DebertaV2ForSequenceClassification(
                DebertaV2Config(**_ENCODER, **_BY_DISTANCE, norm_rel_ebd="layer_norm", conv_kernel_size=3)
            ),
            {"encoder.rel_embeddings": 0, "encoder.LayerNorm": 0, "encoder.conv": 1, "pooler.dense": 3},
        ),
        (
            lambda: DebertaForSequenceClassification(DebertaConfig(**_ENCODER, **_BY_DISTANCE)),
            {"encoder.rel_embeddings": 0, "pooler.dense": 3},
        ),
        (
            lambda: MPNetForSequenceClassification(MPNetConfig(**_ENCODER)),
            {"encoder.relative_attention_bias": 0, "classifier.dense": 3},
        ),
        (
            lambda: OPTForCausalLM(
                OPTConfig(
                    vocab_size=60,
                    hidden_size=32,
                    ffn_dim=64,
                    num_hidden_layers=2,
                    num_attention_heads=4,
                    max_position_embeddings=64,
                    word_embed_proj_dim=16,
                )
            ),
            {"decoder.final_layer_norm": 3, "decoder.project_out": 3, "decoder.project_in": 0, "embed_positions": 0},
        ),
    ],
    ids=["deberta-v2", "deberta", "mpnet", "opt"],
)
def test_what_stands_apart_from_where_it_is_read_has_the_height_of_its_reader(make, heights):
    found = layers_of(make())
    assert found.count == 2
    for part, height in heights.items():
        assert {found.height[name] for name in found.height if f"{part}." in name} == {height}, part


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen3", "bert"])
def test_the_top_layers_and_what_is_above_are_trained(kind):
    model = tiny_network(kind, 60, layers=3)
    choose_trained(model, PartSettings(train="top:2"))
    names = trained(model)
    assert {layer(name) for name in names} == {1, 2, None}
    assert any(ABOVE[kind] in name for name in names)
    assert not any(weight.requires_grad for weight in model.get_input_embeddings().parameters())


def test_embeddings_are_left_as_they_are():
    model = tiny_network("llama", 60)
    choose_trained(model, PartSettings(freeze_embeddings=True))
    assert set(dict(model.named_parameters())) - trained(model) == {"model.embed_tokens.weight"}


def test_the_head_alone_and_where_it_is_the_embeddings_own():
    model = tiny_network("llama", 60)
    choose_trained(model, PartSettings(train="head"))
    assert trained(model) == {"model.norm.weight", "lm_head.weight"}
    with pytest.raises(SettingsError, match="that of its embeddings"):
        choose_trained(tiny_network("qwen3", 60), PartSettings(train="head"))


def test_more_layers_than_there_are_is_refused():
    with pytest.raises(SettingsError, match="the base has 2 layers"):
        choose_trained(tiny_network("gpt2", 60), PartSettings(train="top:3"))


def test_an_adapter_without_a_trained_layer_is_refused(bases, tmp_path: Path):
    job = Job(
        data=str(talks_file(tmp_path, 3)), base=str(bases["llama"]), tune=TuneSettings(adapter="lora", train="head")
    )
    with pytest.raises(SettingsError, match="nothing is left to train"):
        tune(job, run=tmp_path / "run")


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert"])
def test_there_is_no_way_back_through_frozen_layers(kind):
    model = tiny_network(kind, 60, layers=3)
    choose_trained(model, PartSettings(train="top:1"))
    seen = {}
    for name, module in model.named_modules():
        if name.endswith((".0", ".1", ".2")) and name.count(".") <= 3:
            module.register_forward_hook(lambda module, given, out, name=name: seen.__setitem__(name, out))
    logits = model(input_ids=torch.arange(6)[None]).logits
    logits.sum().backward()
    graph = {int(name[-1]): (out[0] if isinstance(out, tuple) else out).requires_grad for name, out in seen.items()}
    assert graph == {0: False, 1: False, 2: True}
    assert {name for name, p in model.named_parameters() if p.grad is not None} <= trained(model)


@pytest.mark.parametrize(
    ("epoch", "lowest"), [(0, 3), (0.9, 3), (1, 2), (2, 1), (2.9, 1), (3, 0), (9, 0)], ids=lambda value: str(value)
)
def test_one_more_layer_each_epoch_from_above(epoch, lowest):
    model = tiny_network("llama", 60, layers=3)
    height = layers_of(model).height
    with trained_in(model, epoch, 1.0):
        assert trained(model) == {name for name in height if height[name] >= lowest}
    assert trained(model) == set(height)


def test_a_layer_that_never_is_trained_has_no_turn():
    model = tiny_network("llama", 60, layers=3)
    choose_trained(model, PartSettings(train="top:1"))
    before = trained(model)
    with trained_in(model, 5, 1.0):
        assert trained(model) == before


@pytest.mark.parametrize(
    ("values", "free"),
    [({"train": "top:1"}, {1, None}), ({"train": "head"}, {None}), ({"unfreeze": 5.0}, {1, None})],
    ids=["top:1", "head", "never come to its turn"],
)
def test_what_is_frozen_stays_byte_by_byte(values, free, bases, tmp_path: Path):
    asked = TuneSettings(epochs=2, lr=0.01, batch_size=4, device="cpu", precision="float32", **values)
    lines = Lines()
    tune(Job(data=str(talks_file(tmp_path, 12)), base=str(bases["llama"]), tune=asked), run=tmp_path / "r", watch=lines)
    tuned, base = load_base(tmp_path / "r"), load_base(bases["llama"])
    changed = {name for name, p in tuned.model.named_parameters() if not torch.equal(p, base.model.get_parameter(name))}
    assert changed
    assert {layer(name) for name in changed} == free
    assert not any("embed" in name for name in changed)
    if "train" in values:
        assert any(" of them (" in line and "trained" in line for line in lines.said)


def test_new_tokens_whose_embeddings_are_frozen_are_told(bases, tmp_path: Path):
    lines = Lines()
    asked = TuneSettings(epochs=1, train="top:1", device="cpu", precision="float32", template="gemma")
    tune(Job(data=str(talks_file(tmp_path, 4)), base=str(bases["llama"]), tune=asked), run=tmp_path / "r", watch=lines)
    assert any("tokens are new to" in line and "are frozen" in line for line in lines.said)


@pytest.mark.parametrize("adapter", ["lora", "dora", "rslora", "ia3"])
@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen3"])
def test_every_adapter_learns_and_the_model_is_whole(adapter, kind, bases, tmp_path: Path):
    asked = TuneSettings(
        adapter=adapter,
        epochs=2,
        lr=0.01,
        batch_size=4,
        lora_rank=16 if adapter == "ia3" else 4,
        device="cpu",
        precision="float32",
    )
    job = Job(data=str(talks_file(tmp_path, 24, turns=1)), base=str(bases[kind]), tune=asked)
    result = tune(job, run=tmp_path / "run")
    assert result.before is not None
    assert result.after is not None
    assert result.after < result.before
    tuned = load_base(result.folder)
    assert not hasattr(tuned.model, "peft_config")


@pytest.mark.parametrize("adapter", ["dora", "ia3"])
def test_an_encoder_learns_labels_by_an_adapter(adapter, bases, tmp_path: Path):
    data = texts_file(tmp_path, 10)
    asked = TuneSettings(
        adapter=adapter,
        epochs=8,
        lr=0.005,
        patience=8,
        held_out=str(data),
        device="cpu",
        precision="float32",
    )
    result = tune(Job(data=str(data), base=str(bases["bert"]), tune=asked), run=tmp_path / "run")
    assert result.before is not None
    assert result.after is not None
    assert result.after < result.before


def test_ia3_is_refused_where_tokens_are_new(bases):
    with pytest.raises(ModelError, match="tokens are new to this base"):
        load_base(bases["llama"], template="gemma", adapter=AdapterSettings(kind="ia3"))


def test_ia3_is_refused_where_peft_knows_no_layers_for_it(bases, monkeypatch: pytest.MonkeyPatch):
    from peft.utils import constants

    monkeypatch.setattr(constants, "TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING", {})
    with pytest.raises(ModelError, match="PEFT has no ia3 for llama models"):
        load_base(bases["llama"], adapter=AdapterSettings(kind="ia3"))
