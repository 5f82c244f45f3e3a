"""Dialogue logs of a hotel: a simulated customer talks to the reference agent, whose tools run on the hotel's world.

What the logs show is what really happened in the world. The same seed gives the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from dialoop.conversation import OUT_OF_SCOPE, Annotations, Conversation, Message, MessageAnnotation
from dialoop.errors import SettingsError
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.agent import ReferenceAgent
from dialoop.scenarios.hotel.customer import Customer
from dialoop.scenarios.hotel.makers import NOT_OURS, make_customer, make_world
from dialoop.scenarios.hotel.strange import estrange
from dialoop.scenarios.hotel.talk import Said
from dialoop.scenarios.hotel.tools import tools_of
from dialoop.scenarios.hotel.wording import Part, Wording
from dialoop.scenarios.hotel.world import World

MOST_TURNS = 30
TALKS_A_HOUSE: dict[Part, int] = {"train": 8, "test": 1}
"""Talks of one house on one day, one after the other in a language: its agent has one system message and one set of
tools, as the logs of a team have. Each test is of another house."""
_WITHOUT_SLIPS = 1_024
"""So many of the first training talks are without slips: a short training has to learn first how talks go."""
_SLIPS = 0.15
"""How often training's agent reads something back wrongly, is put right, and listens: its mistake is no target."""
LANGUAGES = ("en", "zh")


def make_logs(n: int, *, lang: str | None = None, seed: int = 0, part: Part = "train") -> Iterator[Conversation]:
    """`n` conversations; without `lang`, English and Chinese take turns.

    Part "test" uses phrasings, names, places, rooms, rules and prices that "train" never uses; in "train" many words of
    names and rules are made up. A shorter run with the
    same seed is the beginning of a longer one. Raises SettingsError for an unknown language or part.
    """
    if lang not in (None, *LANGUAGES):
        raise SettingsError(f"the hotel speaks no {lang!r}", remedy=f"use one of {', '.join(LANGUAGES)}")
    if part not in ("train", "test"):
        raise SettingsError(f"there is no part {part!r}", remedy="use train or test")
    for number in range(n):
        spoken = lang or LANGUAGES[number % len(LANGUAGES)]
        house = number // (TALKS_A_HOUSE[part] * (1 if lang else len(LANGUAGES)))
        of_house, dice = Dice("hotel", part, spoken, seed, "house", house), Dice("hotel", part, spoken, seed, number)
        world = make_world(spoken, part, of_house)
        if part == "train":
            estrange(world, of_house)
        system = system_message(world, part, of_house)
        customer = make_customer(world, part, dice)
        identity = f"hotel-{part}-{spoken}-{seed}-{number:05d}"
        slips = 0.0 if part == "test" or number < _WITHOUT_SLIPS else _SLIPS
        yield converse(world, customer, part, dice, system=system, identity=identity, slips=slips)


def converse(
    world: World, customer: Customer, part: str, dice: Dice, *, system: str, identity: str, slips: float = 0.0
) -> Conversation:
    """One conversation between the customer and the reference agent, to its end; the agent is told `system`, and slips
    so often.

    Raises RuntimeError where it does not end or a goal is missed, which would be a defect of the scenario.
    """
    agent = ReferenceAgent(world, part, dice, slips=slips)
    messages = [Message(role="system", content=system)]
    annotations = []
    said: Said | None = customer.opening()
    for _ in range(MOST_TURNS):
        if said is None:
            break
        annotations.append(MessageAnnotation(index=len(messages), intents=[intent_of(said)], slots=said.spans or None))
        messages.append(Message(role="user", content=said.text))
        answer = agent.answer(said)
        messages += answer.messages
        said = customer.reply(answer.heard)
    if said is not None:
        raise RuntimeError(f"{identity} did not end within {MOST_TURNS} turns")
    missed = [goal for goal in customer.goals if not goal.reached(world)]
    if missed:
        raise RuntimeError(f"{identity} missed {missed}")
    return Conversation(
        id=identity,
        messages=messages,
        tools=tools_of(world),
        lang=world.lang,
        source="hotel",
        split=part,
        customer=identity,
        outcome="reached",
        annotations=Annotations(messages=annotations),
    )


def system_message(world: World, part: str, dice: Dice) -> str:
    """What the agent is told about its place: hotel, city and day."""
    return Wording("agent", world.lang, part).say(
        dice, "system", hotel=world.hotel, city=world.city, today=world.today.isoformat()
    )


def intent_of(said: Said) -> str:
    """The intent that the logs note; chats about what is not ours have none."""
    return OUT_OF_SCOPE if said.intent == "chat" and said.values.get("topic") in NOT_OURS else said.intent
