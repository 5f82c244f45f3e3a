"""Terms: endings, pairs of Chinese signs, mixed text, what is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.knowledge.words import terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("towel", "Towels"),
        ("parking", "parked"),
        ("wifi", "Wi-Fi"),
        ("ＷＩＦＩ", "wifi"),
        ("guest's", "guest"),
        ("checkout", "check-out"),
        ("children’s", "children"),
    ],
)
def test_forms_of_a_word_share_a_term(one: str, other: str):
    assert set(terms(one)) & set(terms(other))


def test_chinese_gives_pairs_and_single_signs():
    assert terms("游泳池") == ["游泳", "泳池", "游", "泳", "池"]


def test_signs_that_hold_a_sentence_together_are_left_out():
    assert terms("我可以吗") == []
    assert terms("can I have the") == []


def test_mixed_text_is_cut_at_the_change_of_script():
    assert "wifi" in terms("WiFi要钱吗")
    assert "停车" in terms("parking停车free")


def test_stand_ins_are_no_words():
    assert terms("<name_1> <phone_2>") == []
    assert terms("<name_1> parking") == terms("parking")


def test_a_word_with_an_apostrophe_is_one_term():
    assert terms("11 o'clock") == terms("11 o’clock") == ["11", "oclock"]
    assert terms("Mr O'Brien-Smith's") == ["mr", "obrien", "smith", "obriensmith"]
    assert terms("I don't, I’ll, that's") == []


@given(st.text(max_size=200) | st.text("aOs'’- 5好", max_size=40))
def test_terms_hold_letters_and_digits_alone(text: str):
    assert all(term.isalnum() for term in terms(text))
