"""Whether the world has drifted: the conversations of a round against what was trained on and served before.

Each sign is a rate of single conversations, before and now, with a one-sided rank test (Mann and Whitney 1947): turns
of one conversation are not independent, conversations are. A sign alarms when the rate has risen by more than the
threshold and chance explains it badly. What is drifting cannot be told from rates: the report names the words that are
new most often. It knows no models; how sure one is of a text is passed in.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from dialoop.conversation import OUT_OF_SCOPE, Conversation, Event
from dialoop.conversation.events import Escalated, ToolReturned, Understood, UserSaid
from dialoop.conversation.likeness import normalised
from dialoop.privacy import STAND_IN

ALPHA = 0.01
"""Chance, at most, that a sign alarms though nothing changed."""
FEWEST = 5
"""Conversations, on each side, below which a rate is told and not tested."""
Sure = Callable[[str], float]
"""How sure one is of what a message is about, from 0 to 1."""

_WORD = re.compile(r"[\u3400-\u9fff]+|[^\W\d_\u3400-\u9fff]+(?:['’-][^\W\d_\u3400-\u9fff]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")


class Sign(BaseModel):
    """One rate, before and now: shares from 0 to 1, of so many conversations. `p`: of a rise by chance alone."""

    model_config = ConfigDict(extra="forbid")
    name: str
    about: str
    before: float | None
    of_before: int
    now: float | None
    of_now: int
    p: float | None = None
    threshold: float
    alarm: bool = False


class Drift(BaseModel):
    """All signs, and the words that are new: how many conversations have each, the most frequent first."""

    model_config = ConfigDict(extra="forbid")
    signs: list[Sign]
    new_words: dict[str, int] = Field(default_factory=dict)

    @property
    def drifted(self) -> bool:
        """Whether any sign alarms."""
        return any(sign.alarm for sign in self.signs)


@dataclass(frozen=True)
class Served:
    """Served conversations by id, each with all its events."""

    events: Mapping[str, Sequence[Event]]

    @property
    def texts(self) -> list[list[str]]:
        """What each customer said, with stand-ins."""
        return [
            [event.shown or event.text for event in events if isinstance(event, UserSaid)]
            for events in self.events.values()
        ]


def drift(
    now: Served,
    trained: Iterable[Conversation],
    before: Served | None = None,
    *,
    threshold: float = 0.05,
    sure: Sure | None = None,
    doubtful: float = 0.5,
) -> Drift:
    """The served conversations `now` against what was `trained` on, and against those served `before`.

    `threshold`: by how much a rate must have risen. With `sure` a message below `doubtful` counts as not understood;
    without, one that the agent's own understanding found out of scope.
    """
    data = list(trained)
    said = [[message.content or "" for message in one.messages if message.role == "user"] for one in data]
    before = before or Served({})
    known, rates_before = _words_and_rates(said)
    signs = [
        _sign("new words", "words of customers that training has not", rates_before, _new(now.texts, known), threshold)
    ]
    if sure is not None:
        unsure_before, unsure_now = _unsure(said, sure, doubtful), _unsure(now.texts, sure, doubtful)
    else:
        unsure_before, unsure_now = _out_of_scope(before), _out_of_scope(now)
    signs += [
        _sign(
            "not understood", "messages out of scope, or understood with doubt", unsure_before, unsure_now, threshold
        ),
        _sign("failed calls", "calls of tools that failed", _failures(before), _failures(now), threshold),
        _sign("person asked", "conversations in which a person was asked", _asked(before), _asked(now), threshold),
    ]
    return Drift(signs=signs, new_words=_most_new(now.texts, known))


def words(text: str) -> list[str]:
    """The words of a text in small letters; Chinese by pairs of signs. Numbers and stand-ins are none."""
    found: list[str] = []
    for match in _WORD.finditer(STAND_IN.sub(" ", text).casefold()):
        run = match[0]
        if _HAN.match(run):
            found += [run[at : at + 2] for at in range(len(run) - 1)] or [run]
        else:
            found.append(run)
    return found


def _words_and_rates(said: Sequence[Sequence[str]]) -> tuple[set[str], list[float]]:
    """All words of training; and the rate of new ones that a conversation of training has against all the others.

    So a rare word that comes anyway is no sign of a change.
    """
    once = _each_once(said)
    counted = Counter(word for texts in once for word in {word for text in texts for word in words(text)})
    rates = []
    for texts in once:
        own = [word for text in texts for word in words(text)]
        if own:
            rates.append(sum(counted[word] == 1 for word in own) / len(own))
    return set(counted), rates


def _each_once(said: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Conversations in which customers say the same count once: one would hide what is rare in the other."""
    return list({tuple(normalised(text) for text in texts): texts for texts in said}.values())


def _new(texts: Sequence[Sequence[str]], known: set[str]) -> list[float]:
    rates = []
    for one in texts:
        own = [word for text in one for word in words(text)]
        if own:
            rates.append(sum(word not in known for word in own) / len(own))
    return rates


def _most_new(texts: Sequence[Sequence[str]], known: set[str]) -> dict[str, int]:
    counted = Counter(word for one in texts for word in {word for text in one for word in words(text)} - known)
    return {word: count for word, count in counted.most_common(20) if count > 1}


def _unsure(texts: Sequence[Sequence[str]], sure: Sure, doubtful: float) -> list[float]:
    return [sum(sure(text) < doubtful for text in one) / len(one) for one in texts if one]


def _out_of_scope(served: Served) -> list[float]:
    rates = []
    for events in served.events.values():
        understood = [event for event in events if isinstance(event, Understood)]
        if understood:
            strange = [event.out_of_scope or OUT_OF_SCOPE in event.intents for event in understood]
            rates.append(sum(strange) / len(understood))
    return rates


def _failures(served: Served) -> list[float]:
    rates = []
    for events in served.events.values():
        returned = [event for event in events if isinstance(event, ToolReturned)]
        if returned:
            rates.append(sum(event.failed for event in returned) / len(returned))
    return rates


def _asked(served: Served) -> list[float]:
    return [float(any(isinstance(event, Escalated) for event in events)) for events in served.events.values()]


def _sign(name: str, about: str, before: Sequence[float], now: Sequence[float], threshold: float) -> Sign:
    sign = Sign(
        name=name,
        about=about,
        before=_mean(before),
        of_before=len(before),
        now=_mean(now),
        of_now=len(now),
        threshold=threshold,
    )
    if min(len(before), len(now)) < FEWEST or sign.before is None or sign.now is None:
        return sign
    p = _rise_by_chance(before, now)
    return sign.model_copy(update={"p": p, "alarm": sign.now - sign.before > threshold and p < ALPHA})


def _mean(rates: Sequence[float]) -> float | None:
    return sum(rates) / len(rates) if rates else None


def _rise_by_chance(before: Sequence[float], now: Sequence[float]) -> float:
    """p of the one-sided test that `now` is greater; 1 where all rates are the same."""
    if len({*before, *now}) == 1:
        return 1.0
    from scipy.stats import mannwhitneyu  # type: ignore[import-untyped]

    p = float(mannwhitneyu(now, before, alternative="greater", method="asymptotic").pvalue)
    return p if math.isfinite(p) else 1.0
