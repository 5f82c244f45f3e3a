"""Every formula equals the library or the definition that it claims to follow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF
from sklearn.metrics import precision_recall_fscore_support

from dialoop.evaluation import formulas
from dialoop.evaluation.tallies import type_tallies
from dialoop.evaluation.texts import bleu_counts, chrf_counts

words = st.lists(st.sampled_from(["room", "two", "nights", "the", "a", "yes", "."]), max_size=9).map(" ".join)
han = st.text(alphabet="好的请问您要几间房，。", max_size=12)
pairs_en = st.lists(st.tuples(words, words.filter(bool)), min_size=1, max_size=6)
pairs_zh = st.lists(st.tuples(han, han.filter(lambda text: bool(text.strip()))), min_size=1, max_size=6)


def summed(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows).sum(axis=0, keepdims=True)


@given(pairs_en)
def test_bleu_equals_sacrebleu(pairs: list[tuple[str, str]]) -> None:
    expected = BLEU(tokenize="13a").corpus_score([said for said, _ in pairs], [[true for _, true in pairs]]).score
    got = formulas.bleu(summed([bleu_counts(said, true, "en") for said, true in pairs]))[0]
    assert got == pytest.approx(expected, abs=1e-6)


@given(pairs_zh)
def test_bleu_of_chinese_counts_characters(pairs: list[tuple[str, str]]) -> None:
    expected = BLEU(tokenize="zh").corpus_score([said for said, _ in pairs], [[true for _, true in pairs]]).score
    got = formulas.bleu(summed([bleu_counts(said, true, "zh-CN") for said, true in pairs]))[0]
    assert got == pytest.approx(expected, abs=1e-6)


@given(pairs_en)
def test_chrf_equals_sacrebleu(pairs: list[tuple[str, str]]) -> None:
    expected = CHRF().corpus_score([said for said, _ in pairs], [[true for _, true in pairs]]).score
    got = formulas.chrf(summed([chrf_counts(said, true) for said, true in pairs]))[0]
    assert got == pytest.approx(expected, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40))
def test_macro_averages_equal_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    true, said = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    expected = precision_recall_fscore_support(true, said, average="macro", zero_division=0.0)[:3]
    named = {"p": formulas.macro_precision, "r": formulas.macro_recall, "f": formulas.macro_f1}
    tallies = type_tallies([(true[true == said], said, true)], named)
    sums = tallies["p"].sums.sum(axis=0).reshape(1, -1)
    assert [named[name](sums)[0] for name in "prf"] == pytest.approx(expected)


def test_a_row_of_each_resample_gives_a_figure_each() -> None:
    rows = np.array([[0.0, 4.0], [2.0, 4.0], [1.0, 0.0]])
    assert formulas.ratio(rows)[:2] == pytest.approx([0.0, 0.5])
    assert np.isnan(formulas.ratio(rows)[2])
    assert formulas.perplexity(rows)[:2] == pytest.approx([1.0, np.exp(0.5)])
    assert formulas.bits(np.array([[np.log(2) * 3, 1.0]]))[0] == pytest.approx(3.0)


def test_no_truth_gives_no_figure() -> None:
    assert np.isnan(formulas.bleu(np.zeros((1, 11)))[0])
    assert np.isnan(formulas.chrf(np.zeros((1, 19)))[0])
    assert np.isnan(formulas.macro_f1(np.zeros((1, 0)))[0])
