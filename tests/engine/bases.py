"""Tiny random bases for the engine's tests: a byte-level tokenizer with the chat form's tokens, and small models."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
FORM = ('<tool_call>\n{"name": "', '", "arguments": {', "}}\n</tool_call>", "<|im_end|>\n", "<think>", "</think>")
SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
GROUPED = {**SMALL, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 512}


@dataclass
class TinyBase:
    """What the engine reads of a base."""

    model: Any
    tokenizer: Any
    name: str = "tiny"
    path: Path | None = None
    window: int = 512
    eos_ids: tuple[int, ...] = (258,)
    fingerprint: str = "0"


def tokenizer(merges=(("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("ä", "½"), ("}", "}"))):
    """A byte-level BPE of the 256 bytes, a few merges, and the tokens of the chat form."""
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {letter: i for i, letter in enumerate([*letters, *(a + b for a, b in merges)])}
    made = Tokenizer(models.BPE(vocab=vocab, merges=list(merges)))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    made.add_tokens([AddedToken(text, special=False, normalized=False) for text in FORM])
    words = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    words.chat_template = files("dialoop.model").joinpath("templates/mini.jinja").read_text()
    return words


def tiny_model(kind, vocab, seed=0):
    """A random model of a family, in float32 and evaluation mode."""
    torch.manual_seed(seed)
    made = {
        "gpt2": lambda: GPT2LMHeadModel(GPT2Config(vocab_size=vocab, n_embd=32, n_layer=2, n_head=4, n_positions=512)),
        "llama": lambda: LlamaForCausalLM(LlamaConfig(vocab_size=vocab, **GROUPED)),
        "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(vocab_size=vocab, **GROUPED)),
        "mistral": lambda: MistralForCausalLM(MistralConfig(vocab_size=vocab, sliding_window=24, **GROUPED)),
        "gemma3": lambda: Gemma3ForCausalLM(
            Gemma3TextConfig(
                vocab_size=vocab,
                sliding_window=16,
                layer_types=["sliding_attention", "full_attention"],
                **GROUPED,
            )
        ),
    }[kind]()
    with torch.no_grad():
        for weight in made.parameters():
            if weight.dim() > 1:
                weight.mul_(6)  # sharper answers: no ties that rounding decides
    return made.eval()


def tiny_base(kind="llama", seed=0):
    """A tiny base of a family."""
    words = tokenizer()
    return TinyBase(tiny_model(kind, len(words), seed), words, eos_ids=(words.convert_tokens_to_ids("<|im_end|>"),))
