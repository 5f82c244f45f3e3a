"""The vocabulary's bytes, the sampler's choices, the probe of number formats."""

import codecs

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from dialoop.engine import probe_dtype
from dialoop.engine.sample import Sampler
from dialoop.engine.vocabulary import Vocabulary
from dialoop.errors import ModelError

from .bases import tokenizer

WORDS = tokenizer()
VOCABULARY = Vocabulary(WORDS, [WORDS.convert_tokens_to_ids("<|im_end|>")])


@given(st.text(max_size=40))
def test_joined_bytes_are_the_text(text):
    ids = WORDS.encode(text, add_special_tokens=False, split_special_tokens=True)
    assert b"".join(VOCABULARY.texts[token] for token in ids) == text.encode()
    spelled = VOCABULARY.spelling(text.encode())
    assert b"".join(VOCABULARY.texts[token] for token in spelled) == text.encode()
    assert len(spelled) <= len(text.encode())


def test_control_tokens_have_no_text_and_those_of_calls_have():
    texts = {token: VOCABULARY.texts[WORDS.convert_tokens_to_ids(token)] for token in WORDS.get_added_vocab()}
    assert texts["<|im_start|>"] == texts["<|im_end|>"] == texts["<|im_end|>\n"] == b""
    assert texts['<tool_call>\n{"name": "'] == b'<tool_call>\n{"name": "'


def sentence_piece():
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁hotel", "s", "▁"]
    made = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(pieces)}, merges=[], byte_fallback=True))
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>")


def test_sentence_piece_with_byte_fallback():
    words = Vocabulary(sentence_piece(), [0])
    said = [*words.spelling(b" hotels"), *words.spelling("店".encode())]
    assert [words.texts[token] for token in said[:2]] == [b" hotel", b"s"]
    assert codecs.decode(b"".join(words.texts[token] for token in said), "utf-8") == " hotels店"
    assert words.strips_first_space


def test_other_tokenizers_are_refused():
    made = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    with pytest.raises(ModelError, match="cannot be served"):
        Vocabulary(PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]"), [0])


def everything(token):
    return True


def nothing():
    return []


def test_a_sampler_draws_the_model_s_distribution_over_what_is_allowed():
    logits = torch.log(torch.tensor([0.5, 0.2, 0.2, 0.1]))
    sampler = Sampler(1.0, 1.0, seed=0)
    drawn = [sampler.choose(logits, lambda token: token != 0, nothing) for _ in range(1500)]
    shares = torch.bincount(torch.tensor(drawn), minlength=4) / len(drawn)
    assert shares[0] == 0
    assert torch.allclose(shares[1:], torch.tensor([0.4, 0.4, 0.2]), atol=0.04)


def test_top_p_keeps_the_likeliest_up_to_its_share():
    logits = torch.log(torch.tensor([0.1, 0.5, 0.15, 0.25]))
    sampler = Sampler(1.0, 0.7, seed=0)
    assert {sampler.choose(logits, everything, nothing) for _ in range(300)} == {1, 3}
    assert Sampler(1.0, 0.7, seed=0).choose(logits, lambda token: token == 0, nothing) == 0


def test_greedy_takes_the_likeliest_allowed_and_asks_in_order():
    logits = torch.arange(1000.0)
    asked = []

    def allowed(token):
        asked.append(token)
        return token in (3, 5)

    assert Sampler(0.0, 1.0, None).choose(logits, allowed, lambda: [3, 4, 5]) == 5
    assert asked == [999, *range(999, 935, -1), 5]
    assert Sampler(0.0, 1.0, None).choose(logits, lambda token: False, lambda: [1]) is None


def test_the_probe_measures_and_remembers():
    assert probe_dtype() in ("float32", "bfloat16")
    assert probe_dtype() == probe_dtype()
