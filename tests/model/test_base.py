"""Bases of every kind load from a folder and come back from one; what cannot be trusted is refused in words."""

import errno
import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from huggingface_hub.utils import filter_repo_objects
from safetensors.torch import load_file, save_file
from tokenizers import processors
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from dialoop.errors import ModelError, SettingsError
from dialoop.model import (
    AdapterSettings,
    Base,
    Head,
    load_base,
    packaged_template,
    resolve_model,
    save_model,
    sentences,
    target_nll,
)

from ..tiny_models import tiny_bert_tokenizer, tiny_model, tiny_network, tiny_tokenizer
from .conversations import FIND_ROOM, HOTEL

DECODERS = ("gpt2", "llama", "qwen3")
COLOURS = Head(kind="classify", labels=("red", "green", "blue"))


def logits(base: Base) -> torch.Tensor:
    with torch.no_grad():
        return base.model(input_ids=torch.tensor([[5, 6, 7, 8]])).logits


@pytest.mark.parametrize("kind", DECODERS)
def test_decoders_load_generate_and_come_back(kind: str, tmp_path: Path):
    base = load_base(tiny_model(kind, tmp_path / "base"))
    assert base.head.kind == "generate"
    assert base.window == 512
    assert base.eos_ids == (base.tokenizer.convert_tokens_to_ids("<|im_end|>"),)
    assert not base.model.training
    [made] = sentences(HOTEL, [FIND_ROOM], base.tokenizer, window=base.window)
    assert made.ids[-1] in base.eos_ids
    again = load_base(save_model(base, tmp_path / "tuned"))
    torch.testing.assert_close(logits(again), logits(base))
    assert sentences(HOTEL, [FIND_ROOM], again.tokenizer) == [made]
    assert (again.window, again.eos_ids, again.head) == (base.window, base.eos_ids, base.head)


@pytest.mark.parametrize("kind", [*DECODERS, "bert"])
@pytest.mark.parametrize("multi_label", [False, True])
def test_every_backbone_classifies_and_comes_back(kind: str, multi_label: bool, tmp_path: Path):
    torch.manual_seed(0)
    head = COLOURS.model_copy(update={"multi_label": multi_label})
    base = load_base(tiny_model(kind, tmp_path / "base"), head=head)
    assert logits(base).shape == (1, 3)
    again = load_base(save_model(base, tmp_path / "tuned"))
    assert again.head == head
    for name, value in base.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value), name
    torch.testing.assert_close(logits(again), logits(base))


def test_what_is_saved_loads_in_stock_transformers(tmp_path: Path):
    base = load_base(tiny_model("llama", tmp_path / "base"))
    folder = save_model(base, tmp_path / "tuned")
    stock = AutoModelForCausalLM.from_pretrained(folder)
    torch.testing.assert_close(stock(input_ids=torch.tensor([[5, 6, 7, 8]])).logits, logits(base))
    assert stock.generation_config.eos_token_id == list(base.eos_ids)
    assert AutoTokenizer.from_pretrained(folder).chat_template == base.tokenizer.chat_template
    classifier = save_model(load_base(folder, head=COLOURS), tmp_path / "classifier")
    stock = AutoModelForSequenceClassification.from_pretrained(classifier)
    assert stock.config.id2label == {0: "red", 1: "green", 2: "blue"}


def test_an_encoder_cannot_generate(tmp_path: Path):
    with pytest.raises(ModelError, match="cannot generate"):
        load_base(tiny_model("bert", tmp_path / "bert"))


def test_the_saved_width_is_chosen(tmp_path: Path):
    base = load_base(tiny_model("llama", tmp_path / "base"))
    folder = save_model(base, tmp_path / "half", dtype="bfloat16")
    assert {t.dtype for t in load_file(folder / "model.safetensors").values()} == {torch.bfloat16}
    assert next(base.model.parameters()).dtype == torch.float32
    assert next(load_base(folder).model.parameters()).dtype == torch.float32
    assert next(load_base(folder, dtype="auto").model.parameters()).dtype == torch.bfloat16


def test_a_base_without_a_template_gets_chatml_and_rows_for_its_tokens(tmp_path: Path):
    tokenizer = tiny_bert_tokenizer()  # knows none of ChatML's tokens as control tokens of a chat
    tokenizer.save_pretrained(tmp_path / "base")
    tiny_network("llama", 300).save_pretrained(tmp_path / "base")
    base = load_base(tmp_path / "base")
    assert base.tokenizer.chat_template == packaged_template("chatml").text
    rows = base.model.get_input_embeddings().weight
    assert rows.shape[0] == len(base.tokenizer)
    old = rows[:300]
    assert torch.allclose(rows[300:].mean(0), old.mean(0), atol=float(old.detach().std()))
    assert torch.equal(rows, load_base(tmp_path / "base").model.get_input_embeddings().weight)  # always the same
    assert base.eos_ids[0] == base.tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_a_template_can_be_chosen(tmp_path: Path):
    base = load_base(tiny_model("llama", tmp_path / "base"), template="gemma")
    assert base.tokenizer.decode(base.eos_ids[0]) == "<end_of_turn>"
    with pytest.raises(ModelError, match="did you mean 'gemma'"):
        load_base(tmp_path / "base", template="gema")


def test_the_stop_token_learns_even_where_it_pads(tmp_path: Path):
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(tmp_path / "base")
    tiny_network("llama", len(tokenizer)).save_pretrained(tmp_path / "base")
    base = load_base(tmp_path / "base")
    base.model(input_ids=torch.tensor([[5, base.eos_ids[0], 7]])).logits.sum().backward()
    assert base.model.get_input_embeddings().weight.grad[base.eos_ids[0]].abs().sum() > 0


@pytest.mark.parametrize("kind", [*DECODERS, "bert"])
def test_dropout_is_overridden(kind: str, tmp_path: Path):
    head = COLOURS if kind == "bert" else None
    folder = tiny_model(kind, tmp_path / "base")
    base = load_base(folder, dropout=0.5, head=head)
    assert not torch.equal(logits(load_base(folder, dropout=0.0)), torch.zeros(1)) if head is None else True
    base.model.train()
    assert not torch.equal(logits(base), logits(base))
    calm = load_base(folder, dropout=0.0, head=head)
    calm.model.train()
    assert torch.equal(logits(calm), logits(calm))
    with pytest.raises(SettingsError, match=r"dropout is 1\.5"):
        load_base(folder, dropout=1.5, head=head)


def test_a_pickled_checkpoint_is_refused_and_never_opened(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "opened",)

    folder = tiny_model("llama", tmp_path / "base")
    (folder / "model.safetensors").unlink()
    for name in ("pytorch_model.bin", "model.pt", "weights.pkl"):
        torch.save(Trap(), folder / name)
        with pytest.raises(ModelError, match="not opened") as refused:
            load_base(folder)
        assert str(folder) in str(refused.value)
        (folder / name).unlink()
    assert not (tmp_path / "opened").exists()
    with pytest.raises(ModelError, match="no weights"):
        load_base(folder)


def test_a_pickle_beside_safetensors_is_never_opened(tmp_path: Path):
    folder = tiny_model("llama", tmp_path / "base")
    alone = dict(load_base(folder).model.state_dict())
    (folder / "pytorch_model.bin").write_bytes(b"not even a pickle")
    (folder / "training_args.bin").write_bytes(b"nor this")
    beside = load_base(folder).model.state_dict()
    assert alone.keys() == beside.keys()
    assert all(weights.equal(beside[name]) for name, weights in alone.items())


def test_code_beside_a_model_is_never_run(tmp_path: Path):
    folder = tiny_model("llama", tmp_path / "base")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nEvil = EvilConfig = object\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {"auto_map": {"AutoConfig": "evil.EvilConfig", "AutoModelForCausalLM": "evil.Evil"}}
    (folder / "config.json").write_text(json.dumps(config))
    load_base(folder)
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "evil"}))
    with pytest.raises(ModelError, match="no model that is known"):
        load_base(folder)
    assert not (tmp_path / "ran").exists()


def tear(folder: Path, how: str) -> None:
    weights = folder / "model.safetensors"
    if how == "cut short":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif how == "one bit":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
    elif how == "weights gone":
        weights.unlink()
    elif how == "tokenizer gone":
        (folder / "tokenizer.json").unlink()
    elif how == "another shard":
        shutil.copy(weights, folder / "model-00002.safetensors")
    elif how == "manifest":
        (folder / "manifest.json").write_text('{"files": ')
    elif how == "empty":
        weights.write_bytes(b"")


TEARS = ("cut short", "one bit", "weights gone", "tokenizer gone", "another shard", "manifest", "empty")


@pytest.mark.parametrize("how", TEARS)
def test_a_torn_checkpoint_is_refused(how: str, tmp_path: Path):
    folder = save_model(load_base(tiny_model("llama", tmp_path / "base")), tmp_path / "tuned")
    tear(folder, how)
    with pytest.raises(ModelError) as refused:
        load_base(folder)
    assert str(folder) in str(refused.value)
    assert refused.value.remedy


@pytest.mark.parametrize("how", ["cut short", "empty", "tokenizer gone"])
def test_a_torn_folder_without_a_manifest_is_refused_as_far_as_it_can_be_seen(how: str, tmp_path: Path):
    folder = tiny_model("llama", tmp_path / "base")
    tear(folder, how)
    with pytest.raises(ModelError):
        load_base(folder)


def test_weights_that_are_missing_are_not_made_up(tmp_path: Path):
    folder = tiny_model("llama", tmp_path / "base")
    weights = load_file(folder / "model.safetensors")
    gone = next(name for name in weights if "q_proj" in name)
    save_file({name: w for name, w in weights.items() if name != gone}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="weights are missing"):
        load_base(folder)
    with pytest.raises(ModelError, match="weights are missing"):
        load_base(folder, head=COLOURS)


def test_weights_of_another_shape_are_refused(tmp_path: Path):
    folder = tiny_model("llama", tmp_path / "base")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 48}))
    for head in (None, COLOURS):
        with pytest.raises(ModelError, match=r"loaded|another shape"):
            load_base(folder, head=head)


def test_a_classifier_gets_a_new_head_for_other_labels(tmp_path: Path):
    folder = save_model(load_base(tiny_model("llama", tmp_path / "base"), head=COLOURS), tmp_path / "three")
    two = Head(kind="classify", labels=("yes", "no"))
    assert logits(load_base(folder, head=two)).shape == (1, 2)


def test_saving_over_a_model_replaces_it_whole(tmp_path: Path):
    first = load_base(tiny_model("llama", tmp_path / "one"))
    second = load_base(tiny_model("llama", tmp_path / "two", seed=1))
    save_model(first, tmp_path / "out")
    (tmp_path / "out" / "stray.txt").write_text("x")
    save_model(second, tmp_path / "out")
    torch.testing.assert_close(logits(load_base(tmp_path / "out")), logits(second))
    assert not (tmp_path / "out" / "stray.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "out", "two"]


def test_a_full_disk_leaves_the_old_model_and_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    base = load_base(tiny_model("llama", tmp_path / "base"))
    folder = save_model(base, tmp_path / "out")

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(base.model), "save_pretrained", full)
    with pytest.raises(ModelError, match="No space left") as refused:
        save_model(base, folder)
    assert "free some space" in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "out"]
    torch.testing.assert_close(logits(load_base(folder)), logits(base))


@pytest.mark.parametrize("kind", DECODERS)
def test_an_adapter_is_saved_alone_or_merged(kind: str, tmp_path: Path):
    plain = load_base(tiny_model(kind, tmp_path / "base"))
    base = load_base(tmp_path / "base", adapter=AdapterSettings(r=2))
    learning = [p for p in base.model.parameters() if p.requires_grad]
    assert sum(p.numel() for p in learning) < sum(p.numel() for p in base.model.parameters()) / 4
    with torch.no_grad():
        for parameter in learning:
            parameter.normal_()
    assert not torch.allclose(logits(base), logits(plain))
    alone = load_base(save_model(base, tmp_path / "adapter", form="adapter"))
    torch.testing.assert_close(logits(alone), logits(base))
    assert not list((tmp_path / "adapter").glob("model*.safetensors"))
    assert alone.origin == base.origin
    torch.testing.assert_close(logits(load_base(save_model(alone, tmp_path / "again", form="adapter"))), logits(base))
    merged = load_base(save_model(base, tmp_path / "merged"))
    torch.testing.assert_close(logits(merged), logits(base), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        logits(load_base(tmp_path / "adapter")), logits(base)
    )  # merging left the model as it was


@pytest.mark.parametrize("kind", DECODERS)
def test_an_adapter_keeps_its_template_and_trains_the_tokens_that_it_brought(kind: str, tmp_path: Path):
    """Llama here has an output matrix of its own, the others share it with the embedding."""
    base = load_base(tiny_model(kind, tmp_path / "base"), template="gemma", adapter=AdapterSettings(r=2))
    learning = {name: p for name, p in base.model.named_parameters() if p.requires_grad and "lora" not in name}
    assert sum("lm_head" in name for name in learning) == (kind == "llama")
    inputs = {"input_ids": torch.tensor([[5, base.eos_ids[0], 7, base.eos_ids[0]]])}
    target_nll(base.model, inputs, torch.tensor([[False, True, True, True]])).backward()
    assert learning
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in learning.values())
    with torch.no_grad():
        for parameter in learning.values():
            parameter.normal_()
    again = load_base(save_model(base, tmp_path / "adapter", form="adapter"))
    assert again.tokenizer.chat_template == packaged_template("gemma").text
    assert again.eos_ids == base.eos_ids
    ids = inputs["input_ids"]
    torch.testing.assert_close(again.model(input_ids=ids).logits, base.model(input_ids=ids).logits)
    whole = load_base(save_model(base, tmp_path / "whole"))
    torch.testing.assert_close(whole.model(input_ids=ids).logits, base.model(input_ids=ids).logits)


def test_an_adapter_of_other_weights_is_refused(tmp_path: Path):
    base = load_base(tiny_model("llama", tmp_path / "base"), adapter=AdapterSettings())
    save_model(base, tmp_path / "adapter", form="adapter")
    shutil.rmtree(tmp_path / "base")
    tiny_model("llama", tmp_path / "base", seed=1)
    with pytest.raises(ModelError, match="other weights"):
        load_base(tmp_path / "adapter")
    (tmp_path / "adapter" / "adapter_base.json").unlink()
    with pytest.raises(ModelError):
        load_base(tmp_path / "adapter")


def test_an_adapter_names_layers_that_are_there(tmp_path: Path):
    folder = tiny_model("llama", tmp_path / "base")
    base = load_base(folder, adapter=AdapterSettings(targets=("q_proj",)))
    assert all("q_proj" in name for name, p in base.model.named_parameters() if p.requires_grad)
    with pytest.raises(ModelError, match="q_porj"):
        load_base(folder, adapter=AdapterSettings(targets=("q_porj",)))
    with pytest.raises(ModelError, match="no adapter to save"):
        save_model(load_base(folder), tmp_path / "x", form="adapter")


def test_an_adapted_classifier_trains_its_new_head(tmp_path: Path):
    folder = tiny_model("bert", tmp_path / "base")
    base = load_base(folder, head=COLOURS, adapter=AdapterSettings(r=2))
    assert any("classifier" in name for name, p in base.model.named_parameters() if p.requires_grad)
    with torch.no_grad():
        for parameter in base.model.parameters():
            if parameter.requires_grad:
                parameter.normal_()
    alone = load_base(save_model(base, tmp_path / "adapter", form="adapter"))
    assert alone.head == COLOURS
    torch.testing.assert_close(logits(alone), logits(base))
    again = load_base(save_model(base, tmp_path / "merged"))
    assert again.head == COLOURS
    torch.testing.assert_close(logits(again), logits(base), rtol=1e-4, atol=1e-4)


def test_loading_and_saving_say_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        base = load_base(tiny_model("bert", tmp_path / "base"), head=COLOURS, adapter=AdapterSettings(r=2))
        save_model(base, tmp_path / "out")
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize("template", ["chatml", "qwen3", "llama3"])
def test_a_packaged_template_begins_with_the_token_that_the_bases_own_texts_begin_with(template: str, tmp_path: Path):
    tokenizer = tiny_tokenizer(None)
    tokenizer.add_special_tokens({"bos_token": "<s>"})
    folder = tmp_path / "base"
    tokenizer.save_pretrained(folder)
    tiny_network("llama", len(tokenizer)).save_pretrained(folder)
    plain = load_base(folder, template=template)
    inner = tokenizer.backend_tokenizer
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.bos_token_id)]
    )
    tokenizer.save_pretrained(folder)
    base = load_base(folder, template=template)
    assert base.tokenizer("x")["input_ids"][0] == base.tokenizer.bos_token_id
    [made] = sentences(HOTEL[:5], [FIND_ROOM], base.tokenizer)[:1]
    assert made.ids[0] == base.tokenizer.bos_token_id
    assert made.ids.count(base.tokenizer.bos_token_id) == 1
    if template != "llama3":
        assert plain.tokenizer.chat_template == packaged_template(template).text
        assert sentences(HOTEL[:5], [FIND_ROOM], plain.tokenizer)[0].ids == made.ids[1:]
    again = load_base(save_model(base, tmp_path / "saved"))
    assert sentences(HOTEL[:5], [FIND_ROOM], again.tokenizer)[0] == made


@pytest.mark.parametrize(
    "told",
    [{"temperature": 0.9, "top_p": 0.6}, {"early_stopping": True, "length_penalty": 0.5}],
)
def test_what_a_base_says_of_generation_never_keeps_it_from_being_saved(told: dict[str, object], tmp_path: Path):
    folder = tiny_model("llama", tmp_path / "base")
    known = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps(known | told))
    saved = save_model(load_base(folder), tmp_path / "saved")
    kept = json.loads((saved / "generation_config.json").read_text())
    assert not any(kept.get(name) for name in told)
    assert kept["eos_token_id"] == list(load_base(folder).eos_ids)


def test_what_a_base_says_of_sampling_is_kept_where_it_samples(tmp_path: Path):
    folder = tiny_model("llama", tmp_path / "base")
    known = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps(known | {"do_sample": True, "temperature": 0.9}))
    saved = save_model(load_base(folder), tmp_path / "saved")
    assert json.loads((saved / "generation_config.json").read_text())["temperature"] == 0.9


@pytest.mark.parametrize("kind", ["llama", "qwen3"])
def test_new_tokens_inside_a_padded_vocabulary_begin_near_the_others(kind: str, tmp_path: Path):
    """Llama here has an output matrix of its own; what was padded is zero, as published bases have it."""
    tokenizer, padded = tiny_tokenizer(None), 700
    known = len(tokenizer)
    model = tiny_network(kind, padded)
    with torch.no_grad():
        for matrix in (model.get_input_embeddings().weight, model.get_output_embeddings().weight):
            matrix[known:] = 0
    model.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    before = model.get_input_embeddings().weight.detach().clone()
    base = load_base(tmp_path / "base", template="gemma")
    assert set(base.new_tokens) == set(range(known, len(base.tokenizer)))
    for matrix in (base.model.get_input_embeddings().weight, base.model.get_output_embeddings().weight):
        assert matrix.shape[0] == padded
        old, new = matrix[:known].detach(), matrix[list(base.new_tokens)].detach()
        assert (new - old.mean(0)).abs().max() < old.std()
        assert all(not torch.equal(new[0], one) for one in new[1:])
        assert new.std(0).min() > 0
    rows = base.model.get_input_embeddings().weight
    assert torch.equal(rows[:known], before[:known])
    assert not rows[len(base.tokenizer) :].any()


def test_a_token_that_the_base_had_keeps_its_row(tmp_path: Path):
    """Its own words may hold ChatML's marks without being control tokens; then their rows were trained."""
    tokenizer = tiny_tokenizer(None)
    tokenizer.add_tokens(["<start_of_turn>"])
    tokenizer.save_pretrained(tmp_path / "base")
    model = tiny_network("llama", len(tokenizer))
    model.save_pretrained(tmp_path / "base")
    base, at = load_base(tmp_path / "base", template="gemma"), tokenizer.convert_tokens_to_ids("<start_of_turn>")
    assert torch.equal(base.model.get_input_embeddings().weight[at], model.get_input_embeddings().weight[at])


@pytest.mark.parametrize("told", [{"quant_method": "gptq", "bits": 4}, {"quant_method": "fp8"}])
def test_quantised_weights_are_refused(told: dict[str, object], tmp_path: Path):
    folder = tiny_model("llama", tmp_path / "base")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": told}))
    with pytest.raises(ModelError, match=rf"quantised \({told['quant_method']}\)") as refused:
        load_base(folder)
    assert "unquantised" in str(refused.value.remedy)


def test_the_same_weights_are_not_fetched_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    there = ["model-00001-of-00002.safetensors", "consolidated.safetensors", "config.json", "tokenizer.json", "x.bin"]
    fetched: list[str] = []

    def fetch(name: str, *, allow_patterns: list[str], ignore_patterns: list[str] | None = None) -> str:
        fetched.extend(filter_repo_objects(there, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert resolve_model("mistralai/Some-7B") == tmp_path
    assert fetched == ["model-00001-of-00002.safetensors", "config.json", "tokenizer.json"]
