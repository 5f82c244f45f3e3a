"""Answers in words against the truth: BLEU, chrF, ROUGE-L, length and repetition, counted turn by turn.

BLEU and chrF are counted by sacrebleu (BLEU's tokenizer: `zh` for Chinese, `char` for Japanese and Thai, `13a` else),
ROUGE-L by rouge-score. Knows nothing of models; a call where the truth is text counts as an empty answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.helpers import extract_all_char_ngrams

from dialoop.conversation import tongue
from dialoop.evaluation.formulas import CHRF_ORDER, chrf

_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KANA_THAI = "\u3040-\u30ff\u31f0-\u31ff\u0e00-\u0e7f"
_UNITS = re.compile(f"[{_HAN}{_KANA_THAI}]|[^\\W{_HAN}{_KANA_THAI}]+")
REPEATED = 4  # length of the n-grams whose repetition is counted


def units(text: str) -> list[str]:
    """Words in lower case; each character of scripts that set no spaces (Chinese, Japanese, Thai) by itself."""
    return _UNITS.findall(text.lower())


class _Units:
    """The tokenizer given to rouge-score, whose own one drops everything but a–z and 0–9."""

    def tokenize(self, text: str) -> list[str]:
        return units(text)


@cache
def _scorer() -> RougeScorer:
    return RougeScorer(["rougeL"], tokenizer=_Units())


_TOKENIZERS = {"zh": "zh", "yue": "zh", "ja": "char", "th": "char"}


@cache
def _bleu(tokenizer: str) -> BLEU:
    return BLEU(tokenize=tokenizer)


def bleu_counts(answer: str, truth: str, lang: str) -> list[float]:
    """4 n-gram matches, 4 n-gram totals, the answer's and the truth's length in tokens, and 1 turn.

    `lang`: a language tag (BCP 47), a locale (`zh_CN`) or a name (`Chinese`); its `tongue` chooses the tokenizer.
    """
    tokenizer = _TOKENIZERS.get(tongue(lang), "13a")
    score = _bleu(tokenizer).corpus_score([answer], [[truth]])
    return [*map(float, score.counts), *map(float, score.totals), float(score.sys_len), float(score.ref_len), 1.0]


def chrf_counts(answer: str, truth: str) -> list[float]:
    """For 1 to 6 characters: n-grams of the answer, of the truth, shared; and 1 turn. Spaces do not count."""
    pairs = list(
        zip(extract_all_char_ngrams(answer, CHRF_ORDER), extract_all_char_ngrams(truth, CHRF_ORDER), strict=True)
    )
    said = [float(sum(said.values())) if true else 0.0 for said, true in pairs]  # no truth of this order: not counted
    return [
        *said,
        *(float(sum(true.values())) for _, true in pairs),
        *(float(sum((said & true).values())) for said, true in pairs),
        1.0,
    ]


def chrf_score(answer: str, truth: str) -> float:
    """chrF2 of one answer, 0 to 1; 1 where both are empty."""
    if not answer.strip() and not truth.strip():
        return 1.0
    value = float(chrf(np.array([chrf_counts(answer, truth)]))[0])
    return 0.0 if np.isnan(value) else value / 100


def rouge_l(answer: str, truth: str) -> float:
    """ROUGE-L F1 of one answer, 0 to 1. Lin 2004; units as `units` has them, no stemming."""
    return float(_scorer().score(truth, answer)["rougeL"].fmeasure)


def repetition_counts(answer: str) -> list[float]:
    """How many of an answer's 4-grams were said before in the same answer; how many there are; and 1 turn."""
    said = units(answer)
    grams = Counter(tuple(said[i : i + REPEATED]) for i in range(len(said) - REPEATED + 1))
    total = sum(grams.values())
    return [float(total - len(grams)), float(total), 1.0]


def distinct_counts(answers: Sequence[str], n: int) -> list[float]:
    """Different n-grams in the answers of one conversation; all n-grams; answers. Distinct-n after Li et al. 2016."""
    grams: Counter[tuple[str, ...]] = Counter()
    for answer in answers:
        said = units(answer)
        grams.update(tuple(said[i : i + n]) for i in range(len(said) - n + 1))
    return [float(len(grams)), float(sum(grams.values())), float(len(answers))]
