"""Bases that read images as well (Gemma 3, Mistral Small 3.1): what reads text is tuned, as a model of its own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    PreTrainedModel,
)

from dialoop.errors import ModelError
from dialoop.model import Head, load_base, save_model, takes_rows
from dialoop.model.backbone import quietly
from dialoop.training import Job, TuneSettings, tune

from ..tiny_models import tiny_tokenizer
from ..training.talks import talks_file

_TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
_EYES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}


def seeing(kind: str, folder: Path) -> tuple[Path, PreTrainedModel]:
    """A tiny model with eyes in `folder`, as it would come from a hub."""
    tokenizer = tiny_tokenizer("chatml")
    text = _TEXT | {"vocab_size": len(tokenizer)}
    torch.manual_seed(0)
    model: PreTrainedModel
    if kind == "gemma3":
        text |= {"sliding_window": 64}
        model = Gemma3ForConditionalGeneration(
            Gemma3Config(text_config=text, vision_config=_EYES, mm_tokens_per_image=4, image_token_index=3)
        )
    else:
        text |= {"model_type": "mistral", "tie_word_embeddings": False}
        eyes = _EYES | {"model_type": "pixtral", "head_dim": 16}
        model = Mistral3ForConditionalGeneration(
            Mistral3Config(text_config=text, vision_config=eyes, image_token_index=3, tie_word_embeddings=False)
        )
    with quietly():
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder, model.eval()


@pytest.mark.parametrize("kind", ["gemma3", "mistral3"])
def test_the_part_that_reads_text_gives_what_the_whole_gives(kind: str, tmp_path: Path):
    folder, whole = seeing(kind, tmp_path / "base")
    base, ids = load_base(folder), torch.tensor([[5, 6, 7, 8, 9]])
    torch.testing.assert_close(base.model(input_ids=ids).logits, whole(input_ids=ids).logits)
    assert base.window == 256
    assert not any("vision" in name for name, _ in base.model.named_parameters())
    takes_rows(base.model)
    stock = AutoModelForCausalLM.from_pretrained(save_model(base, tmp_path / "saved"))
    torch.testing.assert_close(stock(input_ids=ids).logits, whole(input_ids=ids).logits)


@pytest.mark.parametrize(("adapter", "share"), [("none", 0.9), ("lora", 0.98)])
def test_such_a_base_is_tuned_on_text(adapter: str, share: float, tmp_path: Path):
    folder, _ = seeing("gemma3", tmp_path / "base")
    data = talks_file(tmp_path, 20, turns=1)
    asked = TuneSettings(epochs=3, lr=0.01, adapter=adapter, precision="float32", device="cpu")
    result = tune(Job(data=str(data), base=str(folder), tune=asked), run=tmp_path / "run")
    assert result.before is not None
    assert result.after is not None
    assert result.after < share * result.before
    assert load_base(result.folder).model.config.model_type == "gemma3_text"


@pytest.mark.parametrize("kind", ["gemma3", "mistral3"])
def test_such_a_base_learns_no_labels(kind: str, tmp_path: Path):
    folder, _ = seeing(kind, tmp_path / "base")
    with pytest.raises(ModelError, match=f"a {kind} model reads images as well"):
        load_base(folder, head=Head(kind="classify", labels=("red", "blue")))


def test_a_base_whose_text_part_does_not_stand_alone_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, _ = seeing("gemma3", tmp_path / "base")

    def unknown(config: object, **more: object) -> None:
        raise ValueError("Unrecognized configuration class")

    monkeypatch.setattr(AutoModelForCausalLM, "from_config", unknown)
    with pytest.raises(ModelError, match="a gemma3 model reads more than text"):
        load_base(folder)
