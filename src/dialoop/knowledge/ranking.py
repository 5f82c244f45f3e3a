"""How well a section answers a message: one measure for both databases, so that both find the same.

BM25 (Robertson and Zaragoza 2009, doi:10.1561/1500000019) over the terms of heading and text, with two changes. The
weight of a term is a share of the weight of the rarest one, so that a floor means the same for ten sections and for ten
thousand; and the sum is multiplied by the root of the share of the message that was found, so that one word met by
chance in a long message counts little. The numbers below were chosen on the questions `fitting` of
benchmarks/knowledge_questions.yaml and on turns of the hotel's training logs that ask for no rule.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dialoop.knowledge.words import is_single_sign

FLOOR = 0.65
"""Below this a section is not an answer: 5 % of the turns that asked for no rule found one above it."""
SATURATION = 0.6
LENGTH = 0.3
HEADING = 1.5
SINGLE_SIGN = 0.3
"""What a term counts in a heading, and what a single Chinese character counts beside a pair."""


@dataclass(frozen=True)
class Candidate:
    """A section that holds some of the terms. `heading` and `body` are its terms, `length` their weighted number."""

    source: str
    text: str
    heading: Sequence[str]
    body: Sequence[str]
    length: float


@dataclass(frozen=True)
class Corpus:
    """What is known of all sections that could be found: how many, their mean length, and how many hold each term."""

    sections: int
    mean_length: float
    holding: Mapping[str, int]


def weighted_length(heading: Sequence[str], body: Sequence[str]) -> float:
    """How long a section is, in terms."""
    return len(body) + HEADING * len(heading)


def strength(asked: Sequence[str], candidate: Candidate, corpus: Corpus) -> float:
    """0 where no term is met; about 1 and more where the section speaks of what was asked."""
    weights = {term: _weight(term, corpus) for term in dict.fromkeys(asked)}
    heading, body = Counter(candidate.heading), Counter(candidate.body)
    relative = candidate.length / corpus.mean_length if corpus.mean_length else 1.0
    slow = SATURATION * (1 - LENGTH + LENGTH * relative)
    total = met = 0.0
    for term, weight in weights.items():
        times = body[term] + HEADING * heading[term]
        if times:
            total += weight * times * (SATURATION + 1) / (times + slow)
            met += weight
    return total * math.sqrt(met / sum(weights.values())) if met else 0.0


def _weight(term: str, corpus: Corpus) -> float:
    """How telling a term is, from 0 to 1."""
    share = min(1.0, _rarity(corpus.holding.get(term, 0), corpus) / _rarity(1, corpus))
    return share * SINGLE_SIGN if is_single_sign(term) else share


def _rarity(holding: int, corpus: Corpus) -> float:
    return math.log(1 + (corpus.sections - holding + 0.5) / (holding + 0.5))
