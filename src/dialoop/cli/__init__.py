"""The verbs. Each verb is one file of this room, named after it, and is imported only when it is called."""

from __future__ import annotations

from dialoop.cli.app import main

__all__ = ["main"]
