"""Whole conversations for tests: a live customer and the reference agent, which is told what the customer meant."""

from copy import deepcopy
from dataclasses import dataclass

from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel import ReferenceAgent, World, make_customer, make_world
from dialoop.scenarios.hotel.goals import Goal
from dialoop.scenarios.hotel.live import LiveCustomer, Turn


@dataclass(frozen=True)
class Talk:
    """A conversation with the reference agent: the house before and after, the goals, what was said."""

    start: World
    end: World
    goals: list[Goal]
    turns: list[Turn]


def talk(lang: str, seed: int, part: str = "test") -> Talk:
    """One whole conversation."""
    dice = Dice("talk", part, lang, seed)
    world = make_world(lang, part, dice)
    start, agent = deepcopy(world), ReferenceAgent(world, part, dice)
    customer = LiveCustomer(make_customer(world, part, dice), lang, world.today)
    text = customer.opening()
    for _ in range(30):
        if text is None:
            return Talk(start, world, list(customer.goals), customer.turns)
        text = customer.reply(agent.answer(customer.said).messages[-1].content)
    raise AssertionError(f"no end: {customer.turns}")
