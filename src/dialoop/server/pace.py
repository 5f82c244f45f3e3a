"""How often somebody may do something: at most so many times in so many seconds, for each who does it.

It forgets who has been quiet, so that it stays small. It knows no requests.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from dialoop.errors import RequestError

_MOST = 10_000
"""People remembered at once; the one that was quiet for longest is forgotten first."""


class Pace:
    """At most `count` times in `seconds`, by whoever `check` is told."""

    def __init__(self, count: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._count, self._seconds, self._clock = count, seconds, clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, who: str) -> None:
        """Counts one time more. Raises RequestError 429 where that is too often; then it is not counted."""
        now = self._clock()
        times = self._times.setdefault(who, deque())
        self._times.move_to_end(who)
        while times and times[0] <= now - self._seconds:
            times.popleft()
        if len(times) >= self._count:
            wait = max(1, round(times[0] + self._seconds - now))
            what = f"more than {self._count} in {self._seconds:g} seconds"
            raise RequestError(what, status=429, code="too_often", remedy=f"wait {wait} seconds")
        times.append(now)
        if len(self._times) > _MOST:
            self._times.popitem(last=False)
