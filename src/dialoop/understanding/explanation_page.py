"""Writes why a text has its label as one HTML page that needs no network. It knows no model.

The page holds the text and training texts; it is as private as they are.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from dialoop.evaluation.report import page_style
from dialoop.model.folder import replace_file
from dialoop.understanding.explaining import Piece, Why


def write_explanation(why: Why, path: Path) -> Path:
    """Write the page in one step. Raises ModelError where it cannot be written."""
    replace_file(path, explanation_page(why))
    return path


def explanation_page(why: Why) -> str:
    """The whole page as text."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(
        files("dialoop.understanding").joinpath("explanation.html.jinja").read_text("utf-8")
    )
    return template.render(style=page_style(), why=why, parts=shaded(why), strongest=strongest(why))


def shaded(why: Why) -> list[tuple[str, float, float | None]]:
    """The text in parts, in order: the characters, how strongly they speak for the label (-1 to 1), what they add.

    What lies between words adds nothing, and has None.
    """
    most = max((abs(piece.adds) for piece in why.pieces), default=0.0) or 1.0
    parts: list[tuple[str, float, float | None]] = []
    place = 0
    for piece in why.pieces:
        if piece.start > place:
            parts.append((why.text[place : piece.start], 0.0, None))
        parts.append((why.text[piece.start : piece.end], piece.adds / most, piece.adds))
        place = piece.end
    return [*parts, *([(why.text[place:], 0.0, None)] if place < len(why.text) else [])]


def strongest(why: Why, count: int = 8) -> list[Piece]:
    """The words that add or take most."""
    return sorted(why.pieces, key=lambda piece: -abs(piece.adds))[:count]
