"""How long work tells what it is doing. Knows no terminal."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many are done, of how many."""


def quiet(_what: str, _done: int, _of: int) -> None:
    """Tells no one."""
