"""How many pages are open, in all and for each who has them open, so that nobody shuts the others out.

It knows no requests and no conversations: whoever counts says by whom a page is opened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from dialoop.errors import RequestError


class Crowd:
    """Pages that may be open at once: `most` in all. One event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0
        self._by: Counter[str] = Counter()

    def enter(self, most_by: Mapping[str, int]) -> Callable[[], None]:
        """Counts one page more; what it gives takes the page out again, and must be called when it is closed.

        `most_by`: who opens it, each with the pages that it may have open. Raises RequestError, and counts nothing: 429
        where one of them has that many, 503 where there are too many in all.
        """
        for who, most in most_by.items():
            if self._by[who] >= most:
                what = f"{most} pages are open from here already"
                raise RequestError(what, status=429, code="too_many_pages", remedy="close one of them, then try again")
        if self._open >= self._most:
            what = f"{self._most} pages are open already"
            raise RequestError(what, status=503, code="too_many_pages", remedy="try again in a while")
        self._count(most_by, 1)
        return lambda: self._count(most_by, -1)

    def _count(self, by: Mapping[str, int], change: int) -> None:
        self._open += change
        for who in by:
            self._by[who] += change
            if not self._by[who]:
                del self._by[who]
