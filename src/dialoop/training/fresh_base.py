"""Makes what pretraining begins with: a tokenizer that is trained on the data, and a decoder with random weights.

It knows a recipe's sizes and conversations; not how the weights are trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from dialoop.conversation import Conversation
from dialoop.model.bpe import SPECIAL_TOKENS, train_tokenizer
from dialoop.training.corpus import plain_messages
from dialoop.training.recipe import ModelShape, Recipe

Conversations = Callable[[], Iterable[Conversation]]
"""A source: each call gives its conversations anew."""
_TEMPLATE = Path(__file__).parent.parent / "model" / "templates" / "mini.jinja"


def make_tokenizer(recipe: Recipe, sources: Mapping[str, Conversations], window: int) -> PreTrainedTokenizerFast:
    """A tokenizer trained on up to 3,000 conversations of each source, with the chat template of `mini`."""
    shell: Any = _wrapped(train_tokenizer([], pieces=0, twins=0))
    shell.chat_template = _TEMPLATE.read_text(encoding="utf-8")
    texts = (
        shell.apply_chat_template(plain_messages(c), tools=c.tools or None, tokenize=False)
        for source in sources.values()
        for c in islice(source(), 3_000)
    )
    trained = train_tokenizer(texts, pieces=recipe.tokenizer.pieces, twins=recipe.tokenizer.twins)
    return _wrapped(
        trained,
        eos_token=SPECIAL_TOKENS[2],
        pad_token=SPECIAL_TOKENS[0],
        additional_special_tokens=[SPECIAL_TOKENS[1]],
        chat_template=shell.chat_template,
        model_max_length=window,
        clean_up_tokenization_spaces=False,
    )


def _wrapped(tokenizer: Tokenizer, **options: Any) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **options)  # type: ignore[no-untyped-call]


def make_model(shape: ModelShape, vocabulary: int, *, pad: int, eos: list[int], seed: int) -> Qwen3ForCausalLM:
    """A Qwen3 decoder with random weights."""
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        head_dim=shape.head_width,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.window,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=True,
        pad_token_id=pad,
        eos_token_id=eos,
        bos_token_id=None,
    )
    config._attn_implementation = "eager"
    return Qwen3ForCausalLM(config)
