"""Words that no list has, in the names and texts of training worlds.

A house calls its rooms and rules what it likes. Logs of few words teach these words, and a model then says them in the
place of another house's; where many of the words are made up, it is copying that is learnt.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from dialoop.model.bpe import common_han, rarer_han, twinned_words, word_pieces
from dialoop.model.names import MINI, resolve_model
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.world import World

_STRANGE_TEXTS, _STRANGE_WORDS = 0.6, 0.6
_ONSETS = "b c d f g h j k l m n p r s t v w br ch cl dr fl gr pl pr sh sl st th tr".split()
_VOWELS = "a e i o u ai ea ee oo ou".split()
_CODAS = ["", "", "n", "r", "l", "m", "t", "nd", "ck", "ss", "ng", "ble", "ter"]
_HAN, _RARE_HAN = common_han(), rarer_han()
_RARE = 0.06
"""A share of the made-up signs, each of which is several tokens: names of such signs are to be copied too."""
_PIECED = 0.7
"""A share of the made-up words: put together from pieces that the base's tokenizer has. A piece that no log holds is
unlearnt: its name is never copied."""
_TWINNED = 0.6
"""Of these, where they are small: words that are one token in quotes and another after a space. To copy one from a
tool's result into a sentence is to say the other, which has to be seen of each."""
_DOUBLED = 0.2
"""Where one sign, a rare one every other time, is said twice: what is copied stands twice, and the second time is
easily lost."""
_CLASSIFIERS = "个位名"
_NIGHTS = "晚夜"
_SIGN = re.compile(r"[\u4e00-\u9fff]")
_WORD = re.compile(r"(?<![{<\w])[A-Za-z]{4,}(?![\w}>])|[\u4e00-\u9fff]")


def estrange(world: World, dice: Dice) -> None:
    """Call the house, its rooms, what is in them, its rules and their topics by made-up words here and there."""

    def made(text: str) -> str:
        return strange(text, dice)

    world.hotel = made(world.hotel)
    new = {name: made(name) for name in world.rooms}
    if len(set(new.values())) == len(new):
        world.rooms = {
            new[name]: replace(room, name=new[name], bed=made(room.bed), view=made(room.view))
            for name, room in world.rooms.items()
        }
        for booking in world.bookings.values():
            booking.room = new[booking.room]
    world.rules = {made(topic): made(rule) for topic, rule in world.rules.items()}


def strange(text: str, dice: Dice) -> str:
    """The text, or, more often, one with made-up words in the place of some of its own: as many, each as long as a word
    or a sign is, but that a sign may stand twice."""
    if not dice.chance(_STRANGE_TEXTS):
        return text
    made = _WORD.sub(lambda found: _word(found[0], dice) if dice.chance(_STRANGE_WORDS) else found[0], text)
    signs = list(_SIGN.finditer(made))
    if not signs or not dice.chance(_DOUBLED):
        return made
    at = dice.pick(signs).start()
    twice = dice.pick(_RARE_HAN) if dice.chance(0.5) else made[at]
    return made[:at] + 2 * twice + made[at + 1 :]


def strange_unit(unit: str, lang: str, dice: Dice) -> str:
    """What "nights" or "guests" are counted in, "one/many" in English: nights keep the word for night, guests are
    anyone."""
    if lang == "zh":
        made = "".join(dice.pick(_HAN) for _ in range(dice.number(1, 2)))
        night = dice.pick(_NIGHTS)
        if unit == "nights":
            return dice.pick([f"个{made}{night}", f"{night}{made}"])
        return f"{dice.pick(_CLASSIFIERS)}{made}"
    made = _word("x", dice, twins=False)
    if unit == "nights":
        return dice.pick([f"{made} night/{made} nights", f"night's {made}/nights' {made}"])
    return dice.pick([f"{made}/{made}s", f"{made} guest/{made} guests"])


def _word(like: str, dice: Dice, *, twins: bool = True) -> str:
    if not like.isascii():
        return dice.pick(_RARE_HAN if dice.chance(_RARE) else _HAN)
    if dice.chance(_PIECED):
        if twins and like.islower() and dice.chance(_TWINNED):
            return dice.pick(_twins())
        first, rest = _pieces()
        return dice.pick(first[like[0].isupper()]) + "".join(dice.pick(rest) for _ in range(dice.number(0, 2)))
    syllables = (dice.pick(_ONSETS) + dice.pick(_VOWELS) for _ in range(dice.number(1, 2)))
    made = "".join(syllables) + dice.pick(_CODAS)
    return made.capitalize() if like[0].isupper() else made


@cache
def _twins() -> list[str]:
    return twinned_words(resolve_model(MINI) / "tokenizer.json")


@cache
def _pieces() -> tuple[tuple[list[str], list[str]], list[str]]:
    """What words begin with, small and with a capital, and what they go on with: the bundled base's own pieces."""
    known = word_pieces(resolve_model(MINI) / "tokenizer.json")
    small = [piece for piece in known if piece.islower()]
    return (small, [piece for piece in known if piece.istitle()]), small
