"""Mean pooling: what is read, saved and loaded, chosen as a base was trained, with adapters, and refused."""

import json
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from transformers import AutoModelForSequenceClassification

from dialoop.errors import ModelError, SettingsError
from dialoop.model import HEADS, AdapterSettings, Head, load_base, save_model
from dialoop.model.base import pooling_of
from dialoop.understanding.reading import read_texts

from ..tiny_models import tiny_model

MEAN = Head(kind="classify", labels=("ask", "book", "leave"), pooling="mean")
OWN = MEAN.model_copy(update={"pooling": "own"})
TEXTS = ["A quiet room, please.", "好的。", "The library is closed on Monday; shall I look for another day?"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("bert", tmp_path_factory.mktemp("pooling") / "bert")


def logits(base, texts=TEXTS):
    batch = base.tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
    with torch.no_grad():
        return base.model(**batch).logits


def test_the_head_reads_the_mean_of_the_tokens_however_it_is_padded(bert: Path):
    base = load_base(bert, head=MEAN)
    assert HEADS["classify"].pooling(base.model.config) == "the mean of all tokens"
    together = logits(base)
    for row, text in enumerate(TEXTS):
        batch = base.tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        with torch.no_grad():
            mean = base.model.bert(**batch).last_hidden_state.mean(dim=1)
            wanted = base.model.classifier(mean / mean.norm() * 32**0.5)
            unmasked = base.model(input_ids=batch["input_ids"]).logits
        torch.testing.assert_close(together[row : row + 1], wanted, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(unmasked, wanted, rtol=1e-4, atol=1e-5)


def test_it_is_saved_and_loaded_and_stock_transformers_misses_the_pooler(bert: Path, tmp_path: Path, caplog):
    base = load_base(bert, head=MEAN)
    save_model(base, tmp_path / "saved")
    again = load_base(tmp_path / "saved")
    assert again.head == MEAN
    torch.testing.assert_close(logits(again), logits(base))
    assert read_texts(again, TEXTS).features.shape == (3, 32)
    _, report = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved", output_loading_info=True)
    assert {"bert.pooler.dense.weight", "bert.pooler.dense.bias"} <= set(report["missing_keys"])


def test_half_precision_is_saved_from_a_copy_that_still_pools(bert: Path, tmp_path: Path):
    base = load_base(bert, head=MEAN)
    save_model(base, tmp_path / "half", dtype="bfloat16")
    half = load_base(tmp_path / "half", dtype="bfloat16")
    torch.testing.assert_close(logits(half).float(), logits(base), rtol=0.1, atol=0.05)


@pytest.mark.parametrize("form", ["whole", "adapter"])
def test_adapters_go_with_it(form, bert: Path, tmp_path: Path):
    torch.manual_seed(0)
    base = load_base(bert, head=MEAN, adapter=AdapterSettings(r=2))
    with torch.no_grad():
        for name, weight in base.model.named_parameters():
            if "lora_B" in name:
                weight.add_(0.1)
    save_model(base, tmp_path / form, form=form)
    again = load_base(tmp_path / form)
    torch.testing.assert_close(logits(again), logits(base), rtol=1e-3, atol=1e-4)
    assert (base.fresh, again.fresh) == (("classifier",), ())  # a head that was trained is not begun anew
    if form == "adapter":
        assert pooling_of(tmp_path / form, "auto", OWN)[0] == "mean"


def test_it_is_chosen_as_the_base_was_trained(bert: Path, tmp_path: Path):
    assert pooling_of(bert, "auto", OWN) == ("own", [])
    sentence = tiny_model("bert", tmp_path / "sentence")
    (sentence / "1_Pooling").mkdir()
    told = sentence / "1_Pooling" / "config.json"
    told.write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    pooling, lines = pooling_of(sentence, "auto", OWN)
    assert (pooling, lines) == ("mean", ["the head reads the mean of all tokens, as the base was trained"])
    assert pooling_of(sentence, "own", OWN) == ("own", [])
    assert pooling_of(sentence, "auto", Head(kind="tag", labels=("a",))) == ("own", [])
    save_model(load_base(sentence, head=MEAN), tmp_path / "tuned")
    assert pooling_of(tmp_path / "tuned", "auto", OWN)[0] == "mean"
    save_model(load_base(sentence, head=OWN), tmp_path / "as_own")
    assert pooling_of(tmp_path / "as_own", "auto", OWN)[0] == "own"
    told.write_text(json.dumps({"pooling_mode_mean_tokens": False}))
    assert pooling_of(sentence, "auto", OWN)[0] == "own"
    told.write_text("{}")
    with pytest.raises(ModelError, match="pooling_mode_mean_tokens"):
        pooling_of(sentence, "auto", OWN)


def test_where_it_cannot_be_it_is_refused_or_told(bert: Path, tmp_path: Path):
    decoder = tiny_model("qwen3", tmp_path / "qwen3")
    with pytest.raises(ModelError, match="qwen3 model cannot read the mean"):
        load_base(decoder, head=MEAN)
    (decoder / "1_Pooling").mkdir()
    (decoder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    pooling, lines = pooling_of(decoder, "auto", OWN)
    assert pooling == "own"
    assert "qwen3 reads one token" in lines[0]
    with pytest.raises(SettingsError, match="this data teaches tag"):
        pooling_of(bert, "mean", Head(kind="tag", labels=("a",)))
    with pytest.raises(ValidationError, match="pooling belongs to"):
        Head(kind="generate", pooling="mean")
