"""What a stand-in looks like: `<phone_1>`, the kind and a number from 1, counted in each conversation.

Why so: it says its kind, so a model knows what it copies; every tokenizer has its pieces and none of its own; it is
told from people's text by its look alone, so a guard can see one that was made up; and the same few come in every
conversation, so a model tuned on protected logs learns to copy them. Names and numbers that look real would be
none of this. It knows no values.
"""

from __future__ import annotations

import re

from dialoop.errors import DataError

STAND_IN = re.compile(r"<[a-z]{1,16}_[1-9][0-9]{0,5}>")
_BEGUN = re.compile(r"<(?:[a-z]{0,16}|[a-z]{1,16}_(?:[1-9][0-9]{0,5})?)$")
_KIND = re.compile(r"[a-z]{1,16}")
MOST = 999_999
"""The highest number of a stand-in."""


def stand_in(kind: str, number: int) -> str:
    """The stand-in of this kind and number. Raises DataError for what cannot be written so."""
    check_kind(kind)
    if not 1 <= number <= MOST:
        raise DataError(f"there is no stand-in with the number {number}", remedy=f"use a number from 1 to {MOST}")
    return f"<{kind}_{number}>"


def check_kind(kind: str) -> None:
    """Raises DataError for a kind that is no word of 1 to 16 small letters a–z."""
    if not _KIND.fullmatch(kind):
        raise DataError(f"no stand-in can be made of the kind {kind!r}", remedy="use 1 to 16 small letters a–z")


def begun(text: str) -> int:
    """Where at the end of `text` a stand-in may have begun; the text's length if none has."""
    match = _BEGUN.search(text)
    return match.start() if match else len(text)
