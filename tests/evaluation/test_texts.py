import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.evaluation import texts


def test_chinese_counts_by_character_and_words_stay_whole() -> None:
    assert texts.units("Book 两间房 at Grand-Hotel, 2晚!") == [
        "book",
        "两",
        "间",
        "房",
        "at",
        "grand",
        "hotel",
        "2",
        "晚",
    ]


def test_rouge_l_of_chinese_is_not_zero() -> None:
    """rouge-score's own tokenizer would drop every character and give 0."""
    assert texts.rouge_l("您的房间订好了", "您的房间已经订好了") == pytest.approx(2 * 7 / 16)
    assert texts.rouge_l("The room is booked", "the room is booked now") == pytest.approx(8 / 9)
    assert texts.rouge_l("", "好") == 0.0


def test_repetition_counts_grams_said_before_in_the_same_answer() -> None:
    assert texts.repetition_counts("a b c d a b c d") == [1.0, 5.0, 1.0]
    assert texts.repetition_counts("好好好好好好") == [2.0, 3.0, 1.0]
    assert texts.repetition_counts("short") == [0.0, 0.0, 1.0]


def test_distinct_counts_over_one_conversation() -> None:
    assert texts.distinct_counts(["yes of course", "yes of course"], 1) == [3.0, 6.0, 2.0]
    assert texts.distinct_counts(["yes of course", "yes of course"], 2) == [2.0, 4.0, 2.0]


@given(st.text(max_size=30).filter(lambda text: bool(text.strip())))
def test_the_truth_itself_scores_one(text: str) -> None:
    assert texts.chrf_score(text, text) == pytest.approx(1.0)


def test_an_empty_answer_scores_nothing_unless_the_truth_is_empty_too() -> None:
    assert texts.chrf_score("", "hello") == 0.0
    assert texts.chrf_score("", "") == 1.0
    assert texts.chrf_score("hello", "") == 0.0


@pytest.mark.parametrize("lang", ["zh-CN", "zh_CN", "zh_Hant_TW", "ZH", "zho", "Chinese", "中文"])
def test_chinese_by_whatever_name_is_parted_into_characters(lang: str) -> None:
    """By words of blanks a whole Chinese answer is one word, and any slip in it makes BLEU 0."""
    truth, answer = "您好，请问几位？", "您好，请问两位？"
    assert texts.bleu_counts(answer, truth, lang) == texts.bleu_counts(answer, truth, "zh")
    assert texts.bleu_counts(answer, truth, lang)[0] == 7


def test_japanese_by_a_locale_is_parted_into_characters() -> None:
    assert texts.bleu_counts("はい", "はい", "ja_JP") == texts.bleu_counts("はい", "はい", "ja")
    assert texts.bleu_counts("はい", "はい", "en_GB") == texts.bleu_counts("はい", "はい", "en")
