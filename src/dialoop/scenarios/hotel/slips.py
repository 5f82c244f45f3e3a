"""What an agent reads back wrongly, so that logs hold customers who put it right and an agent that listens.

A model makes mistakes of its own, and they stand in the talk before its next answer. From talks without any it learns
to say once more what it said before. What is read back here is another day, length or room, a piece of the customer's
words, or a name that is spelt wrongly. It knows no wording.
"""

from __future__ import annotations

import re
from datetime import timedelta

from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.days import spoken_day
from dialoop.scenarios.hotel.strange import strange
from dialoop.scenarios.hotel.talk import Value
from dialoop.scenarios.hotel.world import World

_AHEAD = 60
"""Days that another day lies ahead, at most."""


class Slips:
    """Draws what goes wrong, at this rate (0 to 1)."""

    def __init__(self, rate: float, world: World, dice: Dice) -> None:
        self._rate, self._world, self._dice = rate, world, dice

    def due(self) -> bool:
        """Whether something goes wrong now."""
        return self._rate > 0 and self._dice.chance(self._rate)

    def instead(self, slot: str, value: Value, said: str) -> Value:
        """What is read back in the place of a `check_in`, `nights`, `guests` or `room`; `said`: the customer's last
        words."""
        if slot in ("nights", "guests"):
            return self._dice.pick([number for number in range(1, 7) if number != value])
        if slot == "check_in":
            day = self._world.today + timedelta(days=self._dice.number(1, _AHEAD))
            return spoken_day(day, self._world.today, self._world.lang, self._dice)
        others = [name for name in self._world.rooms if name != value]
        return self._dice.pick([self._dice.pick(others), self._piece(said), strange(str(value), self._dice)])

    def _piece(self, said: str) -> str:
        """Some of the words, or of the signs where words are not parted."""
        glue, most = ("", 5) if self._world.lang == "zh" else (" ", 3)
        words = re.findall(r"\w" if self._world.lang == "zh" else r"[\w']+", said)
        begin = self._dice.number(0, max(0, len(words) - 1))
        return glue.join(words[begin : begin + self._dice.number(1, most)]) or said
