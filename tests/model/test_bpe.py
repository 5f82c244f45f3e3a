import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.model.bpe import FORM_TOKENS, common_han, rarer_han, train_tokenizer

TEXTS = [
    "I would like to book the room for 2 nights at Harbour House, please.",
    'Would you like the room? {"name": "Harbour House", "nights": 2}',
    "请帮我预订海湾酒店，谢谢。",
] * 60


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, pieces=200, twins=20)


@given(st.text())
def test_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


@pytest.mark.parametrize(
    "value", ["Harbour House", "Quilzor Vanthe", "海湾酒店", "+44 20 7946", "2027-03-01", "A7-33", "北京Dance"]
)
def test_a_value_is_cut_alike_in_prose_and_in_json(tokenizer, value):
    ids = tokenizer.encode(value).ids
    for text in (
        f"I want {value}, please.",
        json.dumps({"name": value}, ensure_ascii=False),
        f"我要{value}。",
        f'{{"x":"{value}"}}',
    ):
        found = tokenizer.encode(text).ids
        assert any(found[at : at + len(ids)] == ids for at in range(len(found)))


def test_frequent_words_take_their_space_along(tokenizer):
    assert "Ġthe" in tokenizer.encode("book the room").tokens
    assert "Ġ" in tokenizer.encode("at Harbour").tokens


def test_digits_han_and_forms_are_single_tokens(tokenizer):
    assert tokenizer.encode("1987").tokens == ["1", "9", "8", "7"]
    assert len(tokenizer.encode("预订酒店").ids) == 4
    assert all(len(tokenizer.encode(form).ids) == 1 for form in FORM_TOKENS)


def test_common_han_are_those_of_the_standard():
    han = common_han()
    assert len(han) == len(set(han)) == 3755
    assert han[0] == "啊"
    assert han[-1] == "座"
    assert len(set(rarer_han())) == 3008
    assert not set(rarer_han()) & set(han)
