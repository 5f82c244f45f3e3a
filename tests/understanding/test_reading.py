"""What is read of a text is what its head reads: the last layer makes the logits of it, whatever the kind of base."""

import json
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForMaskedLM

from dialoop.model import Head, load_base
from dialoop.model.heads import last_layer
from dialoop.understanding.reading import read_texts
from tests.tiny_models import tiny_bert_tokenizer, tiny_model

TEXTS = ["A quiet room, please.", "好的。", "The library is closed on Monday; shall I look for another day?", ""]
HEAD = Head(kind="classify", labels=("ask", "book", "leave"))
SMALL = {"num_attention_heads": 4, "num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64}
OTHERS = {
    "roberta": SMALL | {"max_position_embeddings": 2000},
    "electra": SMALL | {"embedding_size": 32},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
}


def other_encoder(kind: str, folder: Path) -> Path:
    tokenizer = tiny_bert_tokenizer()
    torch.manual_seed(0)
    pad = tokenizer.pad_token_id
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), pad_token_id=pad, **OTHERS[kind])
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_an_encoder_that_counts_positions_from_its_padding_reads_texts_up_to_its_window(tmp_path: Path):
    folder = other_encoder("roberta", tmp_path / "roberta")
    config = json.loads((folder / "config.json").read_text())
    config["pad_token_id"], config["max_position_embeddings"] = 1, 66
    (folder / "config.json").write_text(json.dumps(config))
    weights = load_file(folder / "model.safetensors")
    place = "roberta.embeddings.position_embeddings.weight"
    save_file(weights | {place: weights[place][:66].clone()}, folder / "model.safetensors")
    base = load_base(folder, head=HEAD)
    assert base.window == 64
    assert read_texts(base, ["room " * 500]).logits.shape == (1, 3)


@pytest.mark.parametrize("kind", ["bert", "llama", "qwen3", "gpt2", *OTHERS])
def test_the_last_layer_makes_the_logits_of_what_is_read(kind: str, tmp_path: Path):
    folder = other_encoder(kind, tmp_path / kind) if kind in OTHERS else tiny_model(kind, tmp_path / kind)
    base = load_base(folder, head=HEAD)
    base.model.eval()
    read = read_texts(base, TEXTS)
    assert read.features.shape == (4, 32)
    with torch.no_grad():
        logits = last_layer(base.model)(torch.from_numpy(read.features))
    torch.testing.assert_close(torch.from_numpy(read.logits), logits, rtol=1e-4, atol=1e-5)


def test_threads_that_read_with_one_model_get_the_features_of_their_own_texts(tmp_path: Path):
    base = load_base(tiny_model("qwen3", tmp_path / "base"), head=Head(kind="classify", labels=("a", "b")))
    first, others = ["a room"], ["the price of a night", "good bye"]
    alone = read_texts(base, first).features
    is_first, is_in, may_end = threading.get_ident, threading.Event(), threading.Event()
    found = []

    def read() -> None:
        mine = is_first()

        def stop(*_: object) -> None:  # the first thread has its answer, and has not looked at it yet
            if is_first() == mine:
                is_in.set()
                assert may_end.wait(20)

        hook = base.model.register_forward_hook(stop)
        found.append(read_texts(base, first).features)
        hook.remove()

    thread = threading.Thread(target=read)
    thread.start()
    assert is_in.wait(20)
    read_texts(base, others)
    may_end.set()
    thread.join(20)
    assert found[0] == pytest.approx(alone, abs=1e-5)
