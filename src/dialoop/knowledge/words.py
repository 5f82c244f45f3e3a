"""From text to search terms, the same for what is indexed and what is asked, on every database.

English words lose their endings (Snowball's English stemmer), Chinese is cut into overlapping pairs of characters and
single ones. Words that only hold a sentence together are left out, and stand-ins for private values. It knows no
passages and no databases.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

from dialoop.privacy.stand_in import STAND_IN

_HAN_SIGN = r"[\u3400-\u9fff\uf900-\ufaff]"
_HAN = re.compile(_HAN_SIGN)
_LETTERS = rf"(?:(?!{_HAN_SIGN})[^\W_])+"
_RUN = re.compile(rf"(?P<han>{_HAN_SIGN}+)|(?P<word>{_LETTERS}(?:['’\-]{_LETTERS})*)")
_LONGEST = 100
"""Characters of a word that count. PostgreSQL refuses a text that holds a word of more than 2,046 bytes."""
_STEMMER = snowballstemmer.stemmer("english")

_ENGLISH = """
a about after again all also although always am an and any anybody anyone anything are aren't around as ask at be
because been before being both but by call can can't cannot come could couldn't did didn't do does doesn't doing don't
down each either else even ever every everything few for from get gets getting give go goes going gone good got had
has hasn't have haven't having he hello help her here hers hi him his how however i i'd i'll i'm i've if in into is
isn't it it's its just know leave let let's like long look looking lot made make many may maybe me mean might mind mine
more most much must my need needs never next no not now of off often ok okay on once one ones only or other our ours
out over own people perhaps please possible put quite really right said same say see she should shouldn't since so some
somebody someone something somewhere sorry still straight such sure take tell than thank thanks that that's the their
them then there there's these they thing things think this those though through time to together too try under until up
upon us use used very want wants was wasn't way we we'd we'll we're we've well were what what's when where whether
which while who whom whose why will wish with without won't would wouldn't yes yet you you'd you'll you're your yours
able allow allowed okay fine problem question wonder wondering happen dear morning evening afternoon night day today
tomorrow room rooms hotel house stay book booking place
""".split()
_CHINESE = (
    "的了吗呢吧啊呀哦我你您他她它们咱是在有没不也都就还要会能可以想请问这那哪什么怎样"
    "几多少个和跟与或及把被给让对为从到向去来很太再又只些"
)


@lru_cache(maxsize=1)
def _left_out() -> frozenset[str]:
    return frozenset(_ENGLISH) | frozenset(_STEMMER.stemWords(_ENGLISH))


def terms(text: str) -> list[str]:
    """The terms of a text in their order, one as often as it stands there; they hold letters and digits alone."""
    found: list[str] = []
    for run in _RUN.finditer(unicodedata.normalize("NFKC", STAND_IN.sub(" ", text)).casefold()):
        found += _han(run["han"]) if run["han"] else _word(run["word"])
    return found


def is_single_sign(term: str) -> bool:
    """Whether a term is one Chinese character: it says less than a pair does."""
    return len(term) == 1 and _HAN.match(term) is not None


def _han(run: str) -> list[str]:
    pairs = [run[i : i + 2] for i in range(len(run) - 1)]
    telling = [pair for pair in pairs if not any(sign in _CHINESE for sign in pair)]
    return telling + [sign for sign in run if sign not in _CHINESE]


def _word(word: str) -> list[str]:
    parts = [part.removesuffix("'s") for part in word.replace("’", "'").split("-")]
    kept = [part for part in parts if part not in _left_out()]
    whole = ["".join(parts)] if len(parts) > 1 else []  # Wi-Fi: wi, fi and wifi
    return [_STEMMER.stemWord(part.replace("'", "")[:_LONGEST]) for part in [*kept, *whole]]  # o'clock: oclock
