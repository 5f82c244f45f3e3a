"""Text as the finders read it: one character for each of the original, so that spans are those of the original.

Digits of every script and full-width signs become ASCII, dashes become `-`, spaces (also those of no width) a space.
It knows no kinds.
"""

from __future__ import annotations

import re
import unicodedata

_DASHES = "‐‑‒–—―−﹘﹣－"
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u202f\u205f\u2060"
_SPACES += "\u3000\ufeff\t"
_FIXED = {ord(sign): "-" for sign in _DASHES} | {ord(sign): " " for sign in _SPACES} | {ord("’"): "'", ord("‘"): "'"}
_FIXED |= {ord("Ⅹ"): "X", ord("ⅹ"): "x"}  # the last sign of an identity number


_QUOTED = re.compile(r"%(2[0-9A-Fa-f]|3[A-Fa-f]|40|5[BbDd])")


def folded(text: str) -> str:
    """`text` in ASCII where that is only another way of writing; the same number of code points."""
    if text.isascii():
        return text.replace("\t", " ")
    return "".join(character if character.isascii() else _folded(character) for character in text)


def unquoted(text: str) -> str:
    """The text of a link with its quoted signs read, as long as before: `%2B` is NUL NUL +, `%20` three spaces."""
    return _QUOTED.sub(lambda sign: "\0\0" + chr(int(sign[1], 16)), text.replace("%20", "   "))


def _folded(character: str) -> str:
    if (fixed := _FIXED.get(ord(character))) is not None:
        return fixed
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    if "！" <= character <= "～":  # full-width forms of ASCII
        return chr(ord(character) - 0xFEE0)
    return character
