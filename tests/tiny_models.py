"""Tiny models for tests, made from transformers' configs with random weights, and a tokenizer trained on made-up text.

tokenizer = tiny_tokenizer()                       byte-level BPE, about 600 tokens, ChatML's control tokens
folder = tiny_model("llama", tmp_path / "llama")   a model's folder: "gpt2", "llama", "qwen3", "bert"
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from dialoop.model.backbone import quietly
from dialoop.model.templates import TEMPLATES, packaged_template

KINDS = ("gpt2", "llama", "qwen3", "bert")

MADE_UP = [
    "Good morning, I would like to book a quiet room for two nights, please.",
    "Which room would you like? The garden room costs 80 pounds a night.",
    "I am sorry, the library is closed on Monday. Shall I look for another day?",
    "Your booking number is 4711. Is there anything else that I can do for you?",
    '{"name": "find_room", "arguments": {"city": "York", "nights": 2, "price": "low"}}',
    "您好，我想预订一间安静的房间，住两个晚上。",
    "好的，请问您想住哪一种房间？花园房每晚八十镑。",
    "对不起，图书馆星期一不开门。要不要换一天？",
    "您的预订号是四七一一。还有什么可以帮您的吗？",
]


@lru_cache
def _trained(vocab_size: int) -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(MADE_UP * 4, trainer)
    return tokenizer.to_str()


def tiny_tokenizer(template: str | None = "chatml", vocab_size: int = 600) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with the packaged chat template `template`, or with none."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_trained(vocab_size)),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=512,
    )
    if template is not None:
        packaged = packaged_template(template)
        tokenizer.add_special_tokens({"additional_special_tokens": list(packaged.controls)})
        tokenizer.chat_template = packaged.text
        tokenizer.eos_token = packaged.stop
    return tokenizer


def tiny_bert_tokenizer() -> PreTrainedTokenizerFast:
    """The same tokens, with BERT's frame: [CLS] text [SEP]."""
    inner = Tokenizer.from_str(_trained(600))
    inner.add_special_tokens(["[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]"])
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(token, inner.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
        unk_token="[UNK]",
        model_max_length=512,
    )


def tiny_network(kind: str, vocab_size: int, *, hidden: int = 32, layers: int = 2, seed: int = 0) -> torch.nn.Module:
    """A transformers model of `kind` with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    llama_like = {
        "vocab_size": vocab_size,
        "hidden_size": hidden,
        "intermediate_size": hidden * 2,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    if kind == "gpt2":
        config = GPT2Config(
            vocab_size=vocab_size,
            n_embd=hidden,
            n_layer=layers,
            n_head=4,
            n_positions=512,
            bos_token_id=None,
            eos_token_id=None,
        )
        return GPT2LMHeadModel(config).eval()
    if kind == "llama":
        return LlamaForCausalLM(LlamaConfig(**llama_like)).eval()
    if kind == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(**llama_like, head_dim=8, tie_word_embeddings=True)).eval()
    if kind == "bert":
        config = BertConfig(
            vocab_size=vocab_size,
            hidden_size=hidden,
            intermediate_size=hidden * 2,
            num_hidden_layers=layers,
            num_attention_heads=4,
            max_position_embeddings=512,
        )
        return BertForMaskedLM(config).eval()
    raise ValueError(f"{kind!r} is none of {KINDS}")


def tiny_model(
    kind: str, folder: Path, *, template: str | None = "chatml", hidden: int = 32, layers: int = 2, seed: int = 0
) -> Path:
    """Write a tiny model of `kind` with its tokenizer to `folder`, as it would come from a hub; gives the folder."""
    tokenizer = tiny_bert_tokenizer() if kind == "bert" else tiny_tokenizer(template)
    model = tiny_network(kind, len(tokenizer), hidden=hidden, layers=layers, seed=seed)
    with quietly():
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


__all__ = ["KINDS", "MADE_UP", "TEMPLATES", "tiny_bert_tokenizer", "tiny_model", "tiny_network", "tiny_tokenizer"]
