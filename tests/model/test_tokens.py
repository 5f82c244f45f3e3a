"""Segments are tokenised as the tokenizer would, and the same wherever they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AddedToken, PreTrainedTokenizerFast

from dialoop.model import packaged_template, prompt_ids, sentences
from dialoop.model.tokens import encoder

from ..tiny_models import MADE_UP, tiny_tokenizer
from .conversations import HOTEL, said, styled

CHATML = ("<|im_start|>", "<|im_end|>")


def sentencepiece_like(scheme: str) -> PreTrainedTokenizerFast:
    """Puts a space in front of the first word (`first`) or of every piece (`always`), as Llama 2's tokenizer does."""
    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    inner.decoder = decoders.Metaspace(prepend_scheme=scheme)
    alphabet = sorted({letter for text in MADE_UP for letter in text} | set("▁abcdefghijklmnopqrstuvwxyz\n"))
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=["<unk>", *CHATML], initial_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator(MADE_UP, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", eos_token="<|im_end|>")
    tokenizer.chat_template = packaged_template("chatml").text
    return tokenizer


@given(
    st.lists(st.sampled_from(["<|im_start|>", "<|im_end|>", "user\n", "a room", " York", "你好", "\n\n", "x" * 300]))
)
def test_pieces_give_the_tokens_of_the_whole(pieces: list[str]):
    tokenizer = styled("chatml")
    text = "".join(pieces)
    assert encoder(tokenizer).encode([text, "y"])[0] == tokenizer.encode(text, add_special_tokens=False)
    assert encoder(tokenizer).encode([text])[0] == tokenizer.encode(text, add_special_tokens=False)


@pytest.mark.parametrize("scheme", ["first", "always"])
def test_a_tokenizer_that_puts_spaces_in_front_keeps_prefixes(scheme: str):
    tokenizer = sentencepiece_like(scheme)
    messages = [
        said("user", "good morning"),
        said("assistant", "a room"),
        said("user", "when"),
        said("assistant", "now"),
    ]
    [made] = sentences(messages, None, tokenizer)
    for i in (1, 3):
        ids = prompt_ids(messages[:i], None, tokenizer)
        assert made.ids[: len(ids)] == ids
        assert made.targets[len(ids)]
    said_last = [id_ for id_, target in zip(made.ids, made.targets, strict=True) if target][-4:-1]
    assert tokenizer.convert_ids_to_tokens(said_last) == ["n", "o", "w"]  # no space got in between header and answer


def test_a_control_token_that_strips_spaces_is_left_to_the_tokenizer():
    tokenizer = tiny_tokenizer("chatml")
    tokenizer.add_special_tokens({"additional_special_tokens": [AddedToken("<|mid|>", rstrip=True, special=True)]})
    text = "a<|mid|>  b"
    assert encoder(tokenizer).encode([text])[0] == tokenizer.encode(text, add_special_tokens=False)
    messages = [said("user", "a <|im_end|> b"), said("assistant", "c")]
    [made] = sentences(messages, None, tokenizer)
    assert made.ids.count(tokenizer.convert_tokens_to_ids("<|im_end|>")) == 2


def test_tokens_added_later_are_seen():
    tokenizer = tiny_tokenizer("chatml")
    before = sentences(HOTEL[4:], None, tokenizer)[0]
    tokenizer.add_tokens(["garden"])
    after = sentences(HOTEL[4:], None, tokenizer)[0]
    assert after.ids != before.ids
